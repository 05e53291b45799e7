"""Clients in the database itself: what it refuses to whoever writes past our code, and that nothing is half done."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from certsvc.domain.client import Client, RegisteredClient, new_client_id
from certsvc.store.clients import PostgresClients
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.pool import open_pool

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from dying import die_before_statement, ran_to_the_end
from embedded_fixture import Database, fresh_database
from on_record import NOW, WEEK, Keyed, fetch, named, on, registered

REFUSED = (asyncpg.RestrictViolationError, asyncpg.CheckViolationError)


@pytest.fixture(scope="module")
def database(embedded_server: EmbeddedServer) -> Database:
    """One database for this module; every test has clients of its own."""
    return fresh_database(embedded_server)


# ---- what the database refuses to whoever writes past our code ----


@pytest.fixture(scope="module")
def victim(database: Database) -> Client:
    """A client that nobody may touch."""
    client = named("victim-system")
    registered(database, client, Keyed("one"))
    assert on(database, lambda clients: clients.use_assertion(client.id, bytes(32), NOW))
    return client


NEW_EVENT = "insert into client_event (client_id, act, actor, at, scopes) values ($1, {}, 'x', now(), {})"
NEW_KEY = """insert into client_key (client_id, kid, thumbprint, jwk, not_before, added_by)
  select $1, 'two', sha256('two'), '{}', now(), {} from client_event where client_id = $1"""
MANY = "(select array_agg('issue:t' || n) from generate_series(1, 101) n)"
LONG = "(select array_agg('issue:' || repeat('t', 90) || n) from generate_series(1, 50) n)"
BY_EVENT, ONLY_ENDS = "as its newest event says", "it only ends"
APPEND_ONLY, SIZE = "append-only", "scopes_have_a_size"

PAST_OUR_CODE = {
    "more scopes without an event": (BY_EVENT, "update client set scopes = '{issue:*}' where id = $1"),
    "another name": (BY_EVENT, "update client set name = 'other' where id = $1"),
    "a system made a person": (BY_EVENT, "update client set kind = 'person' where id = $1"),
    "cut off without an event": (BY_EVENT, "update client set state = 'cut_off' where id = $1"),
    "another organisation": (BY_EVENT, "update client set organisation = 'x' where id = $1"),
    "a client deleted": (APPEND_ONLY, "delete from client where id = $1"),
    "an event rewritten": (APPEND_ONLY, "update client_event set actor = 'x' where client_id = $1"),
    "an event deleted": (APPEND_ONLY, "delete from client_event where client_id = $1"),
    "a key deleted": (APPEND_ONLY, "delete from client_key where client_id = $1"),
    "a used assertion rewritten": (APPEND_ONLY, "update used_assertion set expires_at = now() where client_id = $1"),
    "all assertions forgotten": (APPEND_ONLY, "truncate used_assertion"),
    "all clients gone": (APPEND_ONLY, "truncate client cascade"),
    "a key exchanged": (ONLY_ENDS, "update client_key set jwk = '{}' where client_id = $1"),
    "a key ended by an older event": (
        ONLY_ENDS,
        "update client_key set not_after = now(), ended_by = added_by - 1 where client_id = $1",
    ),
    "a key ended by nobody": (
        "an_end_is_an_event",
        "update client_key set not_after = now() where client_id = $1",
    ),
    "registered twice": ("registered first, once", NEW_EVENT.format("'register'", "'{issue:food-business,read:*}'")),
    "cut off without a reason": ("who_is_cut_off_is_told_why", NEW_EVENT.format("'cut_off'", "null")),
    "rescoped without scopes": ("scopes_are_registered_or_changed", NEW_EVENT.format("'rescope'", "null")),
    "a machine that approves": ("persons_approve", NEW_EVENT.format("'rescope'", "'{issue:*,approve:*}'")),
    "no scopes at all": (SIZE, NEW_EVENT.format("'rescope'", "'{}'")),
    "a scope that is nothing": (SIZE, NEW_EVENT.format("'rescope'", "'{issue:*,null}'")),
    "too many scopes": (SIZE, NEW_EVENT.format("'rescope'", MANY)),
    "scopes too long": (SIZE, NEW_EVENT.format("'rescope'", LONG)),
    "a key without an event": ("by the newest event", NEW_KEY.format("{}", "0")),
    "a private key": ("only_public_keys", NEW_KEY.format('{"d": "x"}', "max(id)")),
}


@pytest.mark.parametrize("deed", PAST_OUR_CODE)
def test_past_our_code_the_database_refuses(database: Database, victim: Client, deed: str) -> None:
    words, statement = PAST_OUR_CODE[deed]
    before = on(database, lambda clients: clients.client(victim.id))
    with pytest.raises(REFUSED, match=words):
        fetch(database, statement, *([victim.id] if "$1" in statement else []))
    assert on(database, lambda clients: clients.client(victim.id)) == before


def test_what_was_cut_off_is_not_changed_past_our_code_either(database: Database) -> None:
    client = named()
    registered(database, client, Keyed())
    on(database, lambda clients: clients.cut_off(client.id, "登记员", "失窃", NOW))
    for statement in (
        NEW_EVENT.format("'rescope'", "'{issue:*}'"),
        "update client set state = 'active' where id = $1",
    ):
        with pytest.raises(asyncpg.RestrictViolationError):
            fetch(database, statement, client.id)


def test_an_end_is_not_put_off_past_our_code_either(database: Database) -> None:
    client, old, new = named(), Keyed("old"), Keyed("new")
    registered(database, client, old)
    on(database, lambda clients: clients.rotate(client.id, [new.key], WEEK, "登记员", None, NOW))
    later = """update client_key set not_after = not_after + interval '1 day', ended_by = (
      select max(id) from client_event where client_id = $1) where client_id = $1 and kid = 'old'"""
    with pytest.raises(asyncpg.RestrictViolationError, match=ONLY_ENDS):
        fetch(database, later, client.id)
    fetch(database, later.replace("+", "-"), client.id)
    found = on(database, lambda clients: clients.require(client.id))
    assert found.key("old") is not None and found.keys[0].not_after == NOW + timedelta(days=6)


BORN = """insert into client (id, name, kind, scopes, registered_at, state)
  values ($1, 'ghost', 'system', '{read:*}', now(),"""
ROTATED = NEW_EVENT.format("'rotate'", "null")
REGISTERED_WIDER = NEW_EVENT.format("'register'", "'{issue:*}'")


@pytest.mark.parametrize(
    ("words", "state", "event"),
    [
        ("somebody who registered it", "active", None),
        ("begins active", "cut_off", None),
        ("registered first", "active", ROTATED),
        ("registered first", "active", REGISTERED_WIDER),
        ("somebody who registered it", "active", NEW_EVENT.format("'register'", "'{read:*}'")),
    ],
)
def test_a_client_that_nobody_registered_with_a_key_does_not_come_to_be(
    database: Database, words: str, state: str, event: str | None
) -> None:
    client_id = new_client_id()

    async def story() -> None:
        connection = await asyncpg.connect(database.uri)
        try:
            async with connection.transaction():
                await connection.execute(f"{BORN}'{state}')", client_id)
                if event:
                    await connection.execute(event, client_id)
        finally:
            await connection.close()

    with pytest.raises(asyncpg.RestrictViolationError, match=words):
        asyncio.run(story())
    assert on(database, lambda clients: clients.client(client_id)) is None


def test_the_public_role_sees_nothing_of_clients(database: Database) -> None:
    async def story() -> None:
        connection = await asyncpg.connect(database.public_uri)
        try:
            for table in ("client", "client_key", "client_event", "used_assertion"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.fetch(f"select from {table}")
        finally:
            await connection.close()

    asyncio.run(story())


# ---- killed ----

HALF = """select count(*) from client c where
  not exists (select from client_key k where k.client_id = c.id)
  or c.scopes is distinct from (select e.scopes from client_event e
    where e.client_id = c.id and e.scopes is not null order by e.id desc limit 1)
  or (c.state = 'cut_off') <> exists (select from client_event e where e.client_id = c.id and e.act = 'cut_off')
  or (select count(*) from client_event e where e.client_id = c.id)
    <> (select count(*) from audit a where a.detail ->> 'client' = c.id)"""


class Life:
    """A client from its registration on, as an operator sees to it: begun again, it goes on where it was."""

    def __init__(self, database: Database, number: int) -> None:
        self.database, self.number, self.name = database, number, f"dying-{number}"
        self._old, self._new = Keyed("old"), Keyed("new")

    async def live(self, clients: PostgresClients) -> RegisteredClient:
        """Register, rotate, rescope."""
        found = await clients.of_name(self.name)
        if found is None:
            found = await clients.register(named(self.name), [self._old.key], "登记员", None)
        await clients.rotate(found.client.id, [self._new.key], WEEK, "登记员", None, NOW)
        return await clients.rescope(found.client.id, ["read:*"], "登记员", None, NOW)

    def die(self) -> bool:
        """The same in a child that is killed before its statement of our number; whether it came to the end."""

        async def story() -> None:
            async with open_pool(self.database.uri) as pool:
                die_before_statement(self.number)
                await self.live(PostgresClients(pool))

        return ran_to_the_end(lambda: asyncio.run(story()))


@pytest.mark.long
def test_killed_before_any_statement_what_is_done_is_done_whole_and_once(database: Database) -> None:
    number, ended = 0, False
    while not ended:
        number += 1
        life = Life(database, number)
        ended = life.die()
        assert fetch(database, HALF)[0][0] == 0
        found = on(database, life.live)
        assert {key.kid: key.not_after for key in found.keys} == {"old": NOW + WEEK, "new": None}
        assert found.client.scopes == {"read:*"}
        events = fetch(database, "select act from client_event where client_id = $1 order by id", found.client.id)
        assert [event["act"] for event in events] == ["register", "rotate", "rescope"]
        assert fetch(database, HALF)[0][0] == 0
    assert number > 12
