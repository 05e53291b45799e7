"""`certsvc client`: registered, rotated, rescoped, cut off; what is typed wrongly is one clear line."""

import json
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from demonstration import Home, NewHome

from certsvc.commands.clients import client as client_group

pytestmark = pytest.mark.long

COMMANDS = ("add", "rotate", "scope", "cut", "list", "show", "key")
USAGE = 2
SCOPES = ("--scope", "issue:food-business read:*:*:4419", "--scope", "notify:*")


@pytest.fixture(scope="module")
def home(new_home: NewHome) -> Home:
    """A data folder in which no ceremony was held: a client needs none."""
    return new_home()


def client(home: Home, *arguments: object) -> dict[str, Any]:
    """What a `client` command prints."""
    done = home.run("client", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    told: dict[str, Any] = json.loads(line)
    return told


def new_jwks(home: Home, folder: Path, name: str) -> Path:
    """A fresh key pair; the file with its public half."""
    done = home.run("client", "key", folder / f"{name}.pem")
    assert done.returncode == 0, done.stderr
    (folder / f"{name}.jwks").write_text(done.stdout, encoding="utf-8")
    return folder / f"{name}.jwks"


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """What it said is wrong: one line, no traceback."""
    assert done.returncode == USAGE
    assert "Traceback" not in done.stderr
    return done.stderr


def test_every_command_explains_itself_and_speaks_json() -> None:
    assert set(COMMANDS) == set(client_group.commands)
    for command in COMMANDS:
        told = CliRunner().invoke(client_group, [command, "--help"])
        assert told.exit_code == 0
        assert "--json" in told.output
        assert len(told.output.splitlines()) >= 8


def test_a_client_lives_from_its_registration_to_the_end(home: Home, tmp_path: Path) -> None:
    old, new = new_jwks(home, tmp_path, "old"), new_jwks(home, tmp_path, "new")
    assert stat.S_IMODE((tmp_path / "old.pem").stat().st_mode) == 0o600
    registering = ("add", "market-system", "--jwks", old, *SCOPES, "--organisation", "云山市市场监督管理局")
    added = client(home, *registering, "--by", "登记员甲")
    assert client(home, *registering) == added
    assert (added["name"], added["kind"], added["state"]) == ("market-system", "system", "active")
    assert added["scopes"] == ["issue:food-business", "notify:*", "read:*:*:4419"]
    rotated = client(home, "rotate", added["id"], "--jwks", new, "--overlap", "3", "--why", "年度更换")
    assert [(key["vouches"], key["not_after"] is None) for key in rotated["keys"]] == [(True, False), (True, True)]
    gone = client(home, "rotate", added["id"], "--jwks", new, "--overlap", "0", "--why", "失窃")
    assert [key["vouches"] for key in gone["keys"]] == [False, True]
    assert client(home, "scope", added["id"], "--scope", "read:*")["scopes"] == ["read:*"]
    assert client(home, "cut", added["id"], "--why", "系统下线", "--by", "登记员乙")["state"] == "cut_off"
    assert [each["id"] for each in client(home, "list")["clients"]] == [added["id"]]
    events = client(home, "show", added["id"])["events"]
    assert [(event["act"], event["by"]) for event in events] == [
        ("register", "登记员甲"),
        ("rotate", "command-line"),
        ("rotate", "command-line"),
        ("rescope", "command-line"),
        ("cut_off", "登记员乙"),
    ]
    shown = home.run("client", "show", added["id"]).stdout
    for words in ("已停用 cut off", "云山市市场监督管理局", "更换公钥 rotate", "系统下线", "read:*", "已失效 ended"):
        assert words in shown


def test_what_is_typed_wrongly_is_one_clear_line(home: Home, tmp_path: Path) -> None:
    jwks, nobody = new_jwks(home, tmp_path, "one"), "c-aaaaaaaaaaaaaaaaaaaa"
    (tmp_path / "private.jwks").write_text('{"keys": [{"kty": "EC", "d": "c2VjcmV0", "kid": "x"}]}')
    add = ("client", "add", "health-system", "--jwks")
    private = refused(home.run(*add, tmp_path / "private.jwks", *SCOPES))
    assert "public keys only" in private and "c2VjcmV0" not in private
    assert "names no action" in refused(home.run(*add, jwks, "--scope", "everything"))
    assert "persons approve" in refused(home.run(*add, jwks, "--scope", "approve:*"))
    assert "1 to 64 printable" in refused(home.run("client", "add", " ", "--jwks", jwks, *SCOPES))
    assert "--why has 1 to 4000" in refused(home.run("client", "cut", nobody, "--why", " "))
    assert "client list shows them" in refused(home.run("client", "cut", "market-system", "--why", "x"))
    assert f"There is no client {nobody}" in refused(home.run("client", "show", nobody))
    assert "--scope" in refused(home.run(*add, jwks))
    assert "--why" in refused(home.run("client", "cut", nobody))


def test_a_person_is_registered_under_the_own_name_and_may_approve(home: Home, tmp_path: Path) -> None:
    jwks = new_jwks(home, tmp_path, "person")
    added = client(home, "add", "周　建芳", "--person", "--jwks", jwks, "--scope", "approve:food-business")
    assert (added["name"], added["kind"], added["scopes"]) == ("周 建芳", "person", ["approve:food-business"])
    other = new_jwks(home, tmp_path, "system")
    said = refused(home.run("client", "add", "周 建芳", "--jwks", other, "--scope", "read:*"))
    assert f"registered as {added['id']} with other kind" in said


def test_a_key_file_that_is_there_is_kept(home: Home, tmp_path: Path) -> None:
    first = new_jwks(home, tmp_path, "mine").read_text("utf-8")
    kept = (tmp_path / "mine.pem").read_bytes()
    assert new_jwks(home, tmp_path, "mine").read_text("utf-8") == first
    assert (tmp_path / "mine.pem").read_bytes() == kept
    assert "d" not in json.loads(first)["keys"][0]
