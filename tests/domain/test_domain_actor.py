"""Who may do what."""

import pytest

from certsvc.domain.actor import Actor
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
