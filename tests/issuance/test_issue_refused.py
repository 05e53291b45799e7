"""A seal that may not be used, whenever it is known; a time that is not now; and in whose name seals are used."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from test_issue_walk_killed import assert_whole, licence_order
from walked import ACTOR, UNFINISHED, USES_OF, Walks

from certsvc.domain.actor import Actor
from certsvc.domain.issuing import Order
from certsvc.domain.seal_acts import SealAct, SealActRequest, SealRulesRequest, rules_of
from certsvc.errors import Forbidden, Queued, SealRefused
from certsvc.ids import Ref
from certsvc.issuance.issue import issue, resume
from certsvc.issuance.prepare import prepare
from certsvc.issuance.service import Arrow, Issuing, silent_walk
from certsvc.services import Walk
from certsvc.store.pool import open_pool
from certsvc.store.seals import PostgresSeals

pytest_plugins = ["walk_fixtures"]
SEAL, MANAGER, APPROVER, AUDITOR = "market", "演示管理人", "演示批准人", "演示监督人"
WORKER = Actor(name="worker", scopes=frozenset({"issue:*"}))
Result = TypeVar("Result")
KEYS = itertools.count(1)
USES = "select actor, intended_at from seal_use where ref = $1 order by id"
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def act(walks: Walks, act: SealAct, actor: str = MANAGER, successor: str | None = None) -> None:
    """An act on the seal of the licences, from another thread as from another process."""

    async def story() -> None:
        async with open_pool(walks.uri) as pool:
            key = f"refused-{next(KEYS)}"
            said = SealActRequest(client="test", key=key, seal_id=SEAL, act=act, actor=actor, reason="试")
            request = replace(said, successor=successor)
            await PostgresSeals(pool).act(request, datetime.now(UTC))

    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(story())).result()


def set_quota(walks: Walks, more: int | None) -> None:
    """How many more uses of the seal are allowed today; None for no quota."""

    async def story() -> None:
        async with open_pool(walks.uri) as pool:
            seals, now = PostgresSeals(pool), datetime.now(UTC)
            known = await seals.seal(SEAL, now)
            quota = None if more is None else known.uses_today + more
            request = SealRulesRequest(
                client="test",
                key=f"refused-{next(KEYS)}",
                seal_id=SEAL,
                act=SealAct.CHANGE_RULES,
                actor=MANAGER,
                confirmed_by=APPROVER,
                reason="试",
                rules=replace(rules_of(known.seal), daily_quota=quota),
            )
            await seals.act(request, now)

    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(story())).result()


def with_keys(walks: Walks, work: Callable[[Issuing], Awaitable[Result]], walk: Walk = silent_walk) -> Result:
    """Do something that needs keys."""

    async def run() -> Result:
        async with walks.desk.issuing(walks.settings, walks.uri, walk) as issuing:
            return await work(issuing)

    return walks.desk.run(run())


def reserve(walks: Walks, *orders: Order) -> list[Ref]:
    """Reserve and go no further."""

    async def work(issuing: Issuing) -> list[Ref]:
        return [(await prepare(issuing, ACTOR, order, datetime.now(UTC))).ref for order in orders]

    return with_keys(walks, work)


def uses(walks: Walks, ref: Ref) -> int:
    """How often a seal was used for it."""
    return int(walks.rows(USES_OF, ref.to_bytes())[0]["count"])


# ---- suspended between the booking and the register ----


@pytest.mark.long
@pytest.mark.parametrize("deadly", [Arrow.USE_BOOKED, Arrow.STORED])
def test_a_seal_suspended_after_its_use_was_booked_puts_nothing_on_record(walks: Walks, deadly: Arrow) -> None:
    order = licence_order(700 + list(Arrow).index(deadly))
    sheets = itertools.count(1)

    def suspending(arrow: str, detail: Mapping[str, Any]) -> None:
        if arrow == deadly and next(sheets) == 2:  # after the last booking: the next would be refused by itself
            act(walks, SealAct.SUSPEND)

    before = set((walks.settings.home / "blobs").rglob("*"))
    with pytest.raises(Queued, match="is suspended since its use was booked"):
        walks.issue(order, suspending)
    (row,) = walks.rows(UNFINISHED)
    assert walks.rows("select from document where ref = $1", row["ref"]) == []
    sealed = [path for path in (walks.settings.home / "blobs").rglob("*") if path.is_file() and path not in before]
    assert [report.verdict.value for report in walks.check([path.read_bytes() for path in sealed])] == [
        "undetermined",
        "undetermined",
    ]
    with pytest.raises(Queued, match="is suspended"):
        walks.resume()
    act(walks, SealAct.RESUME)
    assert walks.resume() == 1
    assert_whole(walks, walks.issue(order))


# ---- a time that is not now ----


@pytest.mark.long
def test_nothing_is_booked_or_sealed_under_a_time_that_is_over(walks: Walks) -> None:
    order = licence_order(710)

    async def late(issuing: Issuing) -> None:
        began = datetime.now(UTC)
        slow = replace(issuing, clock=lambda: datetime.now(UTC) + 61 * SECOND)
        await issue(slow, ACTOR, order, began)

    with pytest.raises(Queued, match="more than 60 s from the clock"):
        with_keys(walks, late)
    (row,) = walks.rows(UNFINISHED)
    assert walks.rows(USES_OF, row["ref"])[0]["count"] == 0
    assert walks.resume() == 1
    assert_whole(walks, walks.issue(order))


@pytest.mark.long
def test_every_waiting_order_is_finished_under_a_time_of_its_own(walks: Walks) -> None:
    refs = reserve(walks, licence_order(720), licence_order(721))
    began = datetime.now(UTC)
    assert with_keys(walks, lambda issuing: resume(issuing, ACTOR)) == 2
    first, second = sorted([row["intended_at"] for row in walks.rows(USES, ref.to_bytes())] for ref in refs)
    assert began <= min(first) <= max(first) < min(second)
    issued = [walks.rows("select issued_at from certificate where ref = $1", ref.to_bytes()) for ref in refs]
    assert sorted(rows[0]["issued_at"] for rows in issued) == [first[0], second[0]]


# ---- one that fails does not hold up the others ----


@pytest.mark.long
def test_an_order_that_fails_unforeseen_holds_up_no_other(walks: Walks) -> None:
    sick, sound = reserve(walks, licence_order(730), licence_order(731))

    def failing(arrow: str, detail: Mapping[str, Any]) -> None:
        if arrow == Arrow.RENDERED and detail["ref"] == sick.typed_code:
            raise ValueError("zip() argument 2 is shorter than argument 1")

    with pytest.raises(ValueError, match="zip"):  # a person at the command line sees it, after the others are done
        with_keys(walks, lambda issuing: resume(issuing, ACTOR), failing)
    assert [row["ref"] for row in walks.rows(UNFINISHED)] == [sick.to_bytes()]
    assert uses(walks, sound) == 2
    assert walks.resume() == 1


@dataclass
class OtherSeals:
    """An authority's keys, of which other seals are bound."""

    keys: Any
    seals: Sequence[Any]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.keys, name)

    def seals_for(self, type_id: str, organ: str | None = None) -> tuple[Any, ...]:
        """The others, whatever the type."""
        return tuple(self.seals)


