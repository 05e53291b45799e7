"""States by valid time and by when we knew: the periods against a replay of the events."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta

import asyncpg
import pytest
from embedded_fixture import Database, open_register
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import NOW, TODAY, documents, issue, licence

from certsvc.domain.certificate import Status
from certsvc.domain.issuing import StatusEvent
from certsvc.errors import Conflict
from certsvc.ids import Ref, Uscc, organisation_check_character, uscc_check_character

pytest_plugins = ["store_fixtures"]

STATES = [state for state in Status if state is not Status.UNKNOWN]
DAYS = st.integers(-5, 15).map(lambda days: TODAY + timedelta(days=days))
EVENTS = st.lists(st.tuples(st.sampled_from(STATES), DAYS, st.integers(0, 2)), max_size=7)
QUESTIONS = st.lists(st.tuples(DAYS, st.integers(0, 20)), min_size=1, max_size=6)


def event(ref: Ref, status: Status, effective: date, recorded_at: datetime, reason: str | None = None) -> StatusEvent:
    return StatusEvent(
        ref=ref,
        act="decide",
        status=status,
        effective=effective,
        recorded_at=recorded_at,
        actor="test",
        reason=reason,
        legal_basis="行政许可法第六十九条",
        decision_number="云市监撤〔2026〕1号",
    )


def business(number: int) -> Uscc:
    """The `number`-th made-up company."""
    code = f"{number:08}"
    first17 = f"91441900{code}{organisation_check_character(code)}"
    return Uscc(first17 + uscc_check_character(first17))


def replay(events: Sequence[StatusEvent], on: date, known_at: datetime) -> Status:
    """The rule in one line: of what was known then and effective by that day, the last recorded rules."""
    ruling = [one.status for one in events if one.recorded_at <= known_at and one.effective <= on]
    return ruling[-1] if ruling else Status.UNKNOWN


def made_of(ref: Ref, drawn: Sequence[tuple[Status, date, int]]) -> list[StatusEvent]:
    """Events recorded in the order of time, some at one instant, effective in any order."""
    events, at = [], NOW
    for number, (status, effective, hours) in enumerate(drawn):
        at += timedelta(hours=hours)
        events.append(event(ref, status, effective, at, f"reason {number}"))
    return events


def test_periods_agree_with_a_replay_of_the_events(database: Database) -> None:
    numbers = iter(range(10_000_000, 99_999_999))

    @settings(max_examples=40, deadline=None)
    @given(drawn=EVENTS, questions=QUESTIONS)
    def agree(drawn: list[tuple[Status, date, int]], questions: list[tuple[date, int]]) -> None:
        async def story() -> None:
            number = next(numbers)
            async with open_register(database) as (register, reader):
                ref = await issue(register, licence(f"licence {number}", business(number)))
                events = made_of(ref, drawn)
                for one in events:
                    await register.change_status(one)
                issued = event(ref, Status.VALID, TODAY, NOW)
                for on, hours in questions:
                    known_at = NOW + timedelta(hours=hours)
                    gathered = await reader.gather(ref, on, known_at)
                    assert gathered is not None
                    assert gathered.certificate.status is replay([issued, *events], on, known_at)

        asyncio.run(story())

    agree()


def test_a_change_says_why(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, reader):
            ref = await issue(register, licence())
            before = await reader.gather(ref, TODAY, NOW)
            assert before is not None and (before.certificate.status, before.certificate.change) == (Status.VALID, None)
            await register.change_status(event(ref, Status.REVOKED, TODAY, NOW + timedelta(hours=1), "骗取登记"))
            after = await reader.gather(ref, TODAY, NOW + timedelta(hours=1))
            assert after is not None and after.certificate.status is Status.REVOKED
            change = after.certificate.change
            assert change is not None
            assert (change.act, change.effective, change.reason) == ("decide", TODAY, "骗取登记")
            assert (change.legal_basis, change.decision_number) == ("行政许可法第六十九条", "云市监撤〔2026〕1号")
            assert after.certificate.status_age_s == 0
            assert await reader.gather(ref, TODAY, NOW) == before

    asyncio.run(story())


def test_a_future_change_waits_for_its_day(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, reader):
            ref = await issue(register, licence())
            await register.change_status(event(ref, Status.CLOSED, TODAY + timedelta(days=7), NOW))
            states = [await reader.gather(ref, TODAY + timedelta(days=days), NOW) for days in (6, 7)]
            assert [one and one.certificate.status for one in states] == [Status.VALID, Status.CLOSED]

    asyncio.run(story())


def test_a_day_before_the_first_state_is_unknown(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, reader):
            ref = await issue(register, licence())
            gathered = await reader.gather(ref, TODAY - timedelta(days=1), NOW)
            assert gathered is not None and gathered.certificate.status is Status.UNKNOWN

    asyncio.run(story())


def test_the_very_same_event_twice_is_recorded_once(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, reader):
            ref = await issue(register, licence())
            suspended = event(ref, Status.SUSPENDED, TODAY, NOW + timedelta(hours=1))
            restored = event(ref, Status.VALID, TODAY, NOW + timedelta(hours=2))
            for one in (suspended, restored, suspended):
                await register.change_status(one)
            gathered = await reader.gather(ref, TODAY, NOW + timedelta(hours=3))
            assert gathered is not None and gathered.certificate.status is Status.VALID

    asyncio.run(story())


def test_knowledge_is_not_back_dated(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, _):
            ref = await issue(register, licence())
            await register.change_status(event(ref, Status.SUSPENDED, TODAY, NOW + timedelta(hours=2)))
            with pytest.raises(Conflict):
                await register.change_status(event(ref, Status.CLOSED, TODAY, NOW + timedelta(hours=1)))

    asyncio.run(story())


def test_a_leaf_can_be_opened_and_shows_nothing_unopened(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, _):
            ref = await issue(register, licence())
            await register.change_status(event(ref, Status.CLOSED, TODAY, NOW + timedelta(hours=1), "张三申请"))
            connection = await asyncpg.connect(database.uri)
            leaves = await connection.fetch("select salt, hash from log_leaf order by id")
            await connection.close()
        common = {"ref": ref.typed_code, "effective": "2026-11-24"}
        issued = {"act": "issue", "status": "valid", "recorded_at": 1795507200000, "decision_number": None}
        closed = {"act": "decide", "status": "closed", "recorded_at": 1795510800000}
        contents = [
            common | issued | {"documents": [document.sha256.hex() for document in documents(ref)]},
            common | closed | {"decision_number": "云市监撤〔2026〕1号", "documents": []},
        ]
        for leaf, content in zip(leaves, contents, strict=True):
            text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
            assert hashlib.sha256(b"\0" + leaf["salt"] + text).digest() == leaf["hash"]
        assert len({leaf["salt"] for leaf in leaves}) == 2

    asyncio.run(story())
