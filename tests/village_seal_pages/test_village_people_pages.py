"""Who does what: seen by everybody there, put on record by an overseer of town or city, once, and by nobody else."""

import html
import re
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_accounts"))
from seal_pages_room import (
    APPROVER,
    AUDITOR,
    CITY,
    CLERK,
    NEW,
    OF_CITY,
    OF_OTHER_TOWN,
    OF_TOWN,
    OTHER,
    OTHER_TOWN,
    TOWN,
    VILLAGE,
    Hand,
    SealPages,
    hidden,
    now,
)

from certsvc.domain.calendar import beijing_date
from certsvc.domain.organ import Organ, OrganDuty, OrganKind, oversees
from certsvc.errors import Forbidden, InvalidInput
from certsvc.ids import Uscc
from certsvc.issuance.village.handover import hand_over, look_at_handover

pytest_plugins = ["account_fixtures", "seal_pages_fixtures"]
HANDOVER = """insert into handover (organ, key, digest, day, ended, begun, by, at, reason, account)
  values ($1, $2, sha256('x'), current_date, '{}', '{}', $3, now(), 'x', $4)"""
APPOINT = """insert into appointment (id, organ, account, duty, first_day, appointed_by, appointed_at)
  values ('d-' || repeat('q', 20), $1, $2, 'clerk', current_date, 'x', now())"""
END = """update appointment set last_day = current_date, ended_by = 'x', ended_at = now()
  where organ = $1 and duty = 'clerk' and last_day is null"""


def boxes(text: str) -> dict[str, str]:
    """The appointments that may be ended, by person and duty."""
    found = re.findall(r'name="goes" value="([^"]+)"[^>]*><span>(.*?) <b>(.*?)</b>', text)
    return {f"{html.unescape(person)} {duty}": id_ for id_, person, duty in found}


def typed(form: str, **more: Any) -> dict[str, Any]:
    """A form as it is shown, and what is typed."""
    return {"of": VILLAGE, "step": "look", "day": beijing_date(now()), "reason": "换届选举", **hidden(form), **more}


def test_village_an_overseer_of_the_town_hands_over_once_after_looking(seal_pages: SealPages) -> None:
    app = seal_pages.app()

    async def story() -> None:
        hand = await Hand.entered(seal_pages, app, OF_TOWN)
        assert f"?of={VILLAGE}" in (await hand.get("/people", TOWN)).text
        form = (await hand.get(f"/people/handover?of={VILLAGE}", TOWN)).text
        goes = boxes(form)[f"{CLERK} 经办人"]
        wrong = await hand.post(
            "/people/handover", typed(form, goes=goes, name0="无此人", duty0="clerk", day="明天"), TOWN
        )
        assert wrong.status_code == 400 and 'value="无此人"' in wrong.text and f'value="{goes}" checked' in wrong.text
        assert 'href="#name0"' in wrong.text and 'href="#day"' in wrong.text and 'value="明天"' in wrong.text
        alone = await hand.post("/people/handover", typed(form, goes=goes), TOWN)
        assert alone.status_code == 400 and "至少要有一名经办人" in alone.text
        keeps = await hand.post("/people/handover", typed(form, name0=CLERK, duty0="approver"), TOWN)
        assert keeps.status_code == 400 and "国办发〔2001〕52号" in keeps.text
        said = typed(form, goes=goes, name0=NEW, duty0="clerk")
        looked = await hand.post("/people/handover", said, TOWN)
        assert looked.status_code == 200 and "接下来：移交印章" in looked.text
        assert "还没有办完的申请不会丢" in looked.text
        before = await seal_pages.organs.appointments(VILLAGE)
        edited = await hand.post("/people/handover", {**said, "step": "edit"}, TOWN)
        assert f'value="{NEW}"' in edited.text and f'value="{goes}" checked' in edited.text
        assert await seal_pages.organs.appointments(VILLAGE) == before
        for _ in range(2):
            done = await hand.post("/people/handover", {**said, "step": "do"}, TOWN)
            assert done.status_code == 303, done.text
        after = await seal_pages.organs.appointments(VILLAGE)
        assert len(after) == len(before) + 1 and after[-1].person == NEW
        stale = await hand.post(
            "/people/handover", {**said, "step": "do", "key": "f-" + "b" * 20, "name0": APPROVER, "goes": ""}, TOWN
        )
        assert stale.status_code == 412 and hidden(stale.text)["seen"] != said["seen"]
        page = await hand.get(f"/people?of={VILLAGE}&done=handed_over", TOWN)
        assert "印章还没有移交" in page.text and "历任（1 项）" in page.text

    seal_pages.room.run(story())
    (row,) = seal_pages.room.rows("select by, account from handover where reason = '换届选举'")
    assert (row["by"], row["account"]) == (OF_TOWN, seal_pages.accounts[OF_TOWN])


