"""Who may do what."""

import pytest

from certsvc.domain.actor import Actor
from certsvc.domain.scope import narrowed, parse_scope
from certsvc.errors import Forbidden


def test_a_scope_covers_its_action_on_its_type_alone() -> None:
    clerk = Actor(name="desk", scopes=frozenset({"issue:food-business"}))
    clerk.require("issue", "food-business")
    for action, type_id in [("revoke", "food-business"), ("issue", "drug-retail"), ("issue", "food-business-2")]:
        with pytest.raises(Forbidden):
            clerk.require(action, type_id)


def test_a_star_covers_every_type_but_no_other_action() -> None:
    office = Actor(name="office", scopes=frozenset({"issue:*"}))
    office.require("issue", "food-business")
    office.require("issue", "drug-retail")
    with pytest.raises(Forbidden):
        office.require("revoke", "food-business")


@pytest.mark.parametrize(
    "scope", ["", "*", "*:*", "*:food-business", "issue", "issue:", "ISSUE:food-business", "issue:food"]
)
def test_only_the_one_form_of_a_scope_grants_anything(scope: str) -> None:
    with pytest.raises(Forbidden):
        Actor(name="desk", scopes=frozenset({scope})).require("issue", "food-business")


def test_an_actor_without_scopes_may_do_nothing() -> None:
    with pytest.raises(Forbidden):
        Actor(name="nobody").require("issue", "food-business")


def test_the_refusal_names_actor_action_and_type() -> None:
    with pytest.raises(Forbidden) as refused:
        Actor(name="desk").require("issue", "food-business")
    assert refused.value.en == "desk may not issue food-business."
    assert refused.value.status == 403


# ---- seal and area ----


@pytest.mark.parametrize(
    ("scope", "seals", "area", "allowed"),
    [
        ("issue:food-business", ("market",), "441900", True),
        ("issue:food-business:market", ("market",), "441900", True),
        ("issue:food-business:market", ("health",), "441900", False),
        ("issue:food-business:market", ("market", "health"), "441900", False),
        ("issue:food-business:market", (), None, True),
        ("issue:*:*:4419", ("market",), "441900", True),
        ("issue:*:*:4419", ("market",), "440300", False),
        ("issue:*:*:441900", ("market",), "441900", True),
        ("issue:*:*:419", ("market",), "441900", False),
    ],
)
def test_a_scope_reaches_as_far_as_its_seal_and_its_area(
    scope: str, seals: tuple[str, ...], area: str | None, allowed: bool
) -> None:
    assert Actor(name="desk", scopes=frozenset({scope})).may("issue", "food-business", seals, area) is allowed


def test_two_seals_may_be_covered_by_two_scopes() -> None:
    desk = Actor(name="desk", scopes=frozenset({"issue:joint:one", "issue:joint:two"}))
    assert desk.may("issue", "joint", ("one", "two"))


@pytest.mark.parametrize(
    ("registered", "asked", "within"),
    [
        ("read:*", "read:food-business", True),
        ("read:food-business", "read:*", False),
        ("read:*:*:4419", "read:*:*:441900", True),
        ("read:*:*:441900", "read:*:*:4419", False),
        ("read:*:*:4419", "read:*", False),
        ("read:*:market", "read:*", False),
        ("read:*", "view:*", False),
    ],
)
def test_what_is_asked_never_reaches_beyond_what_is_registered(registered: str, asked: str, within: bool) -> None:
    assert narrowed([parse_scope(registered)], parse_scope(asked)) is within


@pytest.mark.parametrize("text", ["issue:food-business", "read:*", "read:*:*:4419", "document:*:contracts"])
def test_a_scope_is_written_as_it_is_read(text: str) -> None:
    assert str(parse_scope(text)) == text
