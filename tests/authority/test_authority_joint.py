"""Which seals stand under a joint document, and in which order, also when one of them has been followed by another."""

from dataclasses import replace

import pytest
from ceremonies import DEMONSTRATION, NOW

from certsvc.authority.authority import Authority
from certsvc.authority.founding import throw_away_authority
from certsvc.authority.plan import load_plan
from certsvc.domain.seal import Seal
from certsvc.errors import SealRefused

JOINT = "joint-completion-acceptance"


@pytest.fixture
def authority() -> Authority:
    """The demonstration's, whose type has three seals."""
    return throw_away_authority(load_plan(DEMONSTRATION), NOW)


def ids(authority: Authority) -> list[str]:
    """Of the seals under the joint document."""
    return [seal.id for seal in authority.seals_for(JOINT)]


def with_seals(authority: Authority, *seals: Seal) -> None:
    """On record are these; one that is new gets its key."""
    for seal in seals:
        authority.make(f"seal-{seal.id}", NOW, seal)
    authority.take_seals(seals)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_next_seal_of_the_same_owner_takes_the_place_of_one_that_was_destroyed(
    authority: Authority, place: int
) -> None:
    before = list(authority.seals_for(JOINT))
    after = [replace(seal, id=f"{seal.id}-2") if number == place else seal for number, seal in enumerate(before)]
    with_seals(authority, *sorted(after, key=lambda seal: seal.id))
    assert ids(authority) == [seal.id for seal in after]


def test_a_missing_party_is_refused_and_so_is_a_stranger_in_its_place(authority: Authority) -> None:
    one, two, three = authority.seals_for(JOINT)
    stranger = next(
        seal for seal in authority.seals if seal.owner_uscc not in {s.owner_uscc for s in (one, two, three)}
    )
    for seals in (
        (one, two),
        (one, two, replace(stranger, id="stranger", certificate_types=frozenset({JOINT}))),
        (one, two, three, replace(three, id="third-2")),
        (one, replace(one, id="first-2"), three),
    ):
        with_seals(authority, *seals)
        with pytest.raises(SealRefused, match=JOINT):
            ids(authority)
