"""The seal passes with a handover, by the page: for the overseer who manages it, and for nobody else."""

import re
import sys
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_accounts"))
from seal_managed import managed_by_town
from seal_pages_room import (
    APPROVER,
    CITY,
    CLERK,
    NEW,
    OF_CITY,
    OF_TOWN,
    OTHER,
    SEAL,
    TOWN,
    VILLAGE,
    Hand,
    SealPages,
    hidden,
    now,
)
from test_village_people_pages import boxes, typed

from certsvc.domain.calendar import beijing_date
from certsvc.domain.organ import OrganDuty
from certsvc.domain.seal_authorisation import NotAuthorised
from certsvc.issuance.village.authorising import standings
from certsvc.store.seal_authorisations import PostgresSealAuthorisations

pytest_plugins = ["account_fixtures", "seal_pages_fixtures"]
FORM, FIELD = f"/people/handover?of={VILLAGE}", 'name="keeper"'


@pytest.fixture(scope="module")
def managed(seal_pages: SealPages) -> SealPages:
    """The village, whose seal the overseer of the town manages."""
    managed_by_town(seal_pages)
    return seal_pages


def tagged(text: str) -> list[str]:
    """Who is said to keep the seal, in a list of duties."""
    return re.findall(r"<li>(?:<span[^>]*>)?(\w+)(?:</span>)? <b>[^<]*</b> <span class=\"tag old\">", text)


def test_village_who_does_not_manage_the_seal_is_not_asked_for_its_keeper_and_a_forged_form_is_refused(
    managed: SealPages,
) -> None:
    app = managed.app()

    async def story() -> None:
        hand = await Hand.entered(managed, app, OF_CITY)
        form = (await hand.get(FORM, CITY)).text
        assert FIELD not in form
        said = typed(form, goes=boxes(form)[f"{CLERK} 经办人"], name0=NEW, duty0="clerk")
        looked = (await hand.post("/people/handover", said, CITY)).text
        assert "接下来：移交印章" in looked and "办理移交，由系统管理员登记" in looked and OF_TOWN in looked
        before = await managed.organs.appointments(VILLAGE)
        for step in ("look", "do"):
            forged = await hand.post("/people/handover", {**said, "keeper": NEW, "step": step}, CITY)
            assert forged.status_code == 400 and 'href="#keeper"' in forged.text
            assert f"管理人（{OF_TOWN}）" in forged.text and f'value="{NEW}"' in forged.text
        english = await hand.post("/people/handover?lang=en", {**said, "keeper": NEW}, CITY)
        assert "handed over by its manager" in english.text
        assert await managed.organs.appointments(VILLAGE) == before
        assert await managed.organs.keeper(VILLAGE) == CLERK

    managed.room.run(story())


def test_village_what_is_wrong_with_who_is_to_keep_the_seal_is_said_beside_the_field(managed: SealPages) -> None:
    app, tomorrow = managed.app(), beijing_date(now()) + timedelta(days=1)

    async def story() -> None:
        hand = await Hand.entered(managed, app, OF_TOWN)
        form = (await hand.get(FORM, TOWN)).text
        assert FIELD in form and f"现在由{CLERK}保管" in form
        come = {"name0": NEW, "duty0": "clerk"}
        for more, words in (
            ({"keeper": "无此人"}, "没有可用的账号"),
            ({"keeper": NEW}, "届时在本单位没有职责"),
            ({"keeper": APPROVER}, "国办发〔2001〕52号"),
            ({"keeper": CLERK}, "不移交的，请留空"),
            ({"keeper": NEW, **come, "day": tomorrow}, f"交接日却是{tomorrow}"),
        ):
            wrong = await hand.post("/people/handover", typed(form, **more), TOWN)
            assert wrong.status_code == 400, more
            assert words in wrong.text and 'href="#keeper"' in wrong.text and 'id="keeper-wrong"' in wrong.text, more
            assert f'name="keeper" value="{more["keeper"]}"' in wrong.text
        for day, words in ((beijing_date(now()), "您可以这次一并移交"), (tomorrow, "请您再办理一次交接")):
            said = typed(form, goes=boxes(form)[f"{CLERK} 经办人"], **come, day=day)
            looked = await hand.post("/people/handover", said, TOWN)
            assert looked.status_code == 200 and words in looked.text and "由系统管理员登记" not in looked.text
        no_seal = await Hand.entered(managed, app, OF_CITY)
        form = (await no_seal.get(f"/people/handover?of={OTHER}", CITY)).text
        forged = await no_seal.post("/people/handover", {**typed(form, keeper=NEW), "of": OTHER}, CITY)
        assert forged.status_code == 400 and "还没有印章" in forged.text

    managed.room.run(story())
    assert managed.room.run(managed.organs.keeper(VILLAGE)) == CLERK


