"""The quick start of the README, run as printed: from a key pair to a licence that verifies, by curl and by Python."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from demonstration import ROOT, Demonstration, Home, NewHome

sys.path.insert(0, str(ROOT / "tests" / "demo"))
from served import free_port, served

pytestmark = pytest.mark.long

README = (ROOT / "README.md").read_text("utf-8")
PRINTED_URL = "http://localhost:8000"
TEN_AND_ONE = 11


def printed(name: str) -> str:
    """A block of the quick start."""
    found = re.search(rf"<!-- quick start: {name} -->\n```\w+\n(.*?)^```$", README, re.M | re.S)
    assert found, f"README.md has no quick start: {name}"
    return found[1]


@dataclass(frozen=True, slots=True)
class Desk:
    """Where somebody tries it: a folder with `./dev` and `schemas/`, beside a service."""

    folder: Path
    home: Home
    url: str

    def run(self, script: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run what is printed, at the address of this service."""
        done = subprocess.run(
            [*command, script.replace(PRINTED_URL, self.url)],
            cwd=self.folder,
            env={**self.home.environment, "PYTHONPATH": str(ROOT), "ID": self.id},
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    @property
    def id(self) -> str:
        """The client, once it is registered."""
        (listed,) = self.home.json("client", "list")
        return next((each["id"] for each in listed["clients"] if each["name"] == "my-system"), "")


@pytest.fixture(scope="module")
def desk_of_a_department(
    demonstration: Demonstration, new_home: NewHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    """A service as `serve --role all` runs it, and a folder to type in."""
    home, folder, port = demonstration.home.copied_to(new_home()), tmp_path_factory.mktemp("department"), free_port()
    url = f"http://localhost:{port}"
    with (home.path / "settings.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'\n[office]\nurl = "{url}"\n')
    (folder / "schemas").symlink_to(ROOT / "schemas")
    (folder / "dev").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m certsvc "$@"\n', encoding="utf-8")
    (folder / "dev").chmod(0o755)
    with served(home, "serve", "--role", "all", port=port):
        yield Desk(folder, home, url)


@pytest.mark.needs("curl", "openssl", "basenc", "bash")
def test_ten_lines_of_curl_lead_to_a_licence_that_verifies(desk_of_a_department: Desk) -> None:
    script = printed("curl")
    assert len(script.splitlines()) <= TEN_AND_ONE
    said = desk_of_a_department.run(script, "bash", "-euc").stdout
    assert (desk_of_a_department.folder / "licence.pdf").read_bytes().startswith(b"%PDF")
    (report,) = desk_of_a_department.home.json("verify", desk_of_a_department.folder / "licence.pdf")
    assert report["verdict"] == "valid" and said


@pytest.mark.needs("curl", "openssl", "basenc", "bash")
def test_ten_lines_of_python_lead_to_another(desk_of_a_department: Desk) -> None:
    script = printed("python")
    assert len([line for line in script.splitlines() if line]) <= TEN_AND_ONE
    if not desk_of_a_department.id:  # the lines before, if this test runs alone
        desk_of_a_department.run("\n".join(printed("curl").splitlines()[:4]), "bash", "-euc")
    desk_of_a_department.run(script, sys.executable, "-c")
    (report,) = desk_of_a_department.home.json("verify", desk_of_a_department.folder / "second.pdf")
    assert report["verdict"] == "valid"
