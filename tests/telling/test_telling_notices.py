"""The feed: nothing is missed, whatever the order of committing; and nobody sees what they may not read."""

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telling_desk import ALL, FIRE, MARKET, NOW, Database, Desk, fresh_database, told

from certsvc.domain.actor import Actor
from certsvc.domain.notice import parse_cursor, parse_kinds
from certsvc.errors import InvalidInput, NotFound
from certsvc.ids import Ref
from certsvc.store import notices as notices_module
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.migrate import FOLDER
from certsvc.store.notices import tell

pytest_plugins = ["store_fixtures"]

ONE = {"one": 1}


def test_transactions_that_commit_in_the_other_order_than_they_wrote_are_both_read(database: Database) -> None:
    async def story(desk: Desk) -> None:
        async with desk.pool.transaction() as slow:
            await tell(slow, NOW, "batch.slow", {}, client=MARKET)
            await desk.tell("batch.quick")
            first, cursor = await desk.notices.read(MARKET, ALL, 0, None, 10, NOW)
            assert [notice.kind for notice in first] == ["batch.quick"]
        second, _ = await desk.notices.read(MARKET, ALL, cursor, None, 10, NOW)
        assert [notice.kind for notice in second] == ["batch.slow"]
        assert second[0].id < first[0].id and second[0].position > first[0].position

    told(database, story)


def test_a_transaction_that_stays_open_for_long_holds_up_nobody(database: Database) -> None:
    """As a job does that lasts: it has a transaction id as long as it is under way."""

    async def story(desk: Desk) -> None:
        async with desk.pool.transaction() as long:
            await long.fetchval("select pg_current_xact_id()")
            await desk.tell("batch.finished")
            assert len(await desk.feed()) == 1

    told(database, story)


def test_what_is_rolled_back_is_never_told_and_leaves_no_gap(database: Database) -> None:
    async def story(desk: Desk) -> None:
        for number in range(4):
            try:
                async with desk.pool.transaction() as connection:
                    await tell(connection, NOW, "batch.finished", {"number": number}, client=MARKET)
                    if number % 2:
                        raise NotFound("没有。", "No.")
            except NotFound:
                pass
        assert [(notice.position, notice.data["number"]) for notice in await desk.feed()] == [(1, 0), (2, 2)]

    told(database, story)


async def write(desk: Desk, writer: int, each: int) -> None:
    """Tell something many times, in transactions that last differently long."""
    for number in range(each):
        async with desk.pool.transaction() as connection:
            await tell(connection, NOW, "batch.finished", {"who": (writer, number)}, client=MARKET)
            await connection.execute(f"select pg_sleep({(writer * 7 + number) % 5 / 1000})")


async def follow(desk: Desk, done: asyncio.Event) -> list[tuple[int, int]]:
    """Read what is told until it is done and everything is read."""
    read, after, is_last = list[tuple[int, int]](), 0, False
    while True:
        items, after = await desk.notices.read(MARKET, ALL, after, None, 5, NOW)
        read += [tuple(notice.data["who"]) for notice in items]
        if is_last and not items:
            return read
        is_last = done.is_set()


@pytest.mark.long
def test_readers_that_follow_while_many_write_each_read_everything_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices_module, "AT_ONCE", 7)
    writers, each = 6, 15

    async def story(desk: Desk) -> None:
        done = asyncio.Event()
        followers = [asyncio.create_task(follow(desk, done)) for _ in range(2)]
        await asyncio.gather(*(write(desk, writer, each) for writer in range(writers)))
        done.set()
        for follower in followers:
            read = await follower
            assert sorted(read) == [(writer, number) for writer in range(writers) for number in range(each)]
            assert all(sorted(of) == of for of in ([one for one in read if one[0] == who] for who in range(writers)))
        assert await desk.fetch("select count(*), min(position), max(position) from notice") == [(90, 1, 90)]

    told(database, story)


def test_what_happens_to_a_certificate_is_told_to_all_who_may_read_it(database: Database) -> None:
    async def story(desk: Desk) -> None:
        ref = await desk.licence()
        (notice,) = await desk.feed()
        said = notice.message()
        assert said["type"] == "certificate.issue" and said["timestamp"] == "2026-11-24T08:00:00.000Z"
        assert said["data"] == {
            "code": ref.typed_code,
            "event": said["data"]["event"],
            "act": "issue",
            "status": "valid",
            "effective": "2026-11-24",
            "version": ref.typed_code,
            "type": "business-licence",
            "number": "91441900MA51ABC088",
        }

    told(database, story)


