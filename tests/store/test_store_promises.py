"""What the database refuses, whoever asks: the promises do not rest on our own care."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import asyncpg
import pytest
from embedded_fixture import Database, fresh_database, open_register
from made_up import NOW, SEAL, documents, issue, licence, permit, proof

from certsvc.ids import Ref
from certsvc.store.embedded import EmbeddedServer

pytest_plugins = ["store_fixtures"]

SEALS = "seal seal_event seal_use".split()
KEPT = [
    *SEALS,
    *"certificate number number_series issue_order document event status_period log_leaf notice audit".split(),
]
SECRET = [*SEALS, *"issue_order log_leaf notice audit number number_series certificate schema_migration".split()]
SEEN = "public_certificate document status_period".split()


async def execute(uri: str, statement: str, *values: object) -> None:
    connection = await asyncpg.connect(uri)
    try:
        await connection.execute(statement, *values)
    finally:
        await connection.close()


async def fetch(uri: str, statement: str) -> Sequence[asyncpg.Record]:
    connection = await asyncpg.connect(uri)
    try:
        return await connection.fetch(statement)
    finally:
        await connection.close()


async def one_of_each(database: Database) -> list[Ref]:
    """An issued licence and an issued permit, and a reserved proof."""
    async with open_register(database) as (register, _):
        issued = [await issue(register, licence()), await issue(register, permit())]
        return [*issued, (await register.reserve(proof())).ref]


@pytest.fixture(scope="module")
def filled(server: EmbeddedServer) -> Database:
    """A database with one of each, for tests that are refused and so change nothing."""
    database = fresh_database(server)
    asyncio.run(one_of_each(database))
    return database


def refused(uri: str, *statements: str) -> None:
    for statement in statements:
        with pytest.raises(
            (asyncpg.RestrictViolationError, asyncpg.ForeignKeyViolationError, asyncpg.CheckViolationError)
        ):
            asyncio.run(execute(uri, statement))


def test_nothing_is_ever_removed(filled: Database) -> None:
    for table in KEPT:
        refused(filled.uri, f"delete from {table}", f"truncate {table} cascade")
        assert asyncio.run(fetch(filled.uri, f"select from {table}")), table


@pytest.mark.parametrize("table", "number issue_order seal_event seal_use document event log_leaf audit".split())
def test_history_is_append_only(filled: Database, table: str) -> None:
    column = asyncio.run(
        fetch(
            filled.uri,
            "select column_name from information_schema.columns where is_generated = 'NEVER' "
            f"and is_identity = 'NO' and table_name = '{table}' order by ordinal_position limit 1",
        )
    )[0]["column_name"]
    refused(filled.uri, f"update {table} set {column} = {column}")


@pytest.mark.parametrize(
    "change",
    [
        "ref = set_byte(ref, 9, get_byte(ref, 9) # 1)",
        "root_ref = ref",
        "number = number || 'x'",
        "identifier = identifier || 'x'",
        "list_index = 1048575 - list_index",
        "subject = null",
        "holder_name = 'someone else'",
        "seal_id = 'x'",
        "valid_to = '2099-01-01'",
        "reserved_at = now()",
        "public_fields = '{}'",
        "token = 'other'",
        "token = null",
        "issued_at = now()",
        "issued_at = null",
    ],
)
def test_what_was_issued_does_not_change(filled: Database, change: str) -> None:
    refused(filled.uri, f"update certificate set {change} where category = 'permit'")


def test_a_payload_can_be_encrypted_anew(database: Database) -> None:
    asyncio.run(one_of_each(database))
    asyncio.run(execute(database.uri, "update certificate set sealed_payload = 'new', payload_key_id = 'data-2'"))


def test_issued_means_token_and_document(filled: Database) -> None:
    refused(
        filled.uri,
        "update certificate set issued_at = now() where category = 'proof'",
        "update certificate set issued_at = now(), token = 'x' where category = 'proof'",
    )


def test_a_slot_that_is_not_the_references_is_refused(filled: Database) -> None:
    other = "'slot', (c.slot + 1) % 4096, 'number', 'x', 'identifier', 'x', 'list_index', 0"
    statement = (
        f"insert into certificate select (jsonb_populate_record(c, jsonb_build_object({other}))).* "
        "from certificate c where category = 'proof'"
    )
    with pytest.raises(asyncpg.CheckViolationError, match="slot_is_in_ref"):
        asyncio.run(execute(filled.uri, statement))


@pytest.mark.long
@pytest.mark.parametrize("version", [2, 3])
def test_versions_of_a_number_have_no_gap(database: Database, version: int) -> None:
    asyncio.run(one_of_each(database))
    statement = (
        "insert into number (type_number, number, version, taken_at) "
        f"select type_number, number, {version}, taken_at from number"
    )
    if version == 2:
        asyncio.run(execute(database.uri, statement))
    else:
        refused(database.uri, statement)


def test_two_states_at_one_time_are_refused(filled: Database) -> None:
    statement = (
        "insert into status_period (slot, ref, status, valid, known, event_id, life_ref, conditions) select slot, ref, "
        "'revoked', daterange(lower(valid) + 9, null), known, event_id, life_ref, conditions from status_period"
    )
    with pytest.raises(asyncpg.ExclusionViolationError):
        asyncio.run(execute(filled.uri, statement))


def test_what_was_known_of_a_period_only_ends(database: Database) -> None:
    asyncio.run(one_of_each(database))
    end = "update status_period set known = tstzrange(lower(known), lower(known) + interval '1 day')"
    refused(
        database.uri,
        "update status_period set status = 'revoked'",
        "update status_period set valid = daterange('2020-01-01', null)",
        "update status_period set known = tstzrange(lower(known) - interval '1 day', null)",
    )
    asyncio.run(execute(database.uri, end))
    refused(database.uri, "update status_period set known = tstzrange(lower(known), null)")


@pytest.mark.parametrize("table", SECRET)
def test_the_public_role_sees_no_table_but_those_of_a_scan(filled: Database, table: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        asyncio.run(fetch(filled.public_uri, f"select from {table}"))


def test_the_public_role_sees_only_public_columns_of_what_was_issued(filled: Database) -> None:
    seen = [asyncio.run(fetch(filled.public_uri, f"select * from {table}")) for table in SEEN]
    assert [len(rows) for rows in seen] == [2, 2, 2]
    assert not {"token", "sealed_payload", "payload_key_id", "list_index", "holder_code_kind"} & set(seen[0][0].keys())
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        asyncio.run(fetch(filled.public_uri, "select actor from event"))


@pytest.mark.parametrize(
    "statement",
    [
        "insert into document select * from document",
        "update certificate set issued_at = now()",
        "update public_certificate set number = 'x'",
        "delete from status_period",
        "create table mine (x integer)",
        "create temporary table mine (x integer)",
        "truncate event",
    ],
)
def test_the_public_role_cannot_write_even_if_it_asks_to(server: EmbeddedServer, statement: str) -> None:
    async def ask() -> None:
        connection = await asyncpg.connect(server.uri("certsvc_public"))
        try:
            assert await connection.fetchval("show transaction_read_only") == "on"
            await connection.execute("set session characteristics as transaction read write")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(ask())


def test_every_issuance_leaves_event_period_leaf_notice_and_audit(database: Database) -> None:
    refs = asyncio.run(one_of_each(database))[:2]
    for table in ("event", "status_period", "log_leaf", "notice"):
        rows = asyncio.run(fetch(database.uri, f"select ref from {table} order by slot, ref"))
        assert [row["ref"] for row in rows] == sorted(ref.to_bytes() for ref in refs), table
    actions = asyncio.run(fetch(database.uri, "select action, count(*) from audit group by action order by action"))
    assert {tuple(row.values()) for row in actions} == {
        ("enrol_seal", 1),
        ("reserve", 3),
        ("use_seal", 2),
        ("issue", 2),
    }


def test_a_seal_that_is_as_before_leaves_no_line_in_the_audit(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, _):
            for seal in (SEAL, SEAL, replace(SEAL, daily_quota=7), replace(SEAL, daily_quota=7)):
                await register.enrol_seals([seal], NOW)

    asyncio.run(story())
    assert len(asyncio.run(fetch(database.uri, "select 1 from audit where action = 'enrol_seal'"))) == 1


def test_a_document_is_registered_once(database: Database) -> None:
    async def story() -> None:
        async with open_register(database) as (register, _):
            ref = await issue(register, licence())
            await register.enrol_seals([SEAL], NOW)
            reserved = await register.reserve(permit())
            await register.keep_token(reserved.ref, b"token")
            with pytest.raises(Exception, match="23505"):
                await register.publish(reserved.ref, documents(ref), "test", NOW)
            assert (await register.reservation(reserved.ref)).issued_at is None

    asyncio.run(story())
