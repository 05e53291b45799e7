"""The merged form over all types in the tree: each thing asked once, and nothing lost."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from chosen import tree_catalog
from hypothesis import given
from hypothesis import strategies as st

from certsvc.catalog import CertificateType
from certsvc.catalog.load import examples
from certsvc.catalog.merged_form import MergedForm, business_facts, merge_forms
from certsvc.catalog.problems import make_validator
from certsvc.domain.certificate import Category
from certsvc.errors import InvalidInput

CATALOG = tree_catalog()
KINDS = [kind for kind in CATALOG if kind.category is not Category.PROOF]
LICENCES = [kind for kind in KINDS if kind.category is Category.LICENCE]
PERMITS = [kind for kind in KINDS if kind.category is Category.PERMIT]
COMPANY, FOOD, HYGIENE = (
    CATALOG.latest(name) for name in ("business-licence-company", "food-business", "public-place-hygiene")
)


def good(kind: CertificateType) -> list[dict[str, Any]]:
    return [payload for _, payload in examples(kind, "good")]


def of_one_business(licence: CertificateType, payloads: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The payloads as they are when all speak of the business of the first."""
    facts = {fact: payloads[licence.id].get(key) for key, fact in business_facts(licence).items()}
    return {
        type_id: payload
        | {
            key: facts[fact]
            for key, fact in business_facts(CATALOG.latest(type_id)).items()
            if facts.get(fact) is not None
        }
        for type_id, payload in payloads.items()
    }


@st.composite
def cases(draw: st.DrawFn) -> tuple[CertificateType, dict[str, dict[str, Any]]]:
    """A licence and some permits of one business, each from a good example."""
    licence = draw(st.sampled_from(LICENCES))
    permits = draw(st.lists(st.sampled_from(PERMITS), min_size=1, max_size=6, unique_by=lambda kind: kind.id))
    drawn = {kind.id: draw(st.sampled_from(good(kind))) for kind in (licence, *permits)}
    return licence, of_one_business(licence, drawn)


@given(cases())
def test_what_is_joined_and_split_is_every_payload_again(
    drawn: tuple[CertificateType, dict[str, dict[str, Any]]],
) -> None:
    _, payloads = drawn
    form = merge_forms([CATALOG.latest(type_id) for type_id in payloads])
    answers = form.join(payloads)
    assert form.split(answers) == payloads
    wrong = {problem.code for kind in form.kinds for problem in kind.problems(payloads[kind.id])}
    assert {problem.code for problem in form.problems(answers)} == wrong


def every_pair() -> Iterator[tuple[dict[str, Any], CertificateType, dict[str, Any]]]:
    for permit in PERMITS:
        for payload in good(permit):
            yield good(COMPANY)[0], permit, payload


def test_every_good_example_of_every_permit_comes_back_beside_a_licence() -> None:
    for licence, permit, payload in every_pair():
        payloads = of_one_business(COMPANY, {COMPANY.id: licence, permit.id: payload})
        form = merge_forms([permit, COMPANY])
        assert form.split(form.join(payloads)) == payloads, permit.id


def test_nothing_is_asked_twice_of_a_business() -> None:
    form = merge_forms([COMPANY, *PERMITS[:10]])
    for fact in ("name", "uscc", "person"):
        asked = [field for field in form.fields if field.name == f"business.{fact}"]
        assert len(asked) == 1
        assert len(asked[0].sources) >= 8
    keys = [key for field in form.fields for key in field.sources if field.instead_of is None]
    assert len(keys) == len(set(keys)) == sum(len(kind.definition.fields) for kind in form.kinds)


def test_the_registered_address_and_the_premises_stay_apart_though_their_key_is_the_same() -> None:
    mapping = merge_forms([COMPANY, FOOD]).mapping()
    assert mapping["business.address"] == [(COMPANY.id, "address"), (FOOD.id, "residence")]
    assert mapping["address"] == [(FOOD.id, "address")]


