"""What the README says, we run: every command in it, as printed, in the order printed."""

import re
import shlex
import subprocess

import pytest
from demonstration import ROOT, Demonstration, Home, NewHome

README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", README, re.M | re.S)
COMMANDS = [line for block in BLOCKS for line in block.splitlines()]
SERVING = {"./dev demo", "./dev serve --port 8000", "./dev serve --role all --port 8000"}
"""Commands that go on until Ctrl-C; tests/demo runs them."""

LONGEST_README = 200


@pytest.fixture(scope="module")
def home(demonstration: Demonstration, new_home: NewHome) -> Home:
    """A copy of the demonstration's data folder for this module."""
    return demonstration.home.copied_to(new_home())


def test_the_first_block_is_the_two_commands() -> None:
    assert BLOCKS[0].split("\n") == ["./dev demo", "./dev test", ""]


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= LONGEST_README


@pytest.mark.long
@pytest.mark.parametrize("command", [line for line in COMMANDS if line not in SERVING | {"./dev test"}])
def test_a_command_runs_as_printed(home: Home, command: str) -> None:
    """`var` is the data folder when CERTSVC_HOME names none."""
    here = command.replace("var/", shlex.quote(str(home.path)) + "/")
    done = subprocess.run(
        ["sh", "-c", here], cwd=ROOT, env=home.environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.long
@pytest.mark.parametrize("command", sorted(SERVING | {"./dev test"}))
def test_a_command_that_is_not_run_here_exists(home: Home, command: str) -> None:
    assert command in COMMANDS
    name = command.split()[1]
    assert name == "test" or home.run(name, "--help").returncode == 0


def test_every_file_it_names_is_there() -> None:
    named = re.findall(r"`((?:certsvc|tests|keys|schemas)/[^`\s]*)`", README)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_setting_is_listed() -> None:
    from certsvc.settings import Settings, load_settings

    text, settings = (ROOT / "certsvc" / "SETTINGS.md").read_text("utf-8"), load_settings({})
    keys = {
        f"{section}.{key}"
        for section in Settings.__struct_fields__
        for key in getattr(getattr(settings, section), "__struct_fields__", ())
    }
    listed = set(re.findall(r"^\| `(\w+\.\w+)` \|", text, re.M))
    assert listed == keys
    for key in keys:
        assert f"`CERTSVC_{key.replace('.', '_').upper()}`" in text
