"""`certsvc reports`: what the operator sees, reads and answers on the machine itself."""

import csv
import io
import json

import pytest
from demonstration import Demonstration, Home, NewHome
from desk import Desk as Loop
from report_room import CONTACT, WORDS, open_counter

from certsvc.settings import load_settings
from certsvc.store.embedded import EmbeddedServer

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def home(demonstration: Demonstration, new_home: NewHome) -> Home:
    """A copy of the demonstration's data folder."""
    return demonstration.home.copied_to(new_home())


@pytest.fixture(scope="module")
def number(home: Home, desk: Loop) -> str:
    """A report that no department is known for."""
    server = EmbeddedServer(home.path)

    async def story() -> str:
        async with open_counter(load_settings({"CERTSVC_HOME": str(home.path)}), server) as counter:
            return await counter.send(kind="permit_missing", contact=CONTACT)

    server.start()
    try:
        made = desk.run(story())
    finally:
        server.stop()
    return made


def test_the_operator_lists_reads_and_answers_a_report(home: Home, number: str) -> None:
    listed = home.run("reports")
    assert listed.returncode == 0, listed.stderr
    assert number in listed.stdout and "运营单位 operator" in listed.stdout and WORDS not in listed.stdout
    (whole,) = home.json("reports", "show", number, "--by", "值班甲")
    assert whole["reported"]["words"] == WORDS and whole["reported"]["contact"] == CONTACT
    taken = home.run("reports", "acknowledge", number, "--by", "值班甲", "--said", "已转办理。")
    assert taken.returncode == 0 and "acknowledged" in taken.stdout, taken.stderr
    closing = ("reports", "close", number, "--by", "值班甲", "--outcome", "forwarded", "--said", "已转消防部门。")
    refused = home.run(*closing, "--json")
    assert refused.stdout, refused.stderr
    assert (refused.returncode, json.loads(refused.stdout)["error"]) == (2, "invalid_input")
    closed = home.run(*closing, "--forwarded-to", "云山市消防救援支队")
    assert closed.returncode == 0 and "closed" in closed.stdout, closed.stderr
    again = home.run(*closing, "--forwarded-to", "云山市消防救援支队", "--json")
    assert json.loads(again.stdout)["error"] == "act_not_allowed"
    assert [one["reports"] for one in home.json("reports")] == [[]]
    assert number in home.run("reports", "--state", "closed").stdout
    unknown = home.run("reports", "show", number[:-1] + ("0" if number[-1] != "0" else "1"), "--by", "值班甲", "--json")
    assert json.loads(unknown.stdout)["error"] == "wrong_check_character"


def test_the_figures_are_a_table_that_a_spreadsheet_reads(home: Home, number: str) -> None:
    for options, name in ((), "operator"), (("--by-kind",), "permit_missing"):
        made = home.run("reports", "figures", *options)
        assert made.returncode == 0, made.stderr
        (row,) = csv.DictReader(io.StringIO(made.stdout))
        assert (row["name"], row["reports"]) == (name, "1")
