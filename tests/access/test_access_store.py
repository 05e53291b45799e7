"""Clients on PostgreSQL: registered once, rotated, cut off at once; an assertion is used once by whoever is first."""

import asyncio
import secrets
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from certsvc.domain.client import ClientAct, ClientKind, ClientState, RegisteredClient, new_client_id
from certsvc.domain.seal_acts import SealAct
from certsvc.errors import ActNotAllowed, Conflict, InvalidInput, NotFound, WrongCredentials
from certsvc.store.clients import PostgresClients
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.pool import open_pool
from certsvc.store.seals import PostgresSeals

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from embedded_fixture import Database, fresh_database
from on_record import NONE, NOW, SCOPES, WEEK, Keyed, access, fetch, named, on, registered
from sealed import applied, ask


@pytest.fixture(scope="module")
def database(embedded_server: EmbeddedServer) -> Database:
    """One database for this module; every test has clients of its own."""
    return fresh_database(embedded_server)


# ---- register ----


def test_a_client_is_read_as_it_was_registered(database: Database) -> None:
    client, one, two = named(), Keyed("b"), Keyed("a")
    registered(database, client, one, two)
    found = on(database, lambda clients: clients.client(client.id))
    assert found is not None and found.client == client
    assert [key.kid for key in found.keys] == ["a", "b"]
    assert {key.thumbprint for key in found.keys} == {one.key.thumbprint, two.key.thumbprint}
    (event,) = on(database, lambda clients: clients.events(client.id))
    assert (event.act, event.actor, event.at, event.reason) == (ClientAct.REGISTER, "登记员", NOW, "试用")
    assert (event.scopes, event.added, event.ended) == (SCOPES, ("a", "b"), ())
    told = fetch(database, "select actor, action from audit where detail ->> 'client' = $1", client.id)
    assert [tuple(row) for row in told] == [("登记员", "client_register")]


def test_an_unknown_client_is_none(database: Database) -> None:
    assert on(database, lambda clients: clients.client(new_client_id())) is None
    with pytest.raises(NotFound):
        on(database, lambda clients: clients.require(new_client_id()))


def test_registered_again_it_is_the_same_client(database: Database) -> None:
    client, key = named(), Keyed()
    registered(database, client, key)
    again = registered(database, replace(client, id=new_client_id(), registered_at=NOW + WEEK), key)
    assert again.client == client
    assert len(on(database, lambda clients: clients.events(client.id))) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scopes": frozenset({"read:*"})}, "client scope"),
        ({"organisation": None}, "organisation"),
        ({"kind": ClientKind.PERSON}, "other kind"),
    ],
    ids=str,
)
def test_registered_again_otherwise_is_a_conflict_that_says_what_differs(
    database: Database, changes: dict[str, Any], words: str
) -> None:
    client, key = named(), Keyed()
    registered(database, client, key)
    with pytest.raises(Conflict, match=words):
        registered(database, replace(client, id=new_client_id(), **changes), key)


def test_registered_again_with_other_keys_is_a_conflict(database: Database) -> None:
    client = named()
    registered(database, client, Keyed())
    with pytest.raises(Conflict, match="client rotate"):
        registered(database, replace(client, id=new_client_id()), Keyed())


def test_one_key_is_one_clients(database: Database) -> None:
    key, client = Keyed(), named()
    registered(database, named(), key)
    with pytest.raises(Conflict, match="another client's"):
        registered(database, client, key)
    assert on(database, lambda clients: clients.client(client.id)) is None


def test_many_that_register_at_once_make_one_client(database: Database) -> None:
    key, name = Keyed(), f"system-{secrets.token_hex(4)}"

    async def race(clients: PostgresClients) -> list[RegisteredClient]:
        each = (clients.register(named(name), [key.key], "登记员", None) for _ in range(5))
        return list(await asyncio.gather(*each))

    found = on(database, race)
    assert len({each.client.id for each in found}) == 1


def test_a_name_that_is_a_persons_never_becomes_a_systems(database: Database) -> None:
    person, key = named("张三", kind=ClientKind.PERSON, scopes=frozenset({"approve:*"})), Keyed()
    registered(database, person, key)
    on(database, lambda clients: clients.cut_off(person.id, "登记员", "离职", NOW))
    with pytest.raises(Conflict, match="cut off"):
        registered(database, named("张三"), Keyed())