@pytest.mark.parametrize(
    ("scopes", "sees"),
    [
        (["read:*"], True),
        (["read:business-licence"], True),
        (["read:food-permit"], False),
        (["read:business-licence:amr"], True),
        (["read:business-licence:other"], False),
        (["read:*:*:4419"], True),
        (["read:*:*:441900"], True),
        (["read:*:*:4420"], False),
        (["read:*:other", "read:*:*:4419"], True),
        (["view:*", "issue:*", "notify:*"], False),
        ([], False),
    ],
)
def test_a_scope_decides_what_is_seen(issued: Database, scopes: Sequence[str], sees: bool) -> None:
    async def story(desk: Desk) -> None:
        assert bool(await desk.feed(FIRE, scopes)) is sees

    told(issued, story)


@pytest.fixture(scope="module")
def issued(server: EmbeddedServer) -> Database:
    """A database with one licence."""
    database = fresh_database(server)

    async def story(desk: Desk) -> Ref:
        return await desk.licence()

    told(database, story)
    return database


NAMES = st.sampled_from(["*", "business-licence", "food-permit"])
SEALS = st.sampled_from(["*", "amr", "fire"])
AREAS = st.sampled_from(["*", "4", "44", "4419", "441900", "4420"])
SCOPES = st.builds(
    lambda action, *parts: ":".join([action, *parts]),
    st.sampled_from(["read", "view", "notify"]),
    NAMES,
    SEALS,
    AREAS,
)
SHORT = SCOPES.map(lambda text: text.removesuffix(":*").removesuffix(":*"))


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(
    st.lists(SCOPES | SHORT, max_size=4),
    NAMES.filter(lambda name: name != "*"),
    SEALS.filter(lambda name: name != "*") | st.none(),
    st.sampled_from(["441900", "442000", "110000"]),
)
def test_scopes_mean_the_same_in_the_database_as_in_the_program(
    issued: Database, scopes: list[str], type_id: str, seal_id: str | None, area: str
) -> None:
    async def story() -> None:
        connection = await asyncpg.connect(issued.uri)
        try:
            seals = [] if seal_id is None else [seal_id]
            ours = Actor(name="x", scopes=frozenset(scopes)).may("read", type_id, seals, area)
            theirs = await connection.fetchval(
                "select scopes_cover($1, 'read', $2, $3, $4)", scopes, type_id, seal_id, area
            )
            assert theirs is ours
        finally:
            await connection.close()

    asyncio.run(story())


def test_a_notice_to_a_name_is_seen_by_that_client_alone(database: Database) -> None:
    async def story(desk: Desk) -> None:
        await desk.tell(client=MARKET, number=1)
        assert [notice.data for notice in await desk.feed(MARKET)] == [{"number": 1}]
        assert await desk.feed(FIRE) == []

    told(database, story)


@pytest.mark.long
def test_who_may_know_little_is_led_past_much_without_missing_what_is_theirs(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices_module, "WINDOW", 5)
    monkeypatch.setattr(notices_module, "MOST_WINDOWS", 2)

    async def story(desk: Desk) -> None:
        for number in range(40):
            await desk.tell(client=FIRE if number % 19 == 18 else MARKET, number=number)
        after, seen, steps = 0, list[int](), 0
        for steps in range(1, 20):  # noqa: B007 - how many it took
            items, following = await desk.notices.read(FIRE, [], after, None, 10, NOW)
            seen += [notice.data["number"] for notice in items]
            if following == after:
                break
            after = following
        assert (seen, after) == ([18, 37], 40)
        assert steps <= 8

    told(database, story)


def test_of_all_kinds_only_those_asked_for_are_given(database: Database) -> None:
    async def story(desk: Desk) -> None:
        for kind in ("batch.begun", "batch.finished", "batch.begun"):
            await desk.tell(kind)
        items, following = await desk.notices.read(MARKET, ALL, 0, ["batch.finished"], 10, NOW)
        assert ([notice.kind for notice in items], following) == (["batch.finished"], 3)

    told(database, story)


def test_a_cursor_from_before_the_register_was_restored_is_refused_and_not_waited_for(database: Database) -> None:
    async def story(desk: Desk) -> None:
        await desk.tell()
        assert (await desk.notices.read(MARKET, ALL, 1, None, 10, NOW)) == ([], 1)
        with pytest.raises(InvalidInput, match="restored"):
            await desk.notices.read(MARKET, ALL, 2, None, 10, NOW)

    told(database, story)


