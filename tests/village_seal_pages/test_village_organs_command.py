"""`certsvc organs`: organs and first appointments from files, safe to repeat, every problem by file and line."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from demonstration import Home, NewHome
from seal_pages_room import CITY, OTHER, OTHER_TOWN, TOWN, VILLAGE

from certsvc.commands.organs import organs as group

pytestmark = pytest.mark.long
USAGE = 2
HEAD = "uscc,kind,name,area,town,number_word,seal\n"
GOOD = f"""{HEAD}{VILLAGE},village,云山市云岗镇石塘村村民委员会,441900,{TOWN},石塘村,
{TOWN},town,云山市云岗镇人民政府,441900,,,
{CITY},city,云山市民政局,441900,,,
"""
WRONG = f"""{HEAD}{VILLAGE},hamlet,石塘村,441900,{TOWN},石塘村,
{OTHER},village,荔湾村,4419,{OTHER_TOWN},荔湾村,
54441900ME0012B37X,village,错码村,441900,,,
{TOWN},town,云山市云岗镇人民政府,441900,{CITY},,
{TOWN},town,重复,441900,,,
"""
PEOPLE = f"""organ,person,duty
{VILLAGE},林晓芸,clerk
{VILLAGE},黄志强,approver
{TOWN},陈镇督,overseer
"""


@pytest.fixture(scope="module")
def home(new_home: NewHome) -> Home:
    """A data folder in which no ceremony was held."""
    return new_home()


def organs(home: Home, *arguments: str | Path) -> dict[str, Any]:
    """What a command prints."""
    done = home.run("organs", *map(str, arguments), "--json")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def problems(home: Home, *arguments: str | Path) -> dict[str, str]:
    """What it finds wrong, by place."""
    done = home.run("organs", *map(str, arguments), "--json")
    assert done.returncode == USAGE, done.stdout
    return {one["field"]: one["en"] for one in json.loads(done.stdout)["problems"]}


def test_village_every_command_of_organs_explains_itself() -> None:
    for command in ("add", "list", "show", "appoint", "hand-over"):
        told = CliRunner().invoke(group, [command, "--help"])
        assert told.exit_code == 0 and "--json" in told.output and len(told.output.splitlines()) >= 8


def test_village_organs_and_first_appointments_come_from_files_and_once(home: Home, tmp_path: Path) -> None:
    wrong, good, people = tmp_path / "wrong.csv", tmp_path / "good.csv", tmp_path / "people.csv"
    wrong.write_text(WRONG, "utf-8")
    found = problems(home, "add", wrong)
    assert [place.rpartition(":")[2] for place in found] == ["2", "3", "4", "5", "6"]
    assert all(place.startswith(str(wrong)) for place in found)
    assert organs(home, "list") == {"organs": []}
    good.write_text("\ufeff" + GOOD, "utf-8")
    assert organs(home, "add", good) == {"added": 3, "changed": 0, "same": 0}
    toml = tmp_path / "renamed.toml"
    toml.write_text(
        f'# 改名\n[[organ]]\nuscc = "{VILLAGE}"\nkind = "village"\nname = "石塘"\narea = "441900"\ntown = "{TOWN}"\n',
        "utf-8",
    )
    for changed in (1, 0):
        assert organs(home, "add", toml) == {"added": 0, "changed": changed, "same": 1 - changed}
    people.write_text(PEOPLE, "utf-8")
    assert "has no account" in problems(home, "appoint", people)[f"{people}:3"]
    for name in ("林晓芸", "黄志强", "陈镇督"):
        assert home.run("accounts", "add", name).returncode == 0
    alone = tmp_path / "alone.csv"
    alone.write_text("".join(PEOPLE.splitlines(keepends=True)[:2]), "utf-8")
    assert "another person who approves" in problems(home, "appoint", alone)[f"{alone}:2"]
    assert organs(home, "appoint", people) == {"appointed": {VILLAGE: 2, TOWN: 1}}
    assert organs(home, "appoint", people) == {"appointed": {VILLAGE: 0, TOWN: 0}}
    given = "hand-over", VILLAGE, "--comes", "黄志强:clerk", "--reason", "换届", "--key", "one"
    for _ in range(2):
        shown = organs(home, *given)
        assert [(one["person"], one["duty"]) for one in shown["appointments"]][-1] == ("黄志强", "clerk")
        assert len(shown["appointments"]) == 3
    other = "--comes", "林晓芸:approver", "--reason", "换届", "--by", "林晓芸"
    passing = home.run("organs", "hand-over", VILLAGE, *other)
    assert passing.returncode != 0 and "督导人" in passing.stderr
