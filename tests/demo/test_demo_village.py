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
from certsvc.authority.seal_plan import MADE_UP
from certsvc.catalog import load_catalog
from certsvc.catalog.receivers import load_receivers
from certsvc.demo.people import APPROVER, AREA, CLERK, OVERSEER, PEOPLE, SEAL_ID, VILLAGE
from certsvc.demo.run import PLAN
from certsvc.demo.village import STORIES
from certsvc.demo.village_seal import demo_seal
from certsvc.domain.calendar import beijing_date
from certsvc.domain.organ import Arrival, Handover, OrganDuty
from certsvc.domain.seal_acts import SealAct, SealActRequest
from certsvc.domain.seal_book import EVER
from certsvc.settings import load_settings
from certsvc.store.account_register import PostgresAccountRegister
from certsvc.store.organs import PostgresOrgans
from certsvc.store.pool import Pool, open_pool
from certsvc.store.seal_book import PostgresSealBook
from certsvc.store.seals import PostgresSeals

pytestmark = pytest.mark.long
Found = TypeVar("Found")
TOLD_TYPE = "water-power-connection-proof"
ANSWERS_FOR_IT = "\n".join(
    f'{duty} = "{name}"'
    for duty, name in zip(("applicant", "approver", "manager", "keeper", "auditor"), "甲乙丙丁戊", strict=True)
)
BEFORE_ITS_MANAGER = f"""
    alter table seal disable trigger user; alter table seal_event disable trigger user;
    delete from seal_event where seal_id = '{SEAL_ID}' and act = 'replace_manager';
    update seal set manager = '{MADE_UP.manager}' where id = '{SEAL_ID}';
    alter table seal enable trigger user; alter table seal_event enable trigger user"""
"""As an older version of the demonstration left it."""

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
        ("overseas-origin-proof", "withdrawn"),
        ("public-rental-housing-proof", "draft"),
        ("special-equipment-proof", "cancelled"),
        ("tiered-water-proof", "sealed"),
        ("tiered-water-proof", "sealed"),
        ("water-power-connection-proof", "draft"),
        ("water-power-connection-proof", "sealed"),
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
    assert [line.number for line in lines] == [4, 3, 2, 1]
    assert {(line.handler, line.keeper, line.approver) for line in lines} == {(CLERK.name, CLERK.name, APPROVER.name)}
    assert len(lines) == sum(story.approved for story in STORIES)


def test_village_a_made_up_organ_is_told_by_a_notice_that_leaves_this_machine_on_paper_alone(
    demo_village_home: Home,
) -> None:
    told_of = rows(
        demo_village_home,
        "select r.type_id, t.name, t.client from proof_told t join proof_request r on r.id = t.request_id",
    )
    assert [(row["type_id"], row["client"]) for row in told_of] == [("water-power-connection-proof", None)]
    assert "演示，虚构" in told_of[0]["name"]


def test_village_no_place_in_earnest_is_offered_the_made_up_organ() -> None:
    catalog = load_catalog(ROOT / "schemas")
    offered = [load_receivers(ROOT / "schemas", catalog, made_up).of(AREA, TOLD_TYPE) for made_up in (False, True)]
    assert [[one.client for one in organs] for organs in offered] == [[], [None]]


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
    assert acts[-3:] == (by_acts := ["hand_over", "change_rules", "replace_manager"])
    assert [acts.count(act) for act in by_acts] == [1, 1, 1]


def test_village_an_older_home_gets_the_seals_manager_by_an_act_and_a_chosen_one_stays(
    demonstration: Demonstration, new_home: NewHome
) -> None:
    home = demonstration.home.copied_to(new_home())

    async def stood_as_before(pool: Pool) -> list[str | None]:
        async with pool.transaction() as connection:
            await connection.execute(BEFORE_ITS_MANAGER)
        seals, found = PostgresSeals(pool), list[str | None]()
        for chosen in (None, "镇长甲"):
            if chosen is not None:
                people = (await seals.seal(SEAL_ID, datetime.now(UTC))).people
                asked = SealActRequest(
                    client="t",
                    key="chosen",
                    seal_id=SEAL_ID,
                    act=SealAct.REPLACE_MANAGER,
                    actor=people.approver or "",
                    reason="试",
                    successor=chosen,
                )
                await seals.act(asked, datetime.now(UTC))
            await demo_seal(pool, datetime.now(UTC))
            found.append((await seals.seal(SEAL_ID, datetime.now(UTC))).people.manager)
        return found

    assert told(home, stood_as_before) == [OVERSEER.name, "镇长甲"]


def test_village_it_starts_again_after_its_clerk_and_approver_changed_places_with_the_seal(
    demonstration: Demonstration, new_home: NewHome
) -> None:
    home = demonstration.home.copied_to(new_home())

    async def handed_over(pool: Pool) -> None:
        organs, now = PostgresOrgans(pool), datetime.now(UTC)
        accounts = await organs.accounts([one.name for one in PEOPLE])
        pairs = (CLERK.name, OrganDuty.APPROVER), (APPROVER.name, OrganDuty.CLERK)
        asked = Handover(
            organ=VILLAGE,
            key="election",
            day=beijing_date(now),
            goes=tuple(one.id for one in await organs.appointments(VILLAGE) if one.person in dict(pairs)),
            comes=tuple(Arrival(account=accounts[name], person=name, duty=duty) for name, duty in pairs),
            by=OVERSEER.name,
            account=accounts[OVERSEER.name],
            reason="换届",
            keeper=APPROVER.name,
        )
        await organs.hand_over(asked, now)

    told(home, handed_over)
    again = home.run("demo", "--once")
    assert again.returncode == 0, again.stderr
    assert told(home, lambda pool: PostgresOrgans(pool).keeper(VILLAGE)) == APPROVER.name


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
