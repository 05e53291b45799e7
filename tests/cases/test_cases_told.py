"""Who may decide a part, and who opened its case, is told of every act on it, and once of a deadline that passed."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from made_up_cases import AREA, FOOD, HYGIENE, LATER, LICENCE, NOW, asked, correction, issued_licence, opening

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from embedded_fixture import Database, fresh_database, open_register

from certsvc.domain.case import PartAct
from certsvc.domain.notice import Notice
from certsvc.ids import Ref
from certsvc.store import cases as cases_module
from certsvc.store.cases import PostgresCases
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.notices import PostgresNotices
from certsvc.store.pool import open_pool

pytest_plugins = ["store_fixtures"]

DAY = timedelta(days=1)
STRANGERS = [[], ["read:*", "case:*", "view:*", "notify:*"], [f"decide:{LICENCE}"], [f"decide:{FOOD}:*:4420"]]


class Feed:
    """What clients are told of cases."""

    def __init__(self, notices: PostgresNotices) -> None:
        self._notices = notices

    async def of(self, *scopes: str, client: str = "stranger") -> list[Notice]:
        """All that a client with these scopes is told of cases."""
        found, _ = await self._notices.read(client, scopes, 0, None, 500, NOW)
        return [one for one in found if one.kind.startswith("case.")]

    async def kinds(self, *scopes: str, client: str = "stranger") -> list[str]:
        """The kinds of these."""
        return [one.kind for one in await self.of(*scopes, client=client)]


def tell(server: EmbeddedServer, story: Callable[[PostgresCases, Feed, Database], Awaitable[None]]) -> None:
    """A story over a database of its own."""
    database = fresh_database(server)

    async def run() -> None:
        async with open_pool(database.uri) as pool:
            await story(PostgresCases(pool, AREA), Feed(PostgresNotices(pool)), database)

    asyncio.run(run())


def test_departments_are_told_of_their_parts_from_the_first_act_to_the_last(server: EmbeddedServer) -> None:
    async def story(cases: PostgresCases, feed: Feed, database: Database) -> None:
        ref = (await cases.open(opening(), NOW)).ref
        (first,) = await feed.of(f"decide:{FOOD}")
        assert first.kind == "case.part_opened"
        assert first.data == {"case": ref.typed_code, "type": FOOD, "deadline": LATER.isoformat()}
        await cases.act(asked(ref, PartAct.RETURN, FOOD), "an officer", NOW)
        await cases.correct(correction(ref), "counter", NOW)
        await cases.act(asked(ref, PartAct.ACCEPT, FOOD), "an officer", NOW)
        await cases.act(asked(ref, PartAct.REFUSE, LICENCE), "an officer", NOW)
        seen = ["case.part_opened", "case.returned", "case.resubmitted", "case.part_decided", "case.part_decided"]
        assert await feed.kinds(f"decide:{FOOD}:*:{AREA}") == seen
        assert await feed.kinds(f"decide:{HYGIENE}") == [seen[0], seen[-1]]
        assert {one.data["type"] for one in await feed.of(f"decide:{FOOD}")} == {FOOD}
        ended = (await feed.of(f"decide:{FOOD}"))[-1]
        assert (ended.data["act"], ended.data["state"]) == ("end", "ended")
        mine = await feed.kinds(client="counter")
        assert mine == ["case.opened", "case.returned", *["case.part_decided"] * 4, "case.finished"]
        for scopes in STRANGERS:
            assert FOOD not in {one.data.get("type") for one in await feed.of(*scopes)}

    tell(server, story)


@pytest.mark.long
def test_a_part_that_is_issued_is_told_to_who_may_decide_it(server: EmbeddedServer) -> None:
    async def issue(database: Database) -> Ref:
        async with open_register(database) as (register, _):
            return await issued_licence(register)

    async def story(cases: PostgresCases, feed: Feed, database: Database) -> None:
        ref = (await cases.open(opening(), NOW)).ref
        await cases.act(asked(ref, PartAct.GRANT, LICENCE), "an officer", NOW)
        licence = await issue(database)
        await cases.issued(ref, LICENCE, licence, NOW)
        last = (await feed.of(f"decide:{LICENCE}"))[-1]
        assert (last.data["state"], last.data["certificate"]) == ("issued", licence.typed_code)

    tell(server, story)


def test_a_request_sent_twice_is_told_once(server: EmbeddedServer) -> None:
    async def story(cases: PostgresCases, feed: Feed, database: Database) -> None:
        for _ in range(2):
            ref = (await cases.open(opening(), NOW)).ref
            await cases.act(asked(ref, PartAct.RETURN, FOOD), "an officer", NOW)
            await cases.correct(correction(ref), "counter", NOW)
        assert await feed.kinds(f"decide:{FOOD}") == ["case.part_opened", "case.returned", "case.resubmitted"]

    tell(server, story)


def test_a_deadline_that_passed_is_told_once_to_who_may_decide_and_to_who_opened(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases_module, "LATE_AT_ONCE", 2)

    async def story(cases: PostgresCases, feed: Feed, database: Database) -> None:
        ref = (await cases.open(opening(), NOW)).ref
        await cases.act(asked(ref, PartAct.RETURN, HYGIENE), "an officer", NOW)
        assert await cases.tell_late(LATER, NOW) == 0, "the last day is not over"
        assert await cases.tell_late(LATER + DAY, NOW) == 2
        assert await cases.tell_late(LATER + 2 * DAY, NOW) == 0
        late = [one for one in await feed.of(f"decide:{FOOD}") if one.kind == "case.part_late"]
        assert [one.data for one in late] == [{"case": ref.typed_code, "type": FOOD, "deadline": LATER.isoformat()}]
        assert (await feed.kinds(client="counter")).count("case.part_late") == 2
        assert "case.part_late" not in await feed.kinds(f"decide:{HYGIENE}"), "nobody has to decide what was returned"
        for scopes in STRANGERS:
            assert FOOD not in {one.data.get("type") for one in await feed.of(*scopes)}

    tell(server, story)


def test_a_deadline_set_anew_that_passes_too_is_told_anew_and_of_what_is_decided_nothing(
    server: EmbeddedServer,
) -> None:
    async def story(cases: PostgresCases, feed: Feed, database: Database) -> None:
        ref = (await cases.open(opening("anew", FOOD, HYGIENE, LICENCE), NOW)).ref
        await cases.act(asked(ref, PartAct.REFUSE, HYGIENE), "an officer", NOW)
        assert await cases.tell_late(LATER + DAY, NOW) == 2
        await cases.act(asked(ref, PartAct.RETURN, FOOD), "an officer", NOW)
        await cases.correct(correction(ref), "counter", NOW)
        assert await cases.tell_late(LATER + 2 * DAY, NOW) == 0
        assert await cases.tell_late(LATER + 8 * DAY, NOW) == 1
        assert (await feed.kinds(f"decide:{FOOD}")).count("case.part_late") == 2
        assert "case.part_late" not in await feed.kinds(f"decide:{HYGIENE}")

    tell(server, story)


def test_workers_that_look_at_once_tell_of_a_deadline_once(server: EmbeddedServer) -> None:
    async def story(cases: PostgresCases, feed: Feed, database: Database) -> None:
        for number in range(4):
            await cases.open(opening(f"case {number}"), NOW)
        counts = await asyncio.gather(*(cases.tell_late(LATER + DAY, NOW) for _ in range(4)))
        assert sum(counts) == 12
        assert (await feed.kinds(f"decide:{FOOD}")).count("case.part_late") == 4

    tell(server, story)
