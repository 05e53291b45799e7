"""`certsvc source`: registered, changed and shown; what is typed wrongly is one clear line."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from demonstration import Home, NewHome

from certsvc.commands.sources import source as source_group

COMMANDS = ("add", "change", "show")
USAGE = 2
NAMED = ("--name", "云山市消防救援支队", "--name-en", "Yunshan Fire", "--organisation", "11441900007330010D")
PROMISES = ("--type", "fire-safety-check", "--every", "24", "--complete-every", "24")


@pytest.fixture(scope="module")
def home(new_home: NewHome, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A data folder with two clients, in which no ceremony was held: a source needs none."""
    home, folder = new_home(), tmp_path_factory.mktemp("keys")
    for name in ("fire-system", "other-system"):
        jwks = folder / f"{name}.jwks"
        jwks.write_text(home.run("client", "key", folder / f"{name}.pem").stdout, encoding="utf-8")
        done = home.run("client", "add", name, "--jwks", jwks, "--scope", "record:*")
        assert done.returncode == 0, done.stderr
    return home


def source(home: Home, *arguments: object) -> dict[str, Any]:
    """What a `source` command prints."""
    done = home.run("source", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    told: dict[str, Any] = json.loads(line)
    return told


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """What it said is wrong: no traceback."""
    assert done.returncode == USAGE
    assert "Traceback" not in done.stderr
    return done.stderr


def test_every_command_explains_itself_and_speaks_json() -> None:
    assert set(COMMANDS) == set(source_group.commands)
    for command in COMMANDS:
        told = CliRunner().invoke(source_group, [command, "--help"])
        assert told.exit_code == 0
        assert "--json" in told.output
        assert len(told.output.splitlines()) >= 8


@pytest.mark.long
def test_a_source_is_registered_once_changed_and_shown(home: Home, tmp_path: Path) -> None:
    registering = ("add", "fire", *NAMED, "--client", "fire-system", *PROMISES, "--by", "登记员甲")
    added = source(home, *registering)
    assert source(home, *registering) == added
    assert (added["id"], added["freshness"], added["last_heard_at"]) == ("fire", "silent", None)
    assert (added["expected_every_hours"], added["complete_every_hours"], added["warnings"]) == (24, 24, [])
    changed = source(home, "change", "fire", "--client", "other-system", "--type", "fire-safety-check", "--every", "48")
    assert (changed["client"], changed["complete_every_hours"]) == ("other-system", None)
    assert changed["warnings"] == [{"field": "every", "code": "longer_than_type_allows"}]
    shown = source(home, "show")["sources"]
    assert [(one["id"], one["client"], one["records"], one["missing"]) for one in shown] == [
        ("fire", "other-system", 0, 0)
    ]
    text = home.run("source", "show", "fire").stdout
    assert text.startswith("fire  silent  云山市消防救援支队  last heard never  records 0, missing 0")


@pytest.mark.long
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "x", *NAMED, "--client", "nobody", *PROMISES), "No client in use has the name nobody"),
        (("add", "X!", *NAMED, "--client", "fire-system", *PROMISES), "id: "),
        (("add", "sources", *NAMED, "--client", "fire-system", *PROMISES), "id: "),
        (("add", "x", *NAMED[:-1], "11441900007330010E", "--client", "fire-system", *PROMISES), "check character"),
        (("add", "x", *NAMED, "--client", "fire-system", *PROMISES, "--area", "44x"), "area: "),
        (("add", "x", *NAMED, "--client", "fire-system", *PROMISES[:2], "--every", "0"), "'--every'"),
        (("change", "nowhere", "--client", "fire-system", *PROMISES), "There is no source nowhere"),
        (("show", "nowhere"), "There is no source nowhere"),
    ],
)
def test_what_is_typed_wrongly_is_said(home: Home, arguments: tuple[str, ...], said: str) -> None:
    assert said in refused(home.run("source", *arguments))