def test_village_the_overseer_who_manages_the_seal_hands_it_over_with_the_duties_once(managed: SealPages) -> None:
    app = managed.app()

    async def story() -> None:
        await managed.open(managed.terms(4))
        hand = await Hand.entered(managed, app, OF_TOWN)
        form = (await hand.get(FORM, TOWN)).text
        said = typed(form, goes=boxes(form)[f"{CLERK} 经办人"], name0=NEW, duty0="clerk", keeper=f" {NEW} ")
        looked = (await hand.post("/people/handover", said, TOWN)).text
        assert "印章一并移交" in looked and f"{NEW}授权用印以前" in looked and "接下来：移交印章" not in looked
        assert tagged(looked) == [NEW] and looked.count(f'name="keeper" value="{NEW}"') == 2
        assert await managed.organs.keeper(VILLAGE) == CLERK
        for _ in range(2):
            done = await hand.post("/people/handover", {**said, "step": "do"}, TOWN)
            assert done.status_code == 303, done.text
        page = await hand.browser.get(done.headers["location"])
        assert f"印章已移交给{NEW}" in page.text and f"请{NEW}授权用印" in page.text
        assert page.text.count('role="status"') == 1 and "印章还没有移交" not in page.text
        again = await hand.post("/people/handover", {**said, "step": "do", "keeper": ""}, TOWN)
        assert again.status_code == 400 and "已经办过一次" in again.text and hidden(again.text)["key"] != said["key"]
        assert await managed.organs.keeper(VILLAGE) == NEW
        given = await standings(PostgresSealAuthorisations(managed.room.pool), SEAL, now(), ever=True)
        assert [one.refusal for one in given] == [NotAuthorised.HANDED_OVER]

    managed.room.run(story())
    (row,) = managed.room.rows(
        "select e.actor, e.successor, e.at = h.at as same from seal_event e join handover h on h.key = e.key"
        " where e.act = 'hand_over'"
    )
    assert (row["actor"], row["successor"], row["same"]) == (OF_TOWN, NEW, True)


def test_village_a_seal_whose_keeper_left_is_handed_over_by_itself_where_its_manager_looks(managed: SealPages) -> None:
    app = managed.app()

    async def story() -> None:
        left = await managed.organs.keeper(VILLAGE)
        come = {CLERK: NEW, NEW: CLERK}[left or ""]
        goes = tuple(one.id for one in await managed.organs.appointments(VILLAGE) if one.person == left)
        comes = (managed.arrival(come, OrganDuty.CLERK),)
        await managed.organs.hand_over(managed.handover(VILLAGE, *comes, goes=goes, key="left"), now())
        town, city = [await Hand.entered(managed, app, name) for name in (OF_TOWN, OF_CITY)]
        theirs = (town, TOWN, "只填“印章由谁保管”和原因"), (city, CITY, "办理移交，由系统管理员登记")
        for hand, organ, words in theirs:
            page = (await hand.get(f"/people?of={VILLAGE}", organ)).text
            assert "印章还没有移交" in page and words in page
        form = (await town.get(FORM, TOWN)).text
        done = await town.post("/people/handover", typed(form, keeper=come, step="do"), TOWN)
        assert done.status_code == 303, done.text
        assert "印章还没有移交" not in (await town.get(f"/people?of={VILLAGE}", TOWN)).text
        assert await managed.organs.keeper(VILLAGE) == come

    managed.room.run(story())
