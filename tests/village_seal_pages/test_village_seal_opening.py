"""The keeper opens the seal in the console, by a confirmation that is used up with it; nobody else does, by no way."""

import re
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_accounts"))
from seal_pages_room import (
    APPROVER,
    AUDITOR,
    CLERK,
    NEW,
    OF_TOWN,
    OTHER,
    PASSWORD_FIELD,
    SEAL,
    STRANGER,
    TOWN,
    VILLAGE,
    WATER,
    Hand,
    SealPages,
    hidden,
    now,
)
from village_seal_room import use

from certsvc.domain.calendar import beijing_date
from certsvc.domain.organ import OrganDuty
from certsvc.domain.seal_authorisation import NotAuthorised
from certsvc.errors import Forbidden, SealRefused
from certsvc.issuance.village.authorising import standings
from certsvc.store.seal_authorisations import PostgresSealAuthorisations

pytest_plugins = ["account_fixtures", "seal_pages_fixtures"]
GIVE = """insert into seal_authorisation (id, seal_id, keeper, certificate_types, quota, first_day, last_day,
    confirmation, given_at, client, key, digest)
  select 'sa-direct', $1, $2, array[$3], 5, $4, $4, k.id, now(), 'x', 'x', sha256('x')
  from account_confirmation k limit 1"""
COUNT = "select count(*) as n from seal_authorisation"
USE = """insert into seal_use (slot, ref, seal_id, layout, actor, intended_at, digest, page, x_mm, y_mm)
  select slot, ref, $2, 'a4', $3, now(), sha256('x'), 1, 150, 250 from certificate where ref = $1"""


@pytest.fixture(scope="module")
def keeper_secret(seal_pages: SealPages) -> bytes:
    """Of the keeper's one-time codes."""
    return seal_pages.room.with_totp(CLERK, now() - timedelta(minutes=5))


def typed(key: str = "", step: str = "look", **more: Any) -> dict[str, Any]:
    """What the keeper types, and the key of the form."""
    today = beijing_date(now())
    terms = {"certificate_types": WATER, "quota": "3", "daily_quota": "2", "first_day": today, "last_day": today}
    return {**terms, "key": key, "step": step, **more}


async def count(pages: SealPages) -> int:
    """How many authorisations there are."""
    async with pages.room.pool.connection() as connection:
        return int(await connection.fetchval(COUNT))


def test_village_the_keeper_opens_the_seal_without_a_script_and_once(
    seal_pages: SealPages, keeper_secret: bytes
) -> None:
    app = seal_pages.app()

    async def story() -> None:
        hand = await Hand.entered(seal_pages, app, CLERK, keeper_secret)
        form = await hand.get("/seal/open")
        key = hidden(form.text)["key"]
        wrong = await hand.post("/seal/open", typed(key, quota="many", last_day="soon"))
        assert wrong.status_code == 400 and 'value="many"' in wrong.text and 'value="soon"' in wrong.text
        assert wrong.text.count('aria-invalid="true"') == 2 and 'href="#quota"' in wrong.text
        long = await hand.post("/seal/open", typed(key, last_day=beijing_date(now()) + timedelta(days=30)))
        assert long.status_code == 400 and 'href="#last_day"' in long.text
        foreign = await hand.post("/seal/open", typed(key, certificate_types="business-licence"))
        assert foreign.status_code == 400 and 'href="#certificate_types"' in foreign.text
        looked = await hand.post("/seal/open", typed(key))
        terms = seal_pages.terms(3, days=1)
        digest = hidden(looked.text)["digest"]
        assert digest != terms.digest(SEAL).hex()  # this one has a limit for each day, too
        refused = await hand.post("/seal/open", typed(key, "open", **PASSWORD_FIELD, code="000000"))
        assert refused.status_code == 403 and hidden(refused.text) == hidden(looked.text)
        confirmed = typed(key, "open", **PASSWORD_FIELD, code=hand.code())
        before = await count(seal_pages)
        for _ in range(2):  # sent twice it is opened once, though the code is used up
            done = await hand.post("/seal/open", confirmed)
            assert done.status_code == 303, done.text
        assert await count(seal_pages) == before + 1
        again = await hand.post("/seal/open", {**confirmed, "quota": "9"})
        assert again.status_code == 409 and hidden(again.text)["key"] != key
        page = await hand.get("/seal?done=opened")
        assert page.text.count('role="status"') == 1 and "还剩 3 次（共 3 次）" in page.text

    seal_pages.room.run(story())
    (row,) = seal_pages.room.rows(
        "select k.digest = a.digest as same, k.used_at = a.given_at as used, k.method from seal_authorisation a"
        " join account_confirmation k on k.id = a.confirmation order by a.given_at desc limit 1"
    )
    assert (row["same"], row["used"], row["method"]) == (True, True, "password_totp")


