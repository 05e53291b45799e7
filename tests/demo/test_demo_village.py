"""The village that the demonstration leaves: its people, its inbox, its book; none of it for earnest use."""

import asyncio
import re
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

import asyncpg
import pytest
from demonstration import ROOT, Demonstration, Home, NewHome
from served import free_port

from certsvc import app
from certsvc.access.totp import SECONDS, code_at
from certsvc.demo.people import APPROVER, CLERK, PEOPLE, SEAL_ID, VILLAGE
from certsvc.demo.run import PLAN
from certsvc.demo.village import STORIES
from certsvc.demo.village_seal import demo_seal
from certsvc.domain.calendar import beijing_date
from certsvc.domain.seal_book import EVER
from certsvc.settings import load_settings
from certsvc.store.account_register import PostgresAccountRegister
from certsvc.store.organs import PostgresOrgans
from certsvc.store.pool import Pool, open_pool
from certsvc.store.seal_book import PostgresSealBook
from certsvc.store.seals import PostgresSeals

pytestmark = pytest.mark.long
Found = TypeVar("Found")
ANSWERS_FOR_IT = "\n".join(
    f'{duty} = "{name}"'
    for duty, name in zip(("applicant", "approver", "manager", "keeper", "auditor"), "甲乙丙丁戊", strict=True)
)
REQUESTS = "select type_id, state, origin, identity_how is not null as seen, due, version from proof_request"


@pytest.fixture(scope="module")
def demo_village_home(demonstration: Demonstration, new_home: NewHome) -> Home:
    """A copy of the demonstration of this module."""
    return demonstration.home.copied_to(new_home())


def told(home: Home, story: Callable[[Pool], Coroutine[Any, Any, Found]]) -> Found:
    """A story over its register."""

    async def run(uri: str) -> Found:
        async with open_pool(uri) as pool:
            return await story(pool)

    with app.databases(load_settings({"CERTSVC_HOME": str(home.path)})) as uris:
        return asyncio.run(run(uris.writer))


def rows(home: Home, statement: str) -> list[asyncpg.Record]:
    """Ask directly."""

    async def asked(pool: Pool) -> list[asyncpg.Record]:
        async with pool.connection() as connection:
            return [*await connection.fetch(statement)]

    return told(home, asked)


def test_village_its_clerk_keeps_the_seal_another_approves_and_a_third_audits(
    demonstration: Demonstration, demo_village_home: Home
) -> None:
    people = demonstration.summary["village"]["people"]
    assert [(one["name"], one["password"]) for one in people] == [(one.name, one.password) for one in PEOPLE]

    async def looked(pool: Pool) -> tuple[dict[str, set[str]], str | None]:
        organs, now = PostgresOrgans(pool), datetime.now(UTC)
        accounts = await PostgresAccountRegister(pool).accounts(now)
        assert {each.account.name for each in accounts} == {one.name for one in PEOPLE}
        assert all(each.account.is_demonstration and each.has_totp for each in accounts)
        held: dict[str, set[str]] = {}
        for each in accounts:
            for member in await organs.memberships(each.account.id, beijing_date(now)):
                held[each.account.name] = {f"{member.organ.kind} {duty}" for duty in member.duties}
        return held, await organs.keeper(VILLAGE)

    duties, keeper = told(demo_village_home, looked)
    assert list(map(duties.get, (one.name for one in PEOPLE))) == [
        {"village clerk"},
        {"village approver"},
        {"village auditor"},
        {"town overseer"},
        {"city overseer"},
    ]
    assert keeper == CLERK.name


def test_village_a_request_of_every_state_waits_in_the_inbox(demo_village_home: Home) -> None:
    found = rows(demo_village_home, REQUESTS)
    states = sorted((row["type_id"], row["state"]) for row in found)
    assert states == [
        ("grave-relocation-proof", "returned"),
        ("house-alteration-proof", "submitted"),
        ("overseas-origin-proof", "draft"),
        ("public-rental-housing-proof", "draft"),
        ("special-equipment-proof", "cancelled"),
        ("tiered-water-proof", "sealed"),
        ("tiered-water-proof", "sealed"),
        ("water-power-connection-proof", "draft"),
    ]
    today = beijing_date(datetime.now(UTC))
    assert [row["type_id"] for row in found if row["due"] < today and row["state"] == "draft"] == [
        "public-rental-housing-proof"
    ]
    assert [(row["type_id"], row["seen"]) for row in found if row["origin"] == "online"] == [
        ("overseas-origin-proof", False)
    ]


