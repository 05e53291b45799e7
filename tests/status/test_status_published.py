"""What lies out there is whole, current and ours; what is taken away, spoilt or replaced is made again."""

import asyncio
import base64
import json
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from listed import (
    DAY,
    LICENCES,
    MINUTE,
    NOW,
    PERMITS,
    SECOND,
    Act,
    Database,
    Room,
    begin,
    catalog,
    company_code,
    licence,
    made_authority,
    make_room,
    open_room,
    permit,
    request,
    unpacked,
)

import certsvc.jobs.status_lists as status_lists_job
import certsvc.store.status_lists as status_lists_store
from certsvc.authority.status_lists import Published, sign_status_list, status_signer
from certsvc.domain.calendar import beijing_date
from certsvc.domain.status_list import LIST_BYTES, MOST_SIGNED, empty_list
from certsvc.errors import CustodyError
from certsvc.issuance.status_values import rules_digest

pytest_plugins = ["status_fixtures"]

TODAY = beijing_date(NOW)
HOUR = timedelta(hours=1)


def claims(data: bytes | None) -> dict[str, int]:
    """The claims of a list, its signature not looked at."""
    assert data is not None
    payload = data.split(b".")[1]
    found: dict[str, int] = json.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
    return found


async def two(room: Room) -> None:
    """A licence and a permit, published."""
    await begin(room.register, licence(), NOW)
    await begin(room.register, permit(), NOW)
    await room.work.keep(NOW + SECOND)


def stolen_away(room: Room, file: Path) -> None:
    file.unlink()


def emptied(room: Room, file: Path) -> None:
    file.write_bytes(b"")