def test_the_name_of_a_person_who_answers_for_a_seal_never_becomes_a_systems(database: Database) -> None:
    async def story() -> None:
        async with open_pool(database.uri) as pool:
            await PostgresSeals(pool).apply(applied("own-seal"), ask("own-seal", SealAct.APPLY, "申"), NOW)

    asyncio.run(story())
    with pytest.raises(InvalidInput, match="a person on record"):
        registered(database, named("申"), Keyed())
    registered(database, named("申", kind=ClientKind.PERSON), Keyed())


def test_a_name_that_looks_like_another_is_refused(database: Database) -> None:
    with pytest.raises(InvalidInput, match="cannot be seen"):
        registered(database, named("market\u3164system"), Keyed())


# ---- rotate, rescope, cut off ----


def test_a_new_key_follows_the_old_one_with_an_overlap(database: Database) -> None:
    client, old, new = named(), Keyed(), Keyed()
    registered(database, client, old)
    later = NOW + timedelta(hours=1)
    on(database, lambda clients: clients.rotate(client.id, [new.key], WEEK, "登记员", "年度", later))

    async def granted(key: Keyed, now: datetime) -> bool:
        async with open_pool(database.uri) as pool:
            try:
                await access(PostgresClients(pool)).grant(key.assertion(client.id, now=now), "", None, now)
            except WrongCredentials:
                return False
            return True

    before_end, end = later + WEEK - timedelta(seconds=1), later + WEEK
    assert asyncio.run(granted(old, later)) and asyncio.run(granted(new, later))
    assert asyncio.run(granted(old, before_end))
    assert not asyncio.run(granted(old, end)) and asyncio.run(granted(new, end))
    events = on(database, lambda clients: clients.events(client.id))
    assert [(event.act, event.added, event.ended) for event in events] == [
        (ClientAct.REGISTER, (old.key.kid,), ()),
        (ClientAct.ROTATE, (new.key.kid,), (old.key.kid,)),
    ]


def test_rotated_again_with_the_same_keys_nothing_is_done(database: Database) -> None:
    client, old, new = named(), Keyed(), Keyed()
    registered(database, client, old)

    async def twice(clients: PostgresClients) -> list[RegisteredClient]:
        return [
            await clients.rotate(client.id, [new.key], WEEK, "登记员", None, NOW + timedelta(days=day))
            for day in (0, 1)
        ]

    first, second = on(database, twice)
    assert first == second
    assert len(on(database, lambda clients: clients.events(client.id))) == 2


def test_a_key_is_not_taken_over_from_another_client(database: Database) -> None:
    theirs, client = Keyed(), named()
    registered(database, named(), theirs)
    registered(database, client, Keyed())
    with pytest.raises(Conflict, match="another client's"):
        on(database, lambda clients: clients.rotate(client.id, [theirs.key], WEEK, "登记员", None, NOW))
    assert len(on(database, lambda clients: clients.events(client.id))) == 1


def test_scopes_change_at_once_for_tokens_that_are_out(database: Database) -> None:
    client, key = named(), Keyed()
    registered(database, client, key)

    async def story(clients: PostgresClients) -> list[frozenset[str]]:
        door, scopes = access(clients), []
        token = (await door.grant(key.assertion(client.id), "", None, NOW)).access_token
        scopes.append((await door.authenticate(token, NOW))[1])
        await clients.rescope(client.id, ["read:food-business issue:*"], "登记员", "缩小", NOW)
        scopes.append((await door.authenticate(token, NOW))[1])
        return scopes

    assert on(database, story) == [SCOPES, {"issue:food-business"}]
    events = on(database, lambda clients: clients.events(client.id))
    assert events[-1].act is ClientAct.RESCOPE and events[-1].scopes == frozenset({"read:food-business", "issue:*"})


def test_a_machine_is_not_given_the_right_to_approve(database: Database) -> None:
    client = named()
    registered(database, client, Keyed())
    with pytest.raises(InvalidInput, match="persons approve"):
        on(database, lambda clients: clients.rescope(client.id, ["approve:*"], "登记员", None, NOW))