def test_village_every_use_of_its_seal_is_booked_under_three_persons(demo_village_home: Home) -> None:
    lines = told(demo_village_home, lambda pool: PostgresSealBook(pool).newest(SEAL_ID, None, 50, EVER))
    assert [line.number for line in lines] == [3, 2, 1]
    assert {(line.handler, line.keeper, line.approver) for line in lines} == {(CLERK.name, CLERK.name, APPROVER.name)}
    assert len(lines) == sum(story.approved for story in STORIES)


def test_village_its_seal_is_refused_plainly_to_who_asks_past_the_village(demo_village_home: Home) -> None:
    example = ROOT / "schemas" / "tiered-water-proof" / "v2" / "examples" / "good-zhou.json"
    done = demo_village_home.run("issue", "tiered-water-proof", example, "--key", "past-the-village")
    assert done.returncode != 0 and "（/village）" in done.stderr and "reserved" not in done.stderr, done.stderr
    waiting = rows(
        demo_village_home, "select 1 as one from seal_wait union all select 1 from certificate where issued_at is null"
    )
    assert waiting == [], "nothing is reserved that would wait for ever"


def test_village_its_seal_came_to_the_clerk_by_acts_on_record_and_a_second_time_changes_nothing(
    demo_village_home: Home,
) -> None:
    async def again(pool: Pool) -> list[str]:
        await demo_seal(pool, datetime.now(UTC))
        return [event.act for event in await PostgresSeals(pool).events(SEAL_ID)]

    acts = told(demo_village_home, again)
    assert acts[-2:] == ["hand_over", "change_rules"]
    assert [acts.count(act) for act in ("hand_over", "change_rules")] == [1, 1]


def test_village_the_code_of_now_is_printed_for_its_people_and_for_nobody_else(demo_village_home: Home) -> None:
    home = demo_village_home
    before = _step()
    (made,) = home.json("accounts", "code", CLERK.name)
    assert made["code"] in {code_at(CLERK.secret, step) for step in range(before, _step() + 1)}
    assert re.fullmatch("[0-9]{6}", made["code"])
    home.run("accounts", "add", "真人甲")
    refused = home.run("accounts", "code", "真人甲")
    assert refused.returncode == 2 and "不是演示账号" in refused.stderr
    unknown = home.run("accounts", "code", "没有的人")
    assert unknown.returncode == 2 and "没有" in unknown.stderr


@pytest.fixture(scope="module")
def earnest_home(new_home: NewHome, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """An authority that is no demonstration, with an account of one."""
    home, plan = new_home(), tmp_path_factory.mktemp("earnest") / "plan.toml"
    head, _, rest = PLAN.read_text("utf-8").partition("[[seals]]")
    (market, *_) = rest.split("[[seals]]")
    plan.write_text(
        head.replace("demonstration = true", "demonstration = false") + "[[seals]]" + market + ANSWERS_FOR_IT
    )
    held = home.run("ceremony", "--public-url", "https://yz.example", plan)
    assert held.returncode == 0, held.stderr
    assert home.run("accounts", "add", CLERK.name, "--demonstration").returncode == 0
    return home


@pytest.mark.parametrize("role", ["office", "all"])
def test_village_no_server_in_earnest_starts_with_people_of_a_demonstration(earnest_home: Home, role: str) -> None:
    done = earnest_home.run("serve", "--role", role, "--port", free_port())
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert CLERK.name in done.stderr and "演示账号" in done.stderr and len(done.stderr.strip().splitlines()) == 1


def _step() -> int:
    return int(datetime.now(UTC).timestamp()) // SECONDS
