"""Many villages issue the same proof, each under its own seal and in numbers of its own."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from chosen import tree_catalog
from walked import ACTOR, Walks

from certsvc.authority.authority import Authority
from certsvc.authority.founding import throw_away_authority
from certsvc.authority.plan import load_plan
from certsvc.catalog.load import examples
from certsvc.demo.orders import from_day
from certsvc.domain.calendar import beijing_date
from certsvc.domain.issuing import IssuingOrgan, Order
from certsvc.domain.number import NumberSeries
from certsvc.errors import InvalidInput, KeyReused, SealRefused
from certsvc.ids import Uscc, organisation_check_character, parse_uscc, uscc_check_character

pytest_plugins = ["walk_fixtures"]
PROOF = "tiered-water-proof"
PLAN = Path(__file__).resolve().parents[2] / "keys" / "ceremonies" / "demonstration.toml"
SHITANG = parse_uscc("54441900ME0012B37D")
BEIAN_17 = "54441900ME0013A1" + organisation_check_character("ME0013A1")
BEIAN = parse_uscc(BEIAN_17 + uscc_check_character(BEIAN_17))
PROOFS = [kind.id for kind in tree_catalog() if kind.id.endswith("-proof") and tree_catalog().latest(kind.id) is kind]


def owners(authority: Authority, organ: Uscc | None = None) -> Sequence[Uscc]:
    """Whose seals stand under the proof."""
    return [seal.owner_uscc for seal in authority.seals_for(PROOF, organ)]


def order(key: str, by: IssuingOrgan | None) -> Order:
    """An order for the first example."""
    kind = tree_catalog().latest(PROOF)
    payload = from_day(kind, next(examples(kind, "good"))[1], beijing_date(datetime.now(UTC)))
    return Order(client=ACTOR.name, key=key, type_id=PROOF, payload=payload, issued_by=by)


def test_of_two_villages_with_seals_for_a_proof_the_one_that_is_named_seals_it() -> None:
    authority = throw_away_authority(load_plan(PLAN), datetime.now(UTC))
    assert owners(authority) == [SHITANG], "one alone need not be named"
    (seal,) = authority.seals_for(PROOF)
    beian = replace(seal, id="village-beian", owner="云山市云岗镇北岸村村民委员会", owner_uscc=BEIAN)
    authority.make("seal-village-beian", datetime.now(UTC), beian)
    authority.take_seals([seal, beian])
    assert (owners(authority, SHITANG), owners(authority, BEIAN)) == ([SHITANG], [BEIAN])
    with pytest.raises(SealRefused, match="2 organs issue tiered-water-proof: say which"):
        authority.seals_for(PROOF)
    with pytest.raises(SealRefused, match="No seal may stand under tiered-water-proof"):
        authority.seals_for(PROOF, parse_uscc("11441900007330010D"))


@pytest.mark.parametrize("type_id", PROOFS)
def test_each_village_has_a_series_of_numbers_of_its_own(type_id: str) -> None:
    kind = tree_catalog().latest(type_id)
    payload = next(examples(kind, "good"))[1]
    one, other = (kind.number(payload, "441900", date(2026, 3, 2), word) for word in ("石塘村", "北岸村"))
    assert isinstance(one, NumberSeries) and isinstance(other, NumberSeries)
    assert one.template != other.template and one == kind.number(payload, "441900", date(2026, 3, 2))
    assert other.number(7).startswith("北岸村证〔2026〕") and other.number(7).endswith("字第0007号")


@pytest.mark.parametrize("word", ["", "村", "石塘村{serial}", "Shitang", "石 塘村", "石塘村" * 4])
def test_a_word_that_is_no_short_name_stands_in_no_number(word: str) -> None:
    with pytest.raises(InvalidInput):
        IssuingOrgan(uscc=SHITANG, number_word=word)


def test_a_village_issues_under_its_seal_and_in_its_numbers(walks: Walks) -> None:
    asked = order("village-named", IssuingOrgan(uscc=SHITANG, number_word="石塘东村"))
    issued = walks.issue(asked)
    assert (issued.issuer.uscc, issued.organ) == (SHITANG, SHITANG)
    assert issued.number.startswith("石塘东村证〔") and issued.number.endswith("水字第0001号")
    assert walks.issue(asked).ref == issued.ref
    with pytest.raises(KeyReused):
        walks.issue(replace(asked, issued_by=None))


def test_a_village_without_a_seal_for_the_proof_issues_nothing(walks: Walks) -> None:
    with pytest.raises(SealRefused, match="No seal may stand under"):
        walks.issue(order("village-unsealed", IssuingOrgan(uscc=BEIAN)))
    assert walks.rows("select from issue_order where key = 'village-unsealed'") == []
