"""The demonstration as a fixture: run once for the session, and copied for tests that change it."""

import asyncio
import fcntl
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from certsvc.store.embedded import EmbeddedServer

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 300
SHARED_FOLDER = "CERTSVC_TEST_FOLDER"
"""Set by tests/run.py for the processes of one run."""


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

    def remove(self) -> None:
        """Remove the folder, unless a server runs in it."""
        if not (self.path / "postgres" / "data" / "postmaster.pid").exists():
            shutil.rmtree(self.path, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What `demo --once` left and what it said last."""

    home: Home
    summary: Mapping[str, Any]


NewHome = Callable[[], Home]
"""Makes a data folder that other accounts can pass into: root's PostgreSQL runs as another one."""


def make_demonstration(folder: Path) -> Demonstration:
    """The one in this folder; the first process that asks makes it, and the others wait."""
    home, last_line = Home(folder / "demonstration"), folder / "demonstration.json"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not last_line.exists():
            done = home.run("demo", "--once")
            assert done.returncode == 0, done.stderr
            last_line.write_text(done.stdout.splitlines()[-1], encoding="utf-8")
    return Demonstration(home, json.loads(last_line.read_text("utf-8")))


def unbound_seal(uri: str) -> None:
    """Let the village's seal of a copy be used as every department's is: for tests of what is no village's. No act on
    record does that, so it is done past the rules."""

    async def done() -> None:
        connection = await asyncpg.connect(uri)
        try:
            await connection.execute(
                "alter table seal disable trigger user;"
                "update seal set needs_authorisation = false where id = 'village-shitang';"
                "alter table seal enable trigger user"
            )
        finally:
            await connection.close()

    asyncio.run(done())


def unbound_home(home: Home) -> Home:
    """The same in a data folder whose server does not run."""
    server = EmbeddedServer(home.path)
    server.start()
    try:
        unbound_seal(server.uri("certsvc"))
    finally:
        server.stop()
    return home


@pytest.fixture(scope="session")
def shared_folder() -> Iterator[Path]:
    """A folder for all processes of this run, beside pytest's own, which is closed to other accounts."""
    with tempfile.TemporaryDirectory(prefix="certsvc-test-") as own:
        folder = Path(os.environ.get(SHARED_FOLDER, own))
        folder.chmod(0o711)
        yield folder


@pytest.fixture(scope="session")
def new_home(shared_folder: Path) -> NewHome:
    """Data folders that do not exist yet."""
    numbers = itertools.count(1)
    return lambda: Home(shared_folder / f"{os.getpid()}-{next(numbers)}")


@pytest.fixture(scope="module", autouse=True)
def homes_go_with_their_module(shared_folder: Path) -> Iterator[None]:
    """A data folder takes a hundred megabytes and more; only those of servers that run on are kept."""
    yield
    for path in shared_folder.glob(f"{os.getpid()}-*"):
        Home(path).remove()


@pytest.fixture(scope="session")
def demonstration(shared_folder: Path) -> Demonstration:
    """One of everything, issued and verified by `demo --once`."""
    return make_demonstration(shared_folder)


@pytest.fixture
def own_home(demonstration: Demonstration, new_home: NewHome) -> Iterator[Home]:
    """A copy of the demonstration's data folder for one test."""
    home = demonstration.home.copied_to(new_home())
    yield home
    home.remove()


if __name__ == "__main__":
    make_demonstration(Path(sys.argv[1]))
