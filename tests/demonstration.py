"""The demonstration as a fixture: run once for the session, and copied for tests that change it."""

import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 120


@dataclass(frozen=True, slots=True)
class Home:
    """A data folder and the command line that works on it."""

    path: Path

    @property
    def environment(self) -> dict[str, str]:
        """Our environment with this data folder and none of our settings."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CERTSVC_")}
        return {**kept, "CERTSVC_HOME": str(self.path), "PYTHONUTF8": "1"}

    def run(self, *arguments: object, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run `certsvc` with these arguments; nothing it says is lost."""
        command = [sys.executable, "-m", "certsvc", *map(str, arguments)]
        environment = {**self.environment, **extra}
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS
        )

    def json(self, *arguments: object) -> list[dict[str, Any]]:
        """The JSON lines that a command prints; it must end well or with a verdict."""
        done = self.run(*arguments, "--json")
        assert "Traceback" not in done.stderr, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    @property
    def papers(self) -> list[Path]:
        """The sealed files under their names."""
        return sorted((self.path / "pdf").glob("*.pdf"))

    def copied_to(self, other: "Home") -> "Home":
        """A copy, owners and modes kept; the server must not run."""
        subprocess.run(["cp", "-a", str(self.path), str(other.path)], check=True)
        return other


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What `demo --once` left and what it said last."""

    home: Home
    summary: Mapping[str, Any]


NewHome = Callable[[], Home]
"""Makes a data folder that other accounts can pass into: root's PostgreSQL runs as another one."""


@pytest.fixture(scope="session")
def new_home() -> Iterator[NewHome]:
    """Data folders that do not exist yet, beside pytest's own, which is closed to other accounts."""
    with tempfile.TemporaryDirectory(prefix="certsvc-test-") as folder:
        Path(folder).chmod(0o711)
        numbers = itertools.count(1)
        yield lambda: Home(Path(folder) / str(next(numbers)))


@pytest.fixture(scope="session")
def demonstration(new_home: NewHome) -> Demonstration:
    """One of everything, issued and verified by `demo --once`."""
    home = new_home()
    done = home.run("demo", "--once")
    assert done.returncode == 0, done.stderr
    return Demonstration(home, json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture
def own_home(demonstration: Demonstration, new_home: NewHome) -> Home:
    """A copy of the demonstration's data folder for one test."""
    return demonstration.home.copied_to(new_home())
