"""The table of acts, what differs, and codes."""

import pytest
from village_room import Village

from certsvc.domain.proof_acts import MAKES, PROOF_ACTS, ProofAct, Side
from certsvc.domain.proof_request import Difference, differences, hash_of_code
from certsvc.errors import InvalidIdentifier, WrongCheckCharacter
from certsvc.ids import new_progress_code, new_report_number, parse_progress_code

pytest_plugins = ["village_fixtures"]

TABLE = (
    "select string_agg(act || ' ' || before || ' ' || after || ' ' || array_to_string(sides, ','), ';') from proof_act"
)


def test_the_database_has_the_same_table_of_acts(village: Village) -> None:
    ours = {
        f"{act} {before} {after} {','.join(sorted(rule.by))}"
        for act, rule in PROOF_ACTS.items()
        for before, after in rule.leads.items()
    }
    both = f"{Side.CLERK},{Side.RESIDENT}"
    assert set(village.sql(TABLE).split(";")) == ours | {f"{ProofAct.OPEN} new draft {both}"}


def test_who_makes_is_the_same_in_both(village: Village) -> None:
    body = village.sql("select prosrc from pg_proc where proname = 'is_maker'")
    assert all(f"'{act}'" in body for act in MAKES)
    assert body.count("'") == 2 * len(MAKES)


def test_what_differs_is_said_field_by_field() -> None:
    before = {"a": 1, "b": "x", "gone": True, "list": [1, 2]}
    after = {"b": "x", "a": "1", "list": [1, 3], "new": None, "flag": 1}
    assert differences(before, after) == (
        Difference("a", 1, "1"),
        Difference("list", [1, 2], [1, 3]),
        Difference("flag", None, 1),
        Difference("gone", True, None),
    )
    assert differences({"x": 1}, {"x": True}) == (Difference("x", 1, True),)
    assert differences(after, after) == ()


def test_a_code_of_progress_is_no_number_of_a_report() -> None:
    code = new_progress_code()
    assert parse_progress_code(f" {code.lower().replace('-', '')} ") == code
    with pytest.raises(InvalidIdentifier):
        parse_progress_code(new_report_number())
    with pytest.raises(WrongCheckCharacter):
        parse_progress_code(code[:-1] + ("0" if code[-1] != "0" else "1"))
    assert hash_of_code(code) != hash_of_code(new_progress_code())
