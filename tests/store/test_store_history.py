"""What the register says of a life: acts on record, states by valid time and by when we knew, the log's leaves."""

import asyncio
import hashlib
import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from embedded_fixture import Database, open_register
from made_up import NOW, TODAY, documents, issue, licence

from certsvc.domain.acts import TWO_PERSONS, Act
from certsvc.domain.issuing import ActRequest
from certsvc.domain.life import Event, Ground
from certsvc.domain.states import Status
from certsvc.errors import ActNotAllowed, KeyReused
from certsvc.ids import Ref

pytest_plugins = ["store_fixtures"]

LAW, DECISION = "行政许可法第六十九条", "云市监撤〔2026〕1号"


def request(ref: Ref, act: Act, effective: date, recorded_at: datetime, **said: Any) -> ActRequest:
    """A request to act, named by what it says."""
    ground = Ground(reason=said.get("reason"), legal_basis=LAW, decision_number=DECISION)
    second = "second" if act in TWO_PERSONS else None
    event = Event(
        ref=ref, act=act, effective=effective, recorded_at=recorded_at, actor="test", confirmed_by=second, ground=ground
    )
    key = said.get("key", f"{ref.value} {act} {effective} {recorded_at}")
    return ActRequest(client="test", key=key, digest=hashlib.sha256(repr(event).encode()).digest(), event=event)


def test_a_change_says_why(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, reader):
            ref = await issue(register, licence())
            before = await reader.gather(ref, TODAY, NOW)
            assert before is not None and (before.certificate.status, before.certificate.change) == (Status.VALID, None)
            await register.act(request(ref, Act.REVOKE, TODAY, NOW + timedelta(hours=1), reason="骗取登记"))
            after = await reader.gather(ref, TODAY, NOW + timedelta(hours=1))
            assert after is not None and after.certificate.status is Status.REVOKED
            change = after.certificate.change
            assert change is not None
            assert (change.act, change.effective, change.reason) == ("revoke", TODAY, "骗取登记")
            assert (change.legal_basis, change.decision_number) == (LAW, DECISION)
            assert after.certificate.status_age_s == 0
            assert await reader.gather(ref, TODAY, NOW) == before

    asyncio.run(story())


@pytest.mark.long
def test_a_future_change_waits_for_its_day(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, reader):
            ref = await issue(register, licence())
            await register.act(request(ref, Act.CLOSE, TODAY + timedelta(days=7), NOW))
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


def test_the_same_request_twice_is_one_event(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, reader):
            ref = await issue(register, licence())
            suspended = request(ref, Act.SUSPEND, TODAY, NOW + timedelta(hours=1))
            first = await register.act(suspended)
            await register.act(request(ref, Act.RESUME, TODAY, NOW + timedelta(hours=2)))
            assert await register.act(suspended) == first
            gathered = await reader.gather(ref, TODAY, NOW + timedelta(hours=3))
            assert gathered is not None and gathered.certificate.status is Status.VALID
            with pytest.raises(KeyReused):
                await register.act(replace(suspended, digest=bytes(32)))

    asyncio.run(story())


def test_knowledge_is_not_back_dated(database: Database) -> None:
    """A request that was made earlier and comes in later is known from the later instant on."""

    async def story() -> None:
        async with open_register(database) as (register, reader):
            ref = await issue(register, licence())
            await register.act(request(ref, Act.SUSPEND, TODAY, NOW + timedelta(hours=2)))
            late = await register.act(request(ref, Act.CLOSE, TODAY, NOW + timedelta(hours=1)))
            assert late.recorded_at == NOW + timedelta(hours=2)
            gathered = await reader.gather(ref, TODAY, NOW + timedelta(hours=1))
            assert gathered is not None and gathered.certificate.status is Status.VALID

    asyncio.run(story())


def test_an_act_leaves_the_periods_alone_that_say_the_same_as_before(database: Database) -> None:
    """Found by reading: a period with a condition was ended and written again by every act."""

    async def story() -> None:
        async with open_register(database) as (register, _):
            ref = await issue(register, licence())
            await register.act(request(ref, Act.ACCEPT_RENEWAL, TODAY, NOW + timedelta(hours=1)))
            connection = await asyncpg.connect(database.uri)
            count = "select count(*) from status_period"
            before = await connection.fetchval(count)
            await register.act(request(ref, Act.SUSPEND, TODAY + timedelta(days=9), NOW + timedelta(hours=2)))
            cut_and_new = before + 2
            assert await connection.fetchval(count) == cut_and_new
            await register.act(request(ref, Act.RESUME, TODAY + timedelta(days=20), NOW + timedelta(hours=3)))
            assert await connection.fetchval(count) == cut_and_new + 2
            await connection.close()

    asyncio.run(story())


def test_an_act_that_the_state_does_not_allow_is_refused(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, _):
            ref = await issue(register, licence())
            await register.act(request(ref, Act.REVOKE, TODAY, NOW))
            with pytest.raises(ActNotAllowed):
                await register.act(request(ref, Act.RESUME, TODAY, NOW))
            assert [event.act for event in await register.events(ref)] == [Act.ISSUE, Act.REVOKE]

    asyncio.run(story())


def test_a_leaf_can_be_opened_and_shows_nothing_unopened(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, _):
            ref = await issue(register, licence())
            await register.act(request(ref, Act.CLOSE, TODAY, NOW + timedelta(hours=1), reason="张三申请"))
            connection = await asyncpg.connect(database.uri)
            leaves = await connection.fetch("select salt, hash from log_leaf order by id")
            await connection.close()
        common = {"ref": ref.typed_code, "effective": "2026-11-24"}
        issued = {"act": "issue", "status": "valid", "recorded_at": 1795507200000, "decision_number": None}
        closed = {"act": "close", "status": "closed", "recorded_at": 1795510800000}
        contents = [
            common | issued | {"documents": [document.sha256.hex() for document in documents(ref)]},
            common | closed | {"decision_number": DECISION, "documents": []},
        ]
        for leaf, content in zip(leaves, contents, strict=True):
            text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
            assert hashlib.sha256(b"\0" + leaf["salt"] + text).digest() == leaf["hash"]
        assert len({leaf["salt"] for leaf in leaves}) == 2

    asyncio.run(story())