def cut(room: Room, file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def replaced_by_another_list(room: Room, file: Path) -> None:
    file.write_bytes(room.file(LICENCES).read_bytes())


def replaced_by_a_strangers(room: Room, file: Path) -> None:
    signer = status_signer(made_authority(room.folder / "strange"))
    url = room.work.shelf.url(PERMITS)
    file.write_bytes(sign_status_list(bytes(LIST_BYTES), 10, url, DAY, signer, NOW + SECOND))


@pytest.mark.parametrize(
    "harm",
    [stolen_away, emptied, cut, replaced_by_another_list, replaced_by_a_strangers],
    ids=lambda harm: harm.__name__,
)
def test_a_list_that_is_harmed_is_made_again(
    database: Database, tmp_path: Path, harm: Callable[[Room, Path], None]
) -> None:
    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            await two(room)
            before = unpacked(room.file().read_bytes())
            harm(room, room.file())
            await room.work.keep(NOW + 2 * SECOND)
            data = room.data()
            assert data is not None and unpacked(data) == before
            assert claims(data)["iat"] == int((NOW + 2 * SECOND).timestamp())

    asyncio.run(story())


def test_the_index_is_there_before_any_list_and_made_again_when_it_is_gone(database: Database, tmp_path: Path) -> None:
    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            index = tmp_path / "status" / "index.json"
            await room.work.keep(NOW)
            assert json.loads(index.read_bytes()) == {"status_lists": [], "lists": []}
            await two(room)
            before = index.read_bytes()
            index.unlink()
            await room.work.keep(NOW + 2 * SECOND)
            assert index.read_bytes() == before

    asyncio.run(story())


@pytest.mark.long
def test_a_list_of_before_put_back_does_not_stay(database: Database, tmp_path: Path) -> None:
    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            root = await begin(room.register, licence(), NOW)
            await room.work.keep(NOW + SECOND)
            old = room.file(LICENCES).read_bytes()
            await room.register.act(request(root.ref, Act.REVOKE, TODAY, NOW + MINUTE))
            await room.work.keep(NOW + MINUTE)
            room.file(LICENCES).write_bytes(old)
            assert await room.state(root.ref, NOW + MINUTE) == "valid"
            await room.work.keep(NOW + MINUTE + SECOND)
            assert await room.state(root.ref, NOW + MINUTE + SECOND) == "invalid"

    asyncio.run(story())


def test_a_list_without_a_change_is_signed_again_in_good_time_and_not_before(
    database: Database, tmp_path: Path
) -> None:
    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            await two(room)
            made = NOW + SECOND
            first = room.data()
            await room.work.keep(made + 4 * HOUR - SECOND)
            assert room.data() == first
            await room.work.keep(made + 4 * HOUR)
            assert claims(room.data())["iat"] == int((made + 4 * HOUR).timestamp())

    asyncio.run(story())


@pytest.mark.parametrize(
    ("sequence", "urgent", "kid", "age", "stays"),
    [
        (5, 0, "k", 0, True),
        (5, 5, "k", 14_399, True),
        (5, 5, "k", 14_400, False),
        (6, 5, "k", 29, True),
        (6, 5, "k", 30, False),
        (6, 6, "k", 0, False),
        (4, 4, "k", 0, False),
        (5, 0, "other", 0, False),
        (5, 0, "k", -1, False),
    ],
)
def test_how_long_a_list_stays(sequence: int, urgent: int, kid: str, age: int, stays: bool) -> None:
    there = Published(5, 1_000_000, 1_086_400, "k", 1000, (0, 0, 0))
    now = datetime.fromtimestamp(1_000_000 + age, NOW.tzinfo)
    assert there.is_current(sequence, urgent, kid, now) == stays


@pytest.mark.long
def test_a_list_is_never_dated_later_than_what_it_follows(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody worked for hours, and more was told meanwhile than is followed in one turn."""
    monkeypatch.setattr(status_lists_job, "TURNS", 1)
    monkeypatch.setattr(status_lists_store, "NOTICES", 1)
    monkeypatch.setattr(status_lists_store, "DUE", 1)

    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            roots = [await begin(room.register, licence(company_code(n)), NOW) for n in range(6)]
            await room.work.keep(NOW + SECOND)
            assert [await room.state(one.ref, NOW + SECOND) for one in roots] == ["valid"] * 6
            for number, one in enumerate(roots):
                begins = TODAY + (number % 2) * DAY
                await room.register.act(request(one.ref, Act.SUSPEND, begins, NOW + MINUTE))
            later = NOW + 2 * DAY
            await room.work.keep(later)
            assert [await room.state(one.ref, later) for one in roots] == ["suspended"] * 6

    asyncio.run(story())


@pytest.mark.long
def test_while_somebody_else_makes_entries_no_list_is_dated_anew(database: Database, tmp_path: Path) -> None:
    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            await two(room)
            first = room.data()
            async with room.lists.turn(room.work.rules.digest, TODAY):
                await room.work.keep(NOW + 5 * HOUR)
            assert room.data() == first
            await room.work.keep(NOW + 5 * HOUR)
            assert claims(room.data())["iat"] == int((NOW + 5 * HOUR).timestamp())

    asyncio.run(story())


@pytest.mark.long
def test_going_through_everything_holds_up_no_revocation(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_lists_job, "TURNS", 2)
    monkeypatch.setattr(status_lists_store, "WALKED", 1)

    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            roots = [await begin(room.register, licence(company_code(n)), NOW) for n in range(6)]
            await room.work.keep_up(NOW + SECOND)
            for _ in range(6):
                await room.work.keep(NOW + MINUTE)
            await room.lists.begin_anew()
            await room.register.act(request(roots[5].ref, Act.REVOKE, TODAY, NOW + MINUTE))
            await room.work.keep(NOW + 2 * MINUTE)
            assert await room.state(roots[5].ref, NOW + 2 * MINUTE) == "invalid"
            async with room.lists.turn(room.work.rules.digest, TODAY) as turn:
                assert turn is not None and turn.is_any and turn.is_level

    asyncio.run(story())


@pytest.mark.long
def test_a_worker_that_begins_anew_takes_what_is_out_there(database: Database, tmp_path: Path) -> None:
    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            await two(room)
            first = room.data()
            another = make_room(room.register, room.reader, room.authority, tmp_path, room.pool)
            await another.work.keep(NOW + MINUTE)
            assert room.data() == first

    asyncio.run(story())


@pytest.mark.long
def test_without_its_key_it_says_so_once_and_goes_on_when_it_is_back(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            await two(room)
            real = room.authority.credential

            def lost(name: str) -> object:
                raise CustodyError("没有密钥。", "No such key.")

            monkeypatch.setattr(room.authority, "credential", lost)
            food = await begin(room.register, permit("second"), NOW + MINUTE)
            for seconds in range(5):
                await room.work.keep(NOW + 2 * MINUTE + seconds * SECOND)
            assert await room.entry(food.ref) == 0  # what needs no key goes on
            assert await room.state(food.ref, NOW + 2 * MINUTE) == "no_statement"
            assert [call.kwargs["event"] for call in room.log.calls] == ["status_lists_stopped"]
            monkeypatch.setattr(room.authority, "credential", real)
            await room.work.keep(NOW + 3 * MINUTE)
            assert await room.state(food.ref, NOW + 3 * MINUTE) == "valid"
            assert [call.kwargs["event"] for call in room.log.calls][1:] == ["status_lists_go_on"]

    asyncio.run(story())


@pytest.mark.long
def test_a_key_for_lists_that_is_revoked_signs_no_more(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            await two(room)
            room.file().unlink()
            monkeypatch.setattr(room.authority, "is_revoked", lambda name: name == "status")
            await room.work.keep(NOW + MINUTE)
            assert room.data() is None

    asyncio.run(story())


@pytest.mark.long
def test_every_list_is_signed_anew_by_the_next_key_at_once(database: Database, tmp_path: Path) -> None:
    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            await two(room)
            before = {name: room.data(name) for name in (LICENCES, PERMITS)}
            room.authority.make("status.2", NOW)
            await room.work.keep(NOW + MINUTE)
            for name, data in before.items():
                after = room.data(name)
                assert data and after and data.split(b".")[0] != after.split(b".")[0]
                assert unpacked(data) == unpacked(after)

    asyncio.run(story())


# ---- going through everything once more ----


@pytest.mark.long
def test_entries_that_were_spoilt_are_put_right_when_asked_to(database: Database, tmp_path: Path) -> None:
    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            food = [await begin(room.register, licence(company_code(n)), NOW) for n in range(3)]
            await room.register.act(request(food[0].ref, Act.REVOKE, TODAY, NOW + MINUTE))
            await room.work.keep(NOW + MINUTE)
            async with room.pool.transaction() as connection:
                await connection.execute("update status_part set entries = $1", bytes(1024))
            await room.work.keep(NOW + 2 * MINUTE)
            assert await room.entry(food[0].ref) == 0
            await room.lists.begin_anew()
            await room.work.keep(NOW + 3 * MINUTE)
            assert [await room.entry(one.ref) for one in food] == [1, 0, 0]
            assert await room.state(food[0].ref, NOW + 3 * MINUTE) == "invalid"

    asyncio.run(story())


@pytest.mark.long
def test_under_other_rules_every_certificate_is_gone_through(database: Database, tmp_path: Path) -> None:
    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            await begin(room.register, licence(), NOW)
            food = await begin(room.register, permit(), NOW)
            old = room.work.rules
            room.work.rules = type(old)(values=lambda *_: (), digest=b"o" * 32, lasts=old.lasts)
            await room.work.keep(NOW + SECOND)
            assert await room.entry(food.ref) == 0xF
            room.work.rules = old
            await room.work.keep(NOW + MINUTE)
            assert await room.entry(food.ref) == 0

    asyncio.run(story())


@pytest.mark.long
def test_the_digest_of_the_rules_is_the_same_in_every_process_and_another_without_a_type() -> None:
    code = (
        "from certsvc.catalog import load_catalog; from pathlib import Path;"
        "from certsvc.issuance.status_values import rules_digest;"
        f"print(rules_digest(load_catalog(Path({str(catalog().folder)!r}))).hex())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == rules_digest(catalog()).hex()
    fewer = type(catalog())(catalog().folder, dict([*catalog()._types.items()][1:]))
    assert rules_digest(fewer) != rules_digest(catalog())


@pytest.mark.long
def test_who_does_it_once_signs_more_lists_than_one_pass_does(database: Database, tmp_path: Path) -> None:
    async def story() -> None:
        async with open_room(database, tmp_path) as room:
            for number in range(10):
                await begin(
                    room.register, replace(licence(company_code(number)), list_name=f"{number + 1}-2026q4"), NOW
                )
            await room.work.keep(NOW + SECOND)
            assert len([*(tmp_path / "status").glob("*.jwt")]) == 8
            await room.work.keep_up(NOW + SECOND)
            assert len([*(tmp_path / "status").glob("*.jwt")]) == 10
            assert len(json.loads((tmp_path / "status" / "index.json").read_bytes())["lists"]) == 10

    asyncio.run(story())


# ---- size ----


@pytest.mark.long
def test_a_full_list_of_mixed_states_has_less_than_200_kilobytes_and_the_worst_is_still_read(tmp_path: Path) -> None:
    signer, drawn = status_signer(made_authority(tmp_path)), random.Random(1)
    kinds, weights = (0, 1, 2, 3, 12, 13, 14, 15), (920, 20, 2, 40, 1, 5, 7, 5)
    values = drawn.choices(kinds, weights, k=1_000_000)
    packed = empty_list()
    packed[:500_000] = bytes(low | high << 4 for low, high in zip(values[::2], values[1::2], strict=True))
    mixed = sign_status_list(bytes(packed), 1, "https://x/status/1-2026q4", DAY, signer, NOW)
    assert 150_000 < len(mixed) < 200_000
    worst = sign_status_list(drawn.randbytes(LIST_BYTES), 1, "https://x/status/1-2026q4", DAY, signer, NOW)
    assert 900_000 < len(worst) < MOST_SIGNED