def test_cut_off_is_at_once_for_assertions_and_for_tokens_that_are_out(database: Database) -> None:
    client, key = named(), Keyed()
    registered(database, client, key)

    async def story(clients: PostgresClients) -> list[str]:
        door, reasons = access(clients), []
        token = (await door.grant(key.assertion(client.id), "", None, NOW)).access_token
        await door.authenticate(token, NOW)
        await clients.cut_off(client.id, "登记员", "失窃", NOW)
        for refused in (door.authenticate(token, NOW), door.grant(key.assertion(client.id), "", None, NOW)):
            with pytest.raises(WrongCredentials) as error:
                await refused
            reasons.append(error.value.reason)
        return reasons

    assert on(database, story) == ["client or key cut off", "client cut off"]


def test_a_token_dies_with_the_key_that_was_stolen(database: Database) -> None:
    client, stolen, new = named(), Keyed(), Keyed()
    registered(database, client, stolen)

    async def story(clients: PostgresClients) -> None:
        door = access(clients)
        token = (await door.grant(stolen.assertion(client.id), "", None, NOW)).access_token
        await clients.rotate(client.id, [new.key], NONE, "登记员", "失窃", NOW)
        with pytest.raises(WrongCredentials):
            await door.authenticate(token, NOW)
        fresh = (await door.grant(new.assertion(client.id), "", None, NOW)).access_token
        await door.authenticate(fresh, NOW)

    on(database, story)


def test_what_was_cut_off_stays_so_and_a_second_time_is_no_second_event(database: Database) -> None:
    client = named()
    registered(database, client, Keyed())

    async def story(clients: PostgresClients) -> None:
        for why in ("失窃", "再次"):
            found = await clients.cut_off(client.id, "登记员", why, NOW)
            assert found.client.state is ClientState.CUT_OFF
        with pytest.raises(ActNotAllowed):
            await clients.rotate(client.id, [Keyed().key], WEEK, "登记员", None, NOW)
        with pytest.raises(ActNotAllowed):
            await clients.rescope(client.id, ["read:*"], "登记员", None, NOW)

    on(database, story)
    assert len(on(database, lambda clients: clients.events(client.id))) == 2


def test_nothing_is_done_to_a_client_that_is_not_there(database: Database) -> None:
    nobody = new_client_id()
    for work in (
        lambda clients: clients.cut_off(nobody, "登记员", "x", NOW),
        lambda clients: clients.rescope(nobody, ["read:*"], "登记员", None, NOW),
        lambda clients: clients.rotate(nobody, [], WEEK, "登记员", None, NOW),
    ):
        with pytest.raises(NotFound):
            on(database, work)


# ---- once ----


def test_of_many_that_use_an_assertion_at_once_one_gets_a_token(database: Database) -> None:
    client, key = named(), Keyed()
    registered(database, client, key)
    assertion = key.assertion(client.id)

    async def try_it(clients: PostgresClients) -> str:
        try:
            await access(clients).grant(assertion, "", None, NOW)
        except WrongCredentials as error:
            return error.reason
        return "granted"

    async def race() -> list[str]:
        async with open_pool(database.uri) as one, open_pool(database.uri) as other:
            parties = [PostgresClients(one), PostgresClients(other)]
            return list(await asyncio.gather(*(try_it(parties[number % 2]) for number in range(8))))

    assert sorted(asyncio.run(race())) == ["granted", *["used before"] * 7]


def test_nothing_is_written_for_an_assertion_that_nobody_signed(database: Database) -> None:
    client, thief = named(), Keyed("ours")
    registered(database, client, Keyed("ours-2"))
    thief.key = replace(thief.key, kid="ours-2")
    with pytest.raises(WrongCredentials):
        on(database, lambda clients: access(clients).grant(thief.assertion(client.id), "", None, NOW))
    assert fetch(database, "select from used_assertion where client_id = $1", client.id) == []


def test_only_assertions_that_are_long_past_are_forgotten(database: Database) -> None:
    client = named()
    registered(database, client, Keyed())

    async def story(clients: PostgresClients) -> tuple[bool, bool, bool]:
        past, present = bytes(32), bytes([1]) * 32
        await clients.use_assertion(client.id, past, NOW - timedelta(minutes=11))
        await clients.use_assertion(client.id, present, NOW - timedelta(minutes=9))
        before = await clients.use_assertion(client.id, past, NOW)
        await clients.purge(NOW)
        return (
            before,
            await clients.use_assertion(client.id, past, NOW),
            await clients.use_assertion(client.id, present, NOW),
        )

    assert on(database, story) == (False, True, False)