def test_village_nobody_else_opens_it_by_page_by_forged_form_or_by_direct_sql(seal_pages: SealPages) -> None:
    app, before = seal_pages.app(), seal_pages.room.run(count(seal_pages))

    async def story() -> None:
        forged = typed("f-" + "a" * 20, "open", **PASSWORD_FIELD, code="")
        for name in (APPROVER, AUDITOR):
            hand = await Hand.entered(seal_pages, app, name)
            assert "/seal/open" not in (shown := await hand.get("/seal")).text and shown.status_code == 200
            assert (await hand.get("/seal/open")).status_code == 403
            answer = await hand.post("/seal/open", forged)
            assert answer.status_code == 403 and CLERK in answer.text
            assert (await hand.post("/seal/revoke", {"id": "sa-x", "reason": "试"})).status_code == 403
        stranger = await Hand.entered(seal_pages, app, STRANGER)
        assert (await stranger.get("/seal")).status_code == 404
        assert (await stranger.post("/seal/open", forged)).status_code == 404
        assert (await stranger.post("/seal/open", forged, OTHER)).status_code == 404  # theirs has no seal
        overseer = await Hand.entered(seal_pages, app, OF_TOWN)
        assert (await overseer.get("/seal", TOWN)).status_code == 404
        assert (await overseer.get("/seal")).status_code == 404

    seal_pages.room.run(story())
    for keeper, why in ((APPROVER, "not_the_keeper"), (CLERK, "opening_not_confirmed")):
        with pytest.raises(asyncpg.PostgresError, match=why):
            seal_pages.room.rows(GIVE, SEAL, keeper, WATER, beijing_date(now()))
    assert seal_pages.room.run(count(seal_pages)) == before


def test_village_the_keeper_takes_it_back_with_a_reason(seal_pages: SealPages, keeper_secret: bytes) -> None:
    app = seal_pages.app()
    given = seal_pages.room.run(seal_pages.open(seal_pages.terms(7)))

    async def story() -> None:
        hand = await Hand.entered(seal_pages, app, CLERK, keeper_secret)
        bare = await hand.post("/seal/revoke", {"id": given.id, "reason": " "})
        assert bare.status_code == 400 and f'href="#reason-{given.id}"' in bare.text and "<details" in bare.text
        for _ in range(2):
            assert (await hand.post("/seal/revoke", {"id": given.id, "reason": "印章送修"})).status_code == 303
        page = await hand.get("/seal?done=revoked")
        assert "印章送修" in page.text and f'id="reason-{given.id}"' not in page.text

    seal_pages.room.run(story())


def test_village_a_seal_whose_keeper_has_no_duty_any_more_seals_nothing_and_says_so(seal_pages: SealPages) -> None:
    app = seal_pages.app()

    async def story() -> None:
        await seal_pages.open(seal_pages.terms(4))
        ref, register = await seal_pages.approved(), seal_pages.seals().register
        goes = tuple(one.id for one in await seal_pages.organs.appointments(VILLAGE) if one.person == CLERK)
        comes = (seal_pages.arrival(NEW, OrganDuty.CLERK),)
        await seal_pages.organs.hand_over(seal_pages.handover(VILLAGE, *comes, goes=goes, key="left"), now())
        with pytest.raises(SealRefused, match="has no duty in the organ any more") as caught:
            await register.book_seal_use(ref, use(SEAL), NEW, now(), "worker")
        assert caught.value.reason == NotAuthorised.KEEPER_LEFT
        found = await standings(PostgresSealAuthorisations(seal_pages.room.pool), SEAL, now())
        assert found and {one.refusal for one in found} == {NotAuthorised.KEEPER_LEFT}
        assert all(one.left_today == 0 for one in found)
        with pytest.raises(Forbidden, match="has no duty in the organ"):
            await seal_pages.open(seal_pages.terms(9))
        hand = await Hand.entered(seal_pages, app, NEW)
        for path in ("/seal", "/people"):
            page = await hand.get(path)
            assert page.status_code == 200 and re.search(f"{CLERK}.*(管).*批", page.text, re.S), path
        assert "保管人已离任" in (await hand.get("/seal")).text

    seal_pages.room.run(story())
    (row,) = seal_pages.room.rows("select ref from certificate where issued_at is null limit 1")
    with pytest.raises(asyncpg.PostgresError, match="authorisation_keeper_left"):
        seal_pages.room.rows(USE, row["ref"], SEAL, NEW)