@pytest.mark.parametrize(
    ("name", "organ"),
    [(CLERK, VILLAGE), (APPROVER, VILLAGE), (AUDITOR, VILLAGE), (OF_OTHER_TOWN, OTHER_TOWN), (OF_OTHER_TOWN, TOWN)],
    ids=["clerk", "approver", "auditor", "other town", "not there"],
)
def test_village_nobody_of_the_village_or_of_another_town_hands_over(
    seal_pages: SealPages, name: str, organ: Uscc
) -> None:
    app, account = seal_pages.app(), seal_pages.accounts.get(name)

    async def story() -> None:
        before = await seal_pages.organs.appointments(VILLAGE)
        hand = await Hand.entered(seal_pages, app, name)
        form = {"key": "f-" + "c" * 20, "seen": "", "name0": NEW, "duty0": "clerk"}
        assert (await hand.get(f"/people/handover?of={VILLAGE}", organ)).status_code == 404
        for step in ("look", "do"):
            forged = await hand.post("/people/handover", typed("", **form, step=step), organ)
            assert forged.status_code == 404
        asked = seal_pages.handover(
            VILLAGE, seal_pages.arrival(NEW, OrganDuty.APPROVER), key=name, by=name, account=account
        )
        for use_case in (hand_over, look_at_handover):
            with pytest.raises(Forbidden, match="overseer of its town or city"):
                await use_case(seal_pages.organs, asked, now())
        with pytest.raises(Forbidden, match="may not put this on record"):
            await seal_pages.organs.hand_over(asked, now())
        assert await seal_pages.organs.appointments(VILLAGE) == before

    seal_pages.room.run(story())
    for claimed in (account, None):  # with the right account, and passing for the operator
        with pytest.raises(asyncpg.PostgresError, match="not_their_overseer"):
            seal_pages.room.rows(HANDOVER, VILLAGE, f"direct {name}", name, claimed)


def test_village_the_city_hands_over_in_towns_and_nobody_appoints_themselves(seal_pages: SealPages) -> None:
    app = seal_pages.app()

    async def story() -> None:
        hand = await Hand.entered(seal_pages, app, OF_CITY)
        page = await hand.get(f"/people?of={OTHER_TOWN}", CITY)
        assert f"?of={OTHER}" in page.text and "办理换届交接" in page.text
        assert "办理换届交接" not in (await hand.get("/people", CITY)).text
        form = (await hand.get(f"/people/handover?of={OTHER_TOWN}", CITY)).text
        said = {"of": OTHER_TOWN, "name0": OF_CITY, "duty0": "overseer"}
        own = await hand.post("/people/handover", typed(form, **said), CITY)
        assert own.status_code == 400 and "不能把自己登记为任职人" in own.text
        said["name0"] = APPROVER
        done = await hand.post("/people/handover", typed(form, **said, step="do"), CITY)
        assert done.status_code == 303
        account = seal_pages.accounts[OF_CITY]
        comes = (seal_pages.arrival(OF_CITY, OrganDuty.AUDITOR),)
        asked = seal_pages.handover(OTHER, *comes, key="own", by=OF_CITY, account=account)
        with pytest.raises(InvalidInput, match="does not appoint themselves"):
            await seal_pages.organs.hand_over(asked, now())

    seal_pages.room.run(story())


def test_village_no_appointment_begins_or_ends_past_a_handover(seal_pages: SealPages) -> None:
    for statement, values in ((APPOINT, (OTHER, seal_pages.accounts[NEW])), (END, (OTHER,))):
        with pytest.raises(asyncpg.PostgresError, match="not_by_handover"):
            seal_pages.room.rows(statement, *values)
    with pytest.raises(asyncpg.RestrictViolationError):
        seal_pages.room.rows("delete from handover")


def test_village_oversight_goes_down_and_never_sideways() -> None:
    def organ(kind: OrganKind, uscc: Uscc, area: str = "441900", town: Uscc | None = None) -> Organ:
        return Organ(uscc=uscc, kind=kind, name="x", area=area, town=town)

    city, town = organ(OrganKind.CITY, CITY), organ(OrganKind.TOWN, TOWN, "441901")
    village, stray = organ(OrganKind.VILLAGE, VILLAGE, town=TOWN), organ(OrganKind.VILLAGE, OTHER)
    far = organ(OrganKind.VILLAGE, OTHER, "440100", town=OTHER_TOWN)
    said = [(one.kind, [oversees(one, other) for other in (city, town, village, stray, far)]) for one in (city, town)]
    assert said == [
        (OrganKind.CITY, [False, True, True, True, False]),
        (OrganKind.TOWN, [False, False, True, False, False]),
    ]
    assert not any(oversees(village, other) for other in (city, town, village, stray))
