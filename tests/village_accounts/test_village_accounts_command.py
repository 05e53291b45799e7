"""`certsvc accounts`: added, listed, reset, unlocked, disabled; a password is shown once or never."""

import json
import subprocess
import sys
from typing import Any

import pytest
from click.testing import CliRunner
from demonstration import ROOT, Home, NewHome

from certsvc.commands.accounts import accounts as group

pytestmark = pytest.mark.long
COMMANDS = ("add", "list", "show", "reset", "disable", "unlock", "code", "link", "unlink")
USAGE = 2


@pytest.fixture(scope="module")
def home(new_home: NewHome) -> Home:
    """A data folder in which no ceremony was held: an account needs none."""
    return new_home()


def accounts(home: Home, *arguments: str) -> dict[str, Any]:
    """What a command prints."""
    done = home.run("accounts", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def with_password(home: Home, password: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The same, with a line on standard input."""
    command = [sys.executable, "-m", "certsvc", "accounts", *arguments, "--password", "--json"]
    return subprocess.run(
        command, cwd=ROOT, env=home.environment, input=password + "\n", capture_output=True, text=True, check=False
    )


def test_every_command_explains_itself_and_speaks_json() -> None:
    assert set(COMMANDS) == set(group.commands)
    for command in COMMANDS:
        told = CliRunner().invoke(group, [command, "--help"])
        assert told.exit_code == 0 and "--json" in told.output and len(told.output.splitlines()) >= 8


def test_an_account_lives_from_its_first_password_to_its_end(home: Home) -> None:
    added = accounts(home, "add", "林晓芸", "--by", "管理员甲")
    assert len(added["password"]) == 23 and added["id"].startswith("a-")
    refused = home.run("accounts", "add", " 林晓芸 ")
    assert refused.returncode == USAGE and "已有账号" in refused.stderr and "Traceback" not in refused.stderr
    weak = with_password(home, "1234567890", "add", "黄志强")
    assert weak.returncode == USAGE and "太常见" in weak.stderr and "1234567890" not in weak.stderr
    given = with_password(home, "石塘村口有三棵老榕树", "add", "黄志强", "--demonstration")
    assert given.returncode == 0 and "石塘" not in given.stdout + given.stderr
    listed = accounts(home, "list")["accounts"]
    assert [(each["name"], each["is_demonstration"], each["has_totp"], each["passkeys"]) for each in listed] == [
        ("林晓芸", False, False, 0),
        ("黄志强", True, False, 0),
    ]
    again = accounts(home, "reset", "林晓芸")
    assert again["password"] != added["password"]
    accounts(home, "unlock", "林晓芸")
    accounts(home, "disable", "林晓芸", "--by", "管理员乙")
    assert accounts(home, "list")["accounts"][0]["disabled_at"] is not None
    events = accounts(home, "show", "林晓芸")["events"]
    assert [(each["act"], each["by"]) for each in events] == [
        ("disabled", "管理员乙"),
        ("unlocked", "command-line"),
        ("reset", "command-line"),
        ("added", "管理员甲"),
    ]
    unknown = home.run("accounts", "disable", "没有的人")
    assert unknown.returncode == USAGE and "没有姓名为 没有的人 的账号" in unknown.stderr
