"""All the seals of a document are asked before the first is booked, and asked again when it is put on record."""

import asyncio
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from certsvc.domain.seal import SealUse
from certsvc.domain.seal_acts import SealAct
from certsvc.errors import NotFound, SealRefused
from certsvc.ids import Ref, new_ref
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.pool import open_pool
from certsvc.store.register import PostgresRegister
from certsvc.store.seals import PostgresSeals

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from embedded_fixture import Database, fresh_database
from made_up import PLACE, SEAL, documents, proof, use
from sealed import applied, ask, put_in_use


@pytest.fixture
def database(embedded_server: EmbeddedServer) -> Database:
    """A database of this test's own."""
    return fresh_database(embedded_server)


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


async def reserved(register: PostgresRegister, key: str = "one") -> Ref:
    """A proof that is reserved, with its token."""
    await register.enrol_seals([SEAL], now())
    ref = (await register.reserve(replace(proof(key), reserved_at=now()))).ref
    await register.keep_token(ref, b"token")
    return ref


def joint(*seal_ids: str) -> list[SealUse]:
    """A use of each, side by side."""
    places = (replace(PLACE, x_mm=PLACE.x_mm - 40 * number) for number, _ in enumerate(seal_ids))
    return [use(seal_id, place=place) for seal_id, place in zip(seal_ids, places, strict=True)]


def test_asking_books_nothing_and_takes_no_number(database: Database) -> None:
    async def story() -> None:
        async with open_pool(database.uri) as pool:
            register, seals = PostgresRegister(pool), PostgresSeals(pool)
            ref = await reserved(register)
            await put_in_use(seals, applied("first", daily_quota=2), now())
            await put_in_use(seals, applied("second"), now())
            first = await register.book_seal_use(ref, use("first"), "one", now())
            for _ in range(5):
                await register.require_seal_uses(ref, joint("first", "second"), "one", now())
            assert await register.book_seal_use(ref, use("second"), "one", now()) == first + 1
            assert [(one.uses, one.seal.id) for one in await seals.seals(now())][1:] == [(1, "first"), (1, "second")]
            with pytest.raises(NotFound):
                await register.require_seal_uses(new_ref(), joint("first"), "one", now())

    asyncio.run(story())


def test_one_seal_of_many_that_may_not_be_used_is_found_before_any_is(database: Database) -> None:
    async def refused(register: PostgresRegister, ref: Ref, words: str, *seal_ids: str, by: str = "one") -> None:
        with pytest.raises(SealRefused, match=words):
            await register.require_seal_uses(ref, joint(*seal_ids), by, now())

    async def story() -> None:
        async with open_pool(database.uri) as pool:
            register, seals = PostgresRegister(pool), PostgresSeals(pool)
            ref = await reserved(register)
            await put_in_use(seals, applied("first", daily_quota=1), now())
            await put_in_use(seals, applied("second"), now())
            await put_in_use(seals, applied("elsewhere", place=PLACE), now())
            await refused(register, ref, "first is not used: its 1 uses", "first", "second", "first")
            await refused(register, ref, "elsewhere is not used: its place", "first", "elsewhere")
            await refused(register, ref, "审 audits it", "first", "second", by="审")
            await refused(register, ref, "审 audits it", "first", "second", by="  审 ")
            await seals.act(ask("second", SealAct.SUSPEND, "管"), now())
            await refused(register, ref, "second is not used: it is suspended", "first", "second")
            assert {one.uses for one in await seals.seals(now())} == {0}

    asyncio.run(story())


def test_only_the_seals_on_the_sheet_must_still_be_enabled(database: Database) -> None:
    async def story() -> None:
        async with open_pool(database.uri) as pool:
            register, seals = PostgresRegister(pool), PostgresSeals(pool)
            ref = await reserved(register)
            for seal_id in ("old", "new"):
                await put_in_use(seals, applied(seal_id), now())
            await register.book_seal_use(ref, use("old"), "one", now())
            await seals.act(ask("old", SealAct.DESTROY, "管", confirmed_by="批"), now())
            with pytest.raises(SealRefused, match="old is being destroyed since its use was booked"):
                await register.publish(ref, documents(ref), "one", now())
            assert await register.documents(ref) == []
            await register.book_seal_use(ref, use("new"), "one", now())  # the same place, sealed anew
            await register.publish(ref, documents(ref), "one", now())
            await seals.act(ask("new", SealAct.SUSPEND, "管"), now())
            await register.publish(ref, documents(ref), "one", now())  # it is issued: nothing more is done
            assert len(await register.documents(ref)) == 1

    asyncio.run(story())


@pytest.mark.long
def test_many_at_once_do_not_wait_for_each_other_for_ever(database: Database) -> None:
    async def story() -> None:
        async with open_pool(database.uri) as pool:
            register, seals = PostgresRegister(pool), PostgresSeals(pool)
            for seal_id, quota in (("a", None), ("b", 1000), ("c", None), ("d", 1000)):
                await put_in_use(seals, applied(seal_id, daily_quota=quota), now())
            refs = [await reserved(register, f"order {number}") for number in range(3)]

            async def walk(ref: Ref, *seal_ids: str) -> None:
                uses = joint(*seal_ids)
                for _ in range(8):
                    await register.require_seal_uses(ref, uses, "one", now())
                    for one in uses:
                        await register.book_seal_use(ref, one, "one", now(), "worker")
                await register.publish(ref, documents(ref), "one", now())

            ways = ("abcd", "dcba", "bdac")
            await asyncio.gather(*(walk(ref, *way) for ref in refs for way in ways))
            assert {one.uses for one in await seals.seals(now()) if one.seal.id in "abcd"} == {72}

    asyncio.run(story())


@pytest.mark.long
def test_a_seal_does_not_change_while_its_sheet_is_put_on_record(database: Database) -> None:
    """Whichever comes first: suspended before, nothing is on record; after, the document was there before."""

    async def story() -> None:
        async with open_pool(database.uri) as pool:
            register, seals = PostgresRegister(pool), PostgresSeals(pool)
            for number in range(20):
                seal_id = f"seal-{number}"
                await put_in_use(seals, applied(seal_id), now())
                ref = await reserved(register, seal_id)
                await register.book_seal_use(ref, use(seal_id), "one", now())
                results = await asyncio.gather(
                    register.publish(ref, documents(ref), "one", now()),
                    seals.act(ask(seal_id, SealAct.SUSPEND, "管"), now()),
                    return_exceptions=True,
                )
                was_refused = isinstance(results[0], SealRefused)
                assert results[0] is None or was_refused
                assert (await register.documents(ref) == []) is was_refused

    asyncio.run(story())