def test_fields_of_one_key_and_other_schemas_stay_apart() -> None:
    mapping = merge_forms([FOOD, HYGIENE]).mapping()
    assert mapping["food-business.items"] == [(FOOD.id, "items")]
    assert mapping["public-place-hygiene.items"] == [(HYGIENE.id, "items")]
    assert "items" not in mapping


def test_terms_are_never_shared() -> None:
    for one, other in itertools.combinations(PERMITS, 2):
        shared = [sources for sources in merge_forms([one, other]).mapping().values() if len(sources) > 1]
        own = {
            (kind.id, key) for kind in (one, other) for key in (kind.definition.term.start, kind.definition.term.end)
        }
        assert not own & {source for sources in shared for source in sources}


def test_premises_that_differ_in_one_part_are_told_there() -> None:
    food, hygiene = good(FOOD)[0], good(HYGIENE)[1]
    assert food["address"] != hygiene["address"]
    form = merge_forms([FOOD, HYGIENE])
    answers = form.join({FOOD.id: food, HYGIENE.id: {**hygiene, "uscc": food["uscc"]}})
    assert answers["address"] == food["address"]
    assert answers["public-place-hygiene.address"] == hygiene["address"]
    assert form.split(answers)[HYGIENE.id]["address"] == hygiene["address"]


def test_a_business_that_is_still_to_be_registered_has_no_code_yet() -> None:
    form = merge_forms([COMPANY, FOOD])
    field = next(field for field in form.fields if field.name == "business.uscc")
    assert field.later and not field.required
    payloads = of_one_business(COMPANY, {COMPANY.id: good(COMPANY)[0], FOOD.id: good(FOOD)[1]})
    answers = form.join(payloads)
    for name in ("business.uscc", "business-licence-company.established", "food-business.valid_from"):
        del answers[name]
    assert form.problems(answers) == []
    permit_alone = next(field for field in merge_forms([FOOD]).fields if field.name == "business.uscc")
    assert permit_alone.required and not permit_alone.later


def test_problems_name_the_question_and_come_once() -> None:
    form = merge_forms([FOOD, HYGIENE])
    answers = form.join({FOOD.id: good(FOOD)[1], HYGIENE.id: good(HYGIENE)[0]})
    wrong = {**answers, "business.name": "一", "food-business.items": [], "food-business.colour": "绿"}
    del wrong["public-place-hygiene.items"]
    found = {(problem.field, problem.code) for problem in form.problems(wrong)}
    assert found == {
        ("food-business.colour", "additionalProperties"),
        ("business.name", "minLength"),
        ("food-business.items", "minItems"),
        ("public-place-hygiene.items", "required"),
    }
    assert len(form.problems(wrong)) == len(found)


def test_the_form_is_json_schema_in_an_order_of_its_own() -> None:
    there, back = merge_forms([COMPANY, FOOD, HYGIENE]), merge_forms([HYGIENE, COMPANY, FOOD])
    assert json.dumps(there.json_schema()) == json.dumps(back.json_schema())
    schema = there.json_schema()
    make_validator(schema)
    grouped = [name for group in schema["x-groups"] for name in group["fields"]]
    assert sorted(grouped) == sorted(schema["properties"])
    assert [group["id"] for group in schema["x-groups"]] == ["common", COMPANY.id, FOOD.id, HYGIENE.id]
    assert all({"title", "x-title-en", "x-sources"} <= part.keys() for part in schema["properties"].values())


@pytest.mark.parametrize(
    "kinds", [[], [FOOD, FOOD], LICENCES[:2], [CATALOG.latest("tiered-water-proof")], PERMITS[:21]], ids=len
)
def test_what_makes_no_case_is_refused(kinds: list[CertificateType]) -> None:
    with pytest.raises(InvalidInput):
        merge_forms(kinds)


def test_every_type_goes_into_a_form_by_itself() -> None:
    for kind in KINDS:
        form: MergedForm = merge_forms([kind])
        for payload in good(kind):
            assert form.split(form.join({kind.id: payload})) == {kind.id: payload}
            assert form.problems(form.join({kind.id: payload})) == []
