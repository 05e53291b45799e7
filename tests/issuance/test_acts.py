"""Acts as the command line does them: who may, what each needs, what the policy allows, and what is on record then."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from demonstration import Demonstration, NewHome

from certsvc import app
from certsvc.catalog import Catalog, load_catalog
from certsvc.domain.acts import Act, Organ
from certsvc.domain.calendar import beijing_date, years_after
from certsvc.domain.life import Ground
from certsvc.errors import ActNotAllowed, CertsvcError, Forbidden, InvalidInput, KeyReused, NotFound
from certsvc.ids import ref_from_bytes
from certsvc.issuance.act_command import ActCommand, do_act
from certsvc.settings import load_settings
from certsvc.store.pool import open_pool
from certsvc.store.register import PostgresRegister

NOW = datetime.now(UTC)
TODAY = beijing_date(NOW)
FULL = {"reason": "查处", "legal_basis": "某法第一条", "decision_number": "云罚〔2026〕1号"}


@dataclass
class Desk:
    """A register with the demonstration's certificates, and somebody who acts on them."""

    uri: str
    catalog: Catalog
    codes: Mapping[str, list[str]] = field(default_factory=dict)

    def act(self, act: Act, code: str, by: str = "one", second: str | None = "other", **said: Any) -> dict[str, Any]:
        """Do an act now."""
        ground = Ground(**{name: said.pop(name) for name in list(said) if name in Ground.__dataclass_fields__})
        at = said.pop("at", NOW)
        typed = ActCommand(act=act, target=code, by=by, confirmed_by=second, ground=ground, **said)

        async def run() -> dict[str, Any]:
            async with open_pool(self.uri) as pool:
                return await do_act(PostgresRegister(pool), self.catalog, typed, at)

        return asyncio.run(run())

    def refused(self, error: type[CertsvcError], act: Act, code: str, **said: Any) -> str:
        """What an act that must not pass is answered."""
        with pytest.raises(error) as caught:
            self.act(act, code, **said)
        assert caught.value.zh
        return ", ".join(problem.code for problem in caught.value.problems) or str(caught.value)

    def take(self, type_id: str) -> str:
        """The typed code of a certificate that no other test of this module acts on."""
        return self.codes[type_id].pop()


@pytest.fixture(scope="module")
def desk(demonstration: Demonstration, new_home: NewHome) -> Iterator[Desk]:
    home = demonstration.home.copied_to(new_home())
    settings = load_settings({"CERTSVC_HOME": str(home.path)})
    with app.databases(settings) as uris:
        made = Desk(uris.writer, load_catalog(settings.schemas))
        made.codes = asyncio.run(_codes(uris.writer))
        yield made


async def _codes(uri: str) -> dict[str, list[str]]:
    codes: dict[str, list[str]] = {}
    async with open_pool(uri) as pool, pool.connection() as connection:
        for row in await connection.fetch("select type_id, ref from certificate order by number"):
            codes.setdefault(row["type_id"], []).append(ref_from_bytes(row["ref"]).typed_code)
    return codes


def test_an_act_sent_again_on_another_day_is_the_same_even_if_it_could_not_be_asked_for_then(desk: Desk) -> None:
    code = desk.take("publications-retail")
    said: dict[str, Any] = {"reason_code": "documents", "due": TODAY, "legal_basis": "容缺受理", "key": "attached once"}
    first = desk.act(Act.ATTACH_CONDITION, code, **said)
    tomorrow = NOW + timedelta(days=1)
    assert desk.refused(InvalidInput, Act.ATTACH_CONDITION, code, at=tomorrow, **{**said, "key": "another"})
    assert desk.act(Act.ATTACH_CONDITION, code, at=tomorrow, **said)["event"] == first["event"]
    desk.refused(KeyReused, Act.ATTACH_CONDITION, code, **{**said, "reason_code": "commitment"})


