"""The register as the issue walk writes it and the verifier reads it."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from embedded_fixture import Database, open_register
from made_up import (
    COMPANY,
    FOOD,
    NOW,
    SEAL,
    SOLE_TRADER,
    TODAY,
    digest,
    documents,
    draft,
    issue,
    licence,
    order,
    permit,
    proof,
    use,
)

from certsvc.domain.acts import Act
from certsvc.domain.certificate import Category
from certsvc.domain.issuing import ActRequest
from certsvc.domain.life import Event
from certsvc.domain.seal import SealDesign
from certsvc.errors import Conflict, KeyReused, NotFound, StoreError
from certsvc.ids import new_ref, slot_of_licence
from certsvc.store import reserving
from certsvc.store.jobs import JobQueue
from certsvc.store.pool import open_pool
from certsvc.store.register import FINISH, finish_key

pytest_plugins = ["store_fixtures"]


def test_a_licence_is_gathered_with_its_permits_and_a_permit_with_its_licence(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, reader):
            root = await issue(register, licence())
            permits = [await issue(register, permit(f"permit {n}")) for n in range(3)]
            other = await issue(register, licence("other", SOLE_TRADER))
            gathered = await reader.gather(root, TODAY, NOW)
            assert gathered is not None and gathered.licence is None
            assert [row.ref for row in gathered.permits] == permits
            assert {row.licence_ref for row in gathered.permits} == {root}
            one = await reader.gather(permits[1], TODAY, NOW)
            assert one is not None and one.licence is not None and one.permits == ()
            assert (one.certificate.ref, one.licence.ref) == (permits[1], root)
            alone = await reader.gather(other, TODAY, NOW)
            assert alone is not None and alone.permits == ()

    asyncio.run(story())


def test_a_proof_stands_alone(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, reader):
            ref = await issue(register, proof())
            gathered = await reader.gather(ref, TODAY, NOW)
            assert gathered is not None
            assert (gathered.licence, gathered.permits, gathered.certificate.subject) == (None, (), None)
            assert gathered.certificate.number == "云山证字〔2026〕1号"

    asyncio.run(story())


def test_what_is_reserved_and_not_issued_is_as_if_absent(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, reader):
            root = await issue(register, licence())
            reserved = await register.reserve(permit())
            await register.keep_token(reserved.ref, b"token")
            for side in (register, reader):
                assert await side.gather(reserved.ref, TODAY, NOW) is None
                gathered = await side.gather(root, TODAY, NOW)
                assert gathered is not None and gathered.permits == ()
            assert await register.unfinished() == [reserved.ref]

    asyncio.run(story())


def test_what_was_issued_later_was_not_known_before(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, reader):
            root = await issue(register, licence())
            await issue(register, permit(), NOW + timedelta(days=1))
            before = await reader.gather(root, TODAY, NOW)
            after = await reader.gather(root, TODAY, NOW + timedelta(days=1))
            assert before is not None and before.permits == ()
            assert after is not None and len(after.permits) == 1
            assert await reader.gather(root, TODAY, NOW - timedelta(seconds=1)) is None

    asyncio.run(story())


def test_the_same_order_gets_the_same_reservation(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, _):
            await register.enrol_seals([SEAL], NOW)
            assert await register.find_order(order("licence"), digest("")) is None
            first = await register.reserve(licence())
            assert await register.reserve(licence()) == first
            assert await register.find_order(order("licence"), digest("")) == first.ref

    asyncio.run(story())


def test_the_same_order_sent_sixteen_times_at_once_is_one_certificate(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, _):
            await issue(register, licence())
            got = await asyncio.gather(*(register.reserve(permit("again")) for _ in range(16)))
            assert len({(one.ref, one.number, one.list_index) for one in got}) == 1
            assert (await register.reserve(permit("next"))).number == FOOD.number(2)

    asyncio.run(story())


def test_an_order_name_used_for_other_content_is_refused(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, _):
            await register.enrol_seals([SEAL], NOW)
            await register.reserve(licence())
            with pytest.raises(KeyReused):
                await register.reserve(draft("licence", Category.LICENCE, COMPANY, content="other"))
            with pytest.raises(KeyReused):
                await register.find_order(order("licence"), digest("other"))

    asyncio.run(story())


@pytest.mark.parametrize("issued", [False, True], ids=["none", "only reserved"])
def test_a_permit_waits_for_its_licence(database: Database, issued: bool) -> None:
    async def story() -> None:
        async with open_register(database) as (register, _):
            await register.enrol_seals([SEAL], NOW)
            if issued:
                await register.reserve(licence())
            with pytest.raises(NotFound, match="licence"):
                await register.reserve(permit())
            assert await register.find_order(order("permit"), digest("")) is None

    asyncio.run(story())


def test_a_taken_number_is_a_conflict_and_leaves_nothing_behind(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, _):
            await issue(register, licence())
            await register.reserve(permit("first", "B-17"))
            with pytest.raises(Conflict, match="B-17"):
                await register.reserve(permit("second", "B-17"))
            assert await register.find_order(order("second"), digest("")) is None

    asyncio.run(story())


def test_a_business_has_one_licence(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, _):
            await issue(register, licence())
            with pytest.raises(Conflict, match=COMPANY):
                await register.reserve(draft("second", Category.LICENCE, "another number"))

    asyncio.run(story())


def test_a_series_steps_over_a_number_taken_by_name(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, _):
            await issue(register, licence())
            await register.reserve(permit("by name", FOOD.number(2)))
            numbers = [(await register.reserve(permit(f"permit {n}"))).number for n in range(3)]
            assert numbers == [FOOD.number(1), FOOD.number(3), FOOD.number(4)]

    asyncio.run(story())


@pytest.mark.long
def test_many_at_once_take_different_numbers_without_a_gap(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, _):
            await issue(register, licence())
            got = await asyncio.gather(*(register.reserve(permit(f"permit {n}")) for n in range(40)))
            assert {one.number for one in got} == {FOOD.number(n) for n in range(1, 41)}
            assert len({one.list_index for one in got}) == 40

    asyncio.run(story())


def test_an_index_that_is_taken_is_drawn_again(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([7, 7, 7, 9])
    monkeypatch.setattr(reserving, "draw_index", lambda: next(drawn))

    async def story() -> None:
        async with open_register(database) as (register, _):
            await register.enrol_seals([SEAL], NOW)
            first, second = await register.reserve(proof("one")), await register.reserve(proof("two"))
            assert (first.list_index, second.list_index) == (7, 9)

    asyncio.run(story())


def test_a_full_status_list_is_said_so(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reserving, "draw_index", lambda: 7)

    async def story() -> None:
        async with open_register(database) as (register, _):
            await register.enrol_seals([SEAL], NOW)
            await register.reserve(proof("one"))
            with pytest.raises(StoreError, match="1-2026q4"):
                await register.reserve(proof("two"))

    asyncio.run(story())


def test_indexes_are_spread_over_the_whole_list() -> None:
    eighths = Counter(reserving.draw_index() * 8 // (1 << 20) for _ in range(4000))
    assert set(eighths) == set(range(8)) and min(eighths.values()) > 300


def test_the_token_kept_first_stays(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, _):
            await register.enrol_seals([SEAL], NOW)
            ref = (await register.reserve(licence())).ref
            kept = await asyncio.gather(*(register.keep_token(ref, bytes([n])) for n in range(8)))
            assert len(set(kept)) == 1 and (await register.reservation(ref)).token == kept[0]

    asyncio.run(story())


def test_publishing_again_changes_nothing(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, reader):
            ref = await issue(register, licence())
            first = await reader.gather(ref, TODAY, NOW)
            await register.publish(ref, documents(ref, "another"), "test", NOW + timedelta(hours=1))
            assert await reader.gather(ref, TODAY, NOW) == first
            assert (await register.reservation(ref)).issued_at == NOW
            [a4, another] = [document.sha256 for document in documents(ref, "a4", "another")]
            found = await reader.find_document(a4)
            assert found is not None and (found.ref, found.layout, found.sealed_at) == (ref, "a4", NOW)
            assert await reader.find_document(another) is None

    asyncio.run(story())


def test_nothing_is_issued_without_token_or_document(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, _):
            await register.enrol_seals([SEAL], NOW)
            ref = (await register.reserve(licence())).ref
            with pytest.raises(Conflict):
                await register.publish(ref, documents(ref), "test", NOW)
            await register.keep_token(ref, b"token")
            with pytest.raises(Conflict):
                await register.publish(ref, [], "test", NOW)
            assert await register.unfinished() == [ref]

    asyncio.run(story())


def test_what_was_left_reserved_is_put_into_the_queue_once(database: Database) -> None:
    minute = timedelta(minutes=1)

    async def story() -> None:
        async with open_register(database) as (register, _), open_pool(database.uri) as pool:
            await register.enrol_seals([SEAL], NOW)
            ref = (await register.reserve(licence())).ref
            jobs = JobQueue(pool)
            await register.hand_over(NOW + timedelta(seconds=59))  # who took the order is still at it
            async with jobs.taken([FINISH], NOW + minute) as job:
                assert job is None
            for _ in range(2):
                await register.hand_over(NOW + minute)
            async with jobs.taken([FINISH], NOW + minute) as job:
                assert job is not None and job.key == finish_key(ref)
                async with jobs.taken([FINISH], NOW + minute) as other:
                    assert other is None
                await job.failed(ValueError(), NOW + minute)
            await register.hand_over(NOW + minute)
            async with jobs.taken([FINISH], NOW + minute) as job:
                assert job is None, "what failed waits for its time"

    asyncio.run(story())


def test_an_unknown_reference_is_not_found(database: Database) -> None:
    ref = new_ref(slot_of_licence(COMPANY))
    event = Event(ref=ref, act=Act.REVOKE, effective=TODAY, recorded_at=NOW, actor="one", confirmed_by="other")
    request = ActRequest(client="test", key="revoke", digest=bytes(32), event=event)

    async def story() -> None:
        async with open_register(database) as (register, reader):
            assert await reader.gather(ref, TODAY, NOW) is None
            for call in (
                register.reservation(ref),
                register.book_seal_use(ref, use(), "test", NOW),
                register.keep_token(ref, b"token"),
                register.publish(ref, documents(ref), "test", NOW),
                register.act(request),
                register.events(ref),
                register.newest_version(ref),
            ):
                with pytest.raises(NotFound):
                    await call

    asyncio.run(story())


def test_a_seal_enrolled_again_keeps_its_rules_and_has_no_other_owner_or_picture(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, _):
            await register.enrol_seals([SEAL], NOW)
            await register.enrol_seals([SEAL, replace(SEAL, certificate_types=frozenset({"food-permit"}))], NOW)
            await register.enrol_seals([replace(SEAL, people=None)], NOW)
            for other in (
                replace(SEAL, owner="云山市公安局"),
                replace(SEAL, design=SealDesign(name="x", diameter_mm=9)),
            ):
                with pytest.raises(Conflict, match="amr"):
                    await register.enrol_seals([other], NOW)

    asyncio.run(story())


def test_the_register_says_whether_it_is_ready(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, reader):
            assert await register.ready() and await reader.ready()

    asyncio.run(story())
