"""What a wrong policy is answered with: each case breaks a copy of a good one in one place, as in test_catalog_load."""

import re
from pathlib import Path

import pytest
from type_folder import copy_type, found, line, replace

POLICY_TOML = {
    "unknown key": ('nature = "permit"', 'nature = "permit"\nnaturre = "permit"', "key_unknown", "naturre"),
    "typographic quotation marks": ('nature = "permit"', "nature = “permit”", "not_toml", "nature"),
    "nature of another category": ('nature = "permit"', 'nature = "proof"', "nature_differs", "nature"),
    "facts on a permit": ('nature = "permit"', 'nature = "permit"\nfacts = { name = "name" }', "facts_odd", "facts"),
    "premises that are no field": ('place = "address"', 'place = "adress"', "no_such_field", "adress"),
    "no field for the premises": ('place = "address"', "", "place_needed", "one_per"),
    "a place without premises": ('one_per = "premises"', 'one_per = "business"', "place_odd", "place"),
    "a form that is none": (r'form = "\[123\]"', 'form = "[123"', "number_form", "[123"),
    "a form for other numbers": (r'form = "\S+", zh = "顺序码"', 'form = "X", zh = "x"', "number_unread", '"X"'),
    "no parts": (r"(?s)parts = \[\n.*?\n\]", "", "key_missing", "[number]"),
    "parts that are none": (r"(?s)parts = \[\n.*?\n\]", "parts = []", "number_parts", "[number]"),
    "a field that is not there": ('field = "residence"', 'field = "seat"', "no_such_field", "seat"),
    "an unknown fact": ('fact = "address"', 'fact = "adress"', "choice_unknown", "adress"),
    "no day": (r"latest_days = \d+", "latest_days = 0", "number_small", "latest_days"),
    "no day at all": (r"latest_days = \d+", "", "renewal_latest", "[renewal]"),
    "no ground": ('basis = ".*"', 'basis = ""', "text_empty", 'basis = ""'),
    "a ground without end": ('basis = ".*"', f'basis = "{"第五十条" * 101}"', "text_long", "第五十条"),
    "a term shorter than a good example": (r"most_years = \d", "most_years = 1", "good_example_wrong", "valid_to"),
}


@pytest.mark.parametrize("name", POLICY_TOML)
def test_a_wrong_policy_is_refused(name: str, tmp_path: Path) -> None:
    old, new, code, on = POLICY_TOML[name]
    place = copy_type(tmp_path, "food-business")
    policy = place.parent / "policy.toml"
    text, count = re.subn(old, lambda _: new, policy.read_text("utf-8"), count=1)
    assert count == 1
    policy.write_text(text, "utf-8")
    assert on in line(found(place, code))


WHEN = '\n[[when_licence]]\nstates = {}\neffect = "ends"\nbasis = "x"\ncertainty = "local"\n'
ADDED = {
    "a state twice": ("food-business", WHEN.format('["closed", "revoked", "closed"]'), "state_twice", "closed"),
    "no state": ("food-business", WHEN.format("[]"), "list_empty", "states"),
    "rules of a licence on a proof": ("tiered-water-proof", WHEN.format('["closed"]'), "licence_rules_odd", "[[when"),
    "a recheck by what nobody sees": (
        "food-business",
        "[recheck]\nmonths = 12\nzh = 'x'\nen = 'x'\nbasis = 'x'\ncertainty = 'local'\n"
        "longer = { field = 'beds', at_least = 100, months = 36 }\n",
        "recheck_hidden",
        "beds",
    ),
    "renewal without a last day": (
        "hotel-special-trade",
        '[renewal]\nlatest_days = 30\nbasis = "x"\ncertainty = "local"\n',
        "renewal_no_end",
        "[renewal]",
    ),
}


@pytest.mark.parametrize("name", ADDED)
def test_a_policy_that_says_too_much_is_refused(name: str, tmp_path: Path) -> None:
    type_id, more, code, on = ADDED[name]
    place = copy_type(tmp_path, type_id)
    with (place.parent / "policy.toml").open("a", encoding="utf-8") as policy:
        policy.write(more)
    assert on in line(found(place, code))


def test_a_licence_needs_its_facts_and_a_term_without_end_no_longest(tmp_path: Path) -> None:
    place = copy_type(tmp_path, "business-licence-company")
    replace(place.parent / "policy.toml", 'address = "address", ', "")
    assert "address" in found(place, "facts_needed").en
    replace(place / "type.toml", 'end = "operating_until"\n', "")
    replace(place.parent / "policy.toml", "[term]", "[term]\nmost_years = 3")
    assert "most_years" in line(found(place, "most_no_end"))