def statuses(shown: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The states of every day, each with its first."""
    return [(period["from"], period["status"]) for period in shown["periods"]]


def test_a_suspension_takes_two_persons_a_reason_a_law_and_a_decision(desk: Desk) -> None:
    code = desk.take("publications-retail")
    assert "nobody has confirmed" in desk.refused(Forbidden, Act.SUSPEND, code, second=None, **FULL)
    assert "not one twice" in desk.refused(Forbidden, Act.SUSPEND, code, second="one", **FULL)
    assert desk.refused(InvalidInput, Act.SUSPEND, code, reason="查处") == "required, required"
    assert "no power" in desk.refused(Forbidden, Act.SUSPEND, code, organ=Organ.SUPERIOR, **FULL)
    shown = desk.act(Act.SUSPEND, code, **FULL)
    assert (shown["status"], shown["state"], shown["operation"]) == ("suspended", "02", "03")


def test_a_resumption_set_for_a_day_does_not_revive_what_is_revoked_before_it(desk: Desk) -> None:
    code, later = desk.take("drug-retail"), TODAY + timedelta(days=30)
    desk.act(Act.SUSPEND, code, **FULL)
    shown = desk.act(Act.RESUME, code, reason="整改合格", effective=later)
    assert statuses(shown) == [(str(TODAY), "suspended"), (str(later), "valid")]
    shown = desk.act(Act.REVOKE, code, effective=TODAY + timedelta(days=9), **FULL)
    assert [status for _, status in statuses(shown)] == ["suspended", "revoked"]
    assert "“Revoked”" in desk.refused(ActNotAllowed, Act.RESUME, code, reason="又合格", effective=later)


def test_only_a_rescission_reaches_back(desk: Desk) -> None:
    code = desk.take("hotel-special-trade")
    said = FULL | {"retroactive": True, "effective": TODAY - timedelta(days=1)}
    assert desk.refused(InvalidInput, Act.REVOKE, code, **said) == "not_retroactive"
    assert desk.refused(InvalidInput, Act.RESCIND, code, reason_code="whim", **said) == "enum"
    assert "not issued" in desk.refused(ActNotAllowed, Act.RESCIND, code, reason_code="fraud", **said)


def test_renewal_is_accepted_only_in_its_window(desk: Desk) -> None:
    code = desk.take("public-place-hygiene")
    end = years_after(TODAY, 4) - timedelta(days=1)
    assert desk.refused(InvalidInput, Act.ACCEPT_RENEWAL, code, effective=end - timedelta(days=29)) == "too_late"
    shown = desk.act(Act.ACCEPT_RENEWAL, code, effective=end - timedelta(days=30))
    assert statuses(shown)[-1] == (str(end - timedelta(days=30)), "renewal_pending")
    again = {"effective": end - timedelta(days=30), "key": "another application"}
    assert "so already" in desk.refused(ActNotAllowed, Act.ACCEPT_RENEWAL, code, **again)
    fire = desk.codes["fire-safety-check"][0]
    assert desk.refused(InvalidInput, Act.ACCEPT_RENEWAL, fire) == "no_renewal"


def test_a_recheck_sets_the_next_by_the_policy_and_is_no_act_of_other_types(desk: Desk) -> None:
    code = desk.take("public-place-hygiene")
    due = years_after(TODAY, 2)
    later = desk.act(Act.RECHECK, code, effective=due)
    assert statuses(later) == [(str(TODAY), "valid"), (str(years_after(due, 2) + timedelta(days=1)), "recheck_due")]
    assert desk.refused(InvalidInput, Act.RECHECK, desk.codes["food-business"][0]) == "no_recheck"


def test_dormancy_is_for_licences_lasts_three_years_at_most_and_ends_by_itself(desk: Desk) -> None:
    code, last = desk.take("business-licence-sole-trader"), TODAY + timedelta(days=100)
    three = years_after(TODAY, 3)
    assert desk.refused(InvalidInput, Act.GO_DORMANT, code, reason="停业", due=three) == "too_long"
    shown = desk.act(Act.GO_DORMANT, code, reason="停业", due=last)
    assert statuses(shown) == [(str(TODAY), "dormant"), (str(last + timedelta(days=1)), "valid")]
    permit = desk.codes["food-business"][0]
    assert desk.refused(InvalidInput, Act.GO_DORMANT, permit, reason="停业", due=last) == "category"


def test_a_condition_is_attached_with_its_day_and_lifted(desk: Desk) -> None:
    code, due = desk.take("food-business"), TODAY + timedelta(days=60)
    said: dict[str, Any] = {"reason_code": "commitment", "legal_basis": "国办发〔2020〕42号"}
    assert desk.refused(InvalidInput, Act.ATTACH_CONDITION, code, **said) == "required"
    past = TODAY - timedelta(days=1)
    assert desk.refused(InvalidInput, Act.ATTACH_CONDITION, code, due=past, **said) == "before_effective"
    shown = desk.act(Act.ATTACH_CONDITION, code, due=due, **said)
    assert shown["status"] == "conditional" and shown["periods"][-1]["conditions"] == ["commitment"]
    assert "no such condition" in desk.refused(ActNotAllowed, Act.LIFT_CONDITION, code, reason_code="documents")
    assert desk.act(Act.LIFT_CONDITION, code, reason_code="commitment")["status"] == "valid"


def test_an_entry_made_in_error_is_struck_and_what_was_known_stays(desk: Desk) -> None:
    code = desk.take("food-business")
    shown = desk.act(Act.SUSPEND, code, **FULL)
    entry = shown["event"]
    assert desk.refused(InvalidInput, Act.STRIKE, code, reason="登记错了") == "required"
    struck = desk.act(Act.STRIKE, code, reason="登记错了", strikes=entry, at=NOW + timedelta(hours=1))
    assert statuses(struck) == [(str(TODAY), "valid")]
    issued = entry - 100_000
    assert "no such entry" in desk.refused(ActNotAllowed, Act.STRIKE, code, reason="再错", strikes=issued)


def test_a_merged_business_names_who_takes_over(desk: Desk) -> None:
    code = desk.take("business-licence-cooperative")
    said = {"reason_code": "merged", "legal_basis": "公司法"}
    assert desk.refused(InvalidInput, Act.CLOSE, code, **said) == "required"
    shown = desk.act(Act.CLOSE, code, successor="91441900MA51ABC088", **said)
    assert (shown["status"], shown["state"]) == ("closed", "04")
    assert "“Closed”" in desk.refused(ActNotAllowed, Act.REVOKE, code, **FULL)


def test_what_closes_after_revocation_and_what_may_not_follow_a_close(desk: Desk) -> None:
    code = desk.take("hotel-special-trade")
    desk.act(Act.REVOKE, code, **FULL)
    shown = desk.act(Act.CLOSE, code, reason_code="ended_by_decision", legal_basis="行政许可法第七十条第四项")
    assert shown["status"] == "closed"
    desk.refused(ActNotAllowed, Act.CLOSE, code, reason_code="applied", legal_basis="行政许可法第七十条")


def test_an_act_that_makes_a_sheet_an_unknown_code_and_a_far_day_are_refused(desk: Desk) -> None:
    code = desk.codes["tiered-water-proof"][0]
    assert "makes_a_sheet" in desk.refused(InvalidInput, Act.REISSUE, code, reason_code="lost")
    desk.refused(NotFound, Act.SUSPEND, "0000-0000-0000-0000-0", **FULL)
    assert desk.refused(InvalidInput, Act.SUSPEND, code, effective=date(2040, 1, 1), **FULL) == "too_far"


def test_the_same_command_again_is_the_same_event(desk: Desk) -> None:
    code = desk.take("fire-safety-check")
    first = desk.act(Act.SUSPEND, code, **FULL)
    assert desk.act(Act.SUSPEND, code, **FULL, at=NOW + timedelta(days=2))["event"] == first["event"]