@pytest.mark.parametrize("text", ["", "-1", "01", "1.0", "1 ", "１", "1" * 19, "latest", "0x1"])
def test_what_is_no_cursor_of_ours_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_cursor(text)


@pytest.mark.parametrize(
    "kinds", [[], ["x"], ["a.b.c"], ["A.b"], ["a.b\n"], [f"a.{'b' * 41}"], [f"a.b{n}" for n in range(51)]]
)
def test_what_is_no_kind_is_refused(kinds: list[str]) -> None:
    with pytest.raises(InvalidInput):
        parse_kinds(frozenset(kinds))


def test_of_a_certificate_that_is_not_on_record_nothing_is_told(database: Database) -> None:
    async def story(desk: Desk) -> None:
        async with desk.pool.transaction() as connection:
            with pytest.raises(NotFound):
                await tell(connection, NOW, "certificate.issue", {}, ref=Ref(1))

    told(database, story)


@pytest.mark.parametrize(
    "statement",
    [
        "delete from notice",
        "truncate notice cascade",
        "update notice set data = '{}'",
        "update notice set position = position + 1",
        "update notice set position = null",
        "update notice_end set position = 0",
        "delete from notice_end",
        "truncate notice_end",
        "insert into notice (at, kind, data) values (now(), 'a.b', '{}')",
        "insert into notice (at, kind, client, data) values (now(), 'a', 'x', '{}')",
        "insert into notice (at, kind, client, data) values (now(), 'a.b', 'x', '[]')",
        "insert into notice (at, kind, client, data) "
        "values (now(), 'a.b', 'x', jsonb_build_object('x', repeat('x', 16384)))",
    ],
)
def test_notices_are_append_only_and_well_formed(issued: Database, statement: str) -> None:
    async def story(desk: Desk) -> None:
        await desk.feed()
        async with desk.pool.transaction() as connection:
            with pytest.raises((asyncpg.RestrictViolationError, asyncpg.CheckViolationError)):
                await connection.execute(statement)
            raise NotFound("没有。", "No.")  # nothing of it stays

    with pytest.raises(NotFound):
        told(issued, story)


@pytest.mark.parametrize("table", ["notice", "notice_end", "webhook", "webhook_delivery", "webhook_attempt"])
def test_the_public_role_sees_nothing_of_telling(issued: Database, table: str) -> None:
    async def story() -> None:
        connection = await asyncpg.connect(issued.public_uri)
        try:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(f"select from {table}")
        finally:
            await connection.close()

    asyncio.run(story())


@pytest.mark.long
def test_what_lay_in_the_outbox_is_moved_to_the_feed(server: EmbeddedServer) -> None:
    database = fresh_database(server, empty=True)
    number = next(path.name for path in FOLDER.glob("*_notices.sql"))

    async def apply(after: bool) -> None:
        connection, superuser = await asyncpg.connect(database.uri), await asyncpg.connect(database.super_uri)
        try:
            for path in sorted(FOLDER.glob("*.sql")):
                if (path.name >= number) is after:
                    await connection.execute(path.read_text("utf-8"))
            if not after:
                await superuser.execute(f"set session_replication_role = replica; {OUTBOX}")
        finally:
            await connection.close()
            await superuser.close()

    async def story(desk: Desk) -> None:
        assert [(notice.kind, notice.data["act"], notice.data["number"]) for notice in await desk.feed()] == [
            ("certificate.issue", "issue", "91441900MA51ABC088")
        ]

    asyncio.run(apply(after=False))
    asyncio.run(apply(after=True))
    told(database, story)


OUTBOX = """
insert into certificate (slot, ref, root_ref, category, type_id, type_version, type_number, number, version, identifier,
  holder_name, holder_code_kind, subject, issuer_name, issuer_uscc, seal_id, valid_from, list_name, list_index,
  public_fields, sealed_payload, payload_key_id, reserved_at, life_ref, act, takes_over)
values (0, '\\x00000000000000000001', '\\x00000000000000000001', 'licence', 'business-licence', 1, 1,
  '91441900MA51ABC088', 1, 'i', 'h', '001', '91441900MA51ABC088', 'o', '11441900007330010D', 'amr', '2026-11-24', 'l',
  1, '{}', 'p', 'k', now(), '\\x00000000000000000001', 'issue', '2026-11-24');
insert into event (slot, ref, act, status, effective, recorded_at, actor, organ, retroactive)
values (0, '\\x00000000000000000001', 'issue', 'valid', '2026-11-24', now(), 'a', 'issuer', false);
insert into outbox (slot, ref, event_id, recorded_at) select slot, ref, id, recorded_at from event;
"""