def test_more_seals_than_places_are_refused_before_anything_is_reserved(walks: Walks) -> None:
    order = licence_order(750)

    async def work(issuing: Issuing) -> None:
        (seal,) = issuing.keys.seals_for(order.type_id)
        await issue(replace(issuing, keys=OtherSeals(issuing.keys, [seal, seal])), ACTOR, order, datetime.now(UTC))

    with pytest.raises(SealRefused, match="has 1 places for seals, and 2 seals") as caught:
        with_keys(walks, work)
    assert not isinstance(caught.value, Queued)
    assert "2 枚印章" in caught.value.zh
    assert walks.rows(UNFINISHED) == []


# ---- all the seals of a document before the first ----


@pytest.mark.long
def test_no_seal_is_used_when_a_later_use_is_not_allowed(walks: Walks) -> None:
    order, passed = licence_order(760), []

    async def work(issuing: Issuing) -> None:
        set_quota(walks, 1)
        await issue(issuing, ACTOR, order, datetime.now(UTC))

    with pytest.raises(Queued, match="uses of today are used up"):
        with_keys(walks, work, lambda arrow, detail: passed.append(arrow))
    (row,) = walks.rows(UNFINISHED)
    assert walks.rows(USES_OF, row["ref"])[0]["count"] == 0
    assert passed[-1] == Arrow.RESERVED, "nothing was rendered in vain"
    set_quota(walks, None)
    assert walks.resume() == 1
    assert_whole(walks, walks.issue(order))


# ---- in whose name ----


@pytest.mark.long
def test_whoever_finishes_an_order_its_seals_are_used_in_the_name_of_who_ordered(walks: Walks) -> None:
    order = replace(licence_order(770), client="经办人李某")
    (ref,) = reserve(walks, order)
    assert with_keys(walks, lambda issuing: resume(issuing, WORKER)) == 1
    assert {row["actor"] for row in walks.rows(USES, ref.to_bytes())} == {"经办人李某"}
    assert [row["actor"] for row in walks.rows("select actor from event where ref = $1", ref.to_bytes())] == [
        "经办人李某"
    ]
    told = walks.rows("select actor, detail from audit where ref = $1 and action = 'finish_order'", ref.to_bytes())
    assert [row["actor"] for row in told] == ["worker", "worker"]
    assert all("经办人李某" in row["detail"] for row in told)


@pytest.mark.long
@pytest.mark.parametrize(("name", "does"), [(AUDITOR, "audits"), (MANAGER, "manages"), (f" {AUDITOR} ", "audits")])
def test_who_audits_or_manages_a_seal_orders_nothing_under_it(walks: Walks, name: str, does: str) -> None:
    order = replace(licence_order(780), client=name)
    person = Actor(name=name, scopes=frozenset({"issue:*"}))
    with pytest.raises(Forbidden, match=f"{does} the seal market and may not use it"):
        with_keys(walks, lambda issuing: issue(issuing, person, order, datetime.now(UTC)))
    assert (walks.rows(UNFINISHED), walks.resume()) == ([], 0)


@pytest.mark.long
def test_what_is_refused_because_of_the_person_is_not_sealed_in_another_name(walks: Walks) -> None:
    order = replace(licence_order(790), client="后来的监督人")
    (ref,) = reserve(walks, order)
    act(walks, SealAct.REPLACE_AUDITOR, APPROVER, successor="后来的监督人")
    for actor in (WORKER, ACTOR):
        with pytest.raises(Queued, match="后来的监督人 audits it"):
            with_keys(walks, lambda issuing, actor=actor: resume(issuing, actor))  # type: ignore[misc]
    assert uses(walks, ref) == 0
    act(walks, SealAct.REPLACE_AUDITOR, APPROVER, successor="又一位监督人")
    assert walks.resume() == 1
    assert uses(walks, ref) == 2
