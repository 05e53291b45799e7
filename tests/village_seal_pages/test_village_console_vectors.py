"""What was once wrong in the pages of seal, book and people, or might be: each by itself, named after the flaw."""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_accounts"))
from account_room import Browser
from litestar import Litestar
from seal_pages_room import AUDITOR, CLERK, NEW, OF_TOWN, TOWN, VILLAGE, WATER, Hand, SealPages, now

from certsvc.domain.calendar import beijing_date
from certsvc.store.account_register import PostgresAccountRegister

pytest_plugins = ["account_fixtures", "seal_pages_fixtures"]
KEY = "f-" + "v" * 20
REASON = "换" * 4000
"""As long as it may be: three bytes each, and three times that on the way."""


@pytest.fixture(scope="module")
def app(seal_pages: SealPages) -> Litestar:
    """The pages."""
    return seal_pages.app()


def handed(**more: Any) -> dict[str, Any]:
    """A handover as it is sent to be looked at."""
    return {"of": VILLAGE, "key": KEY, "step": "look", "day": beijing_date(now()), "reason": "换届", "seen": "", **more}


def opened(**more: Any) -> dict[str, Any]:
    """An authorisation as it is sent to be looked at."""
    today = beijing_date(now())
    terms = {"certificate_types": WATER, "quota": "1", "daily_quota": "", "first_day": today, "last_day": today}
    return {**terms, "key": KEY, "step": "look", **more}


FORMS: dict[str, tuple[str, str, dict[str, Any], int]] = {
    "many_go_at_once": (OF_TOWN, "/people/handover", handed(goes=[f"d-{n}" for n in range(30)]), 400),
    "reason_as_long_as_it_may_be": (OF_TOWN, "/people/handover", handed(name0=NEW, duty0="clerk", reason=REASON), 200),
    "handover_on_the_first_day_there_is": (
        OF_TOWN,
        "/people/handover",
        handed(day="0001-01-01", name0=NEW, duty0="clerk", step="do"),
        400,
    ),
    "handover_on_the_last_day_there_is": (OF_TOWN, "/people/handover", handed(day="9999-12-31"), 400),
    "nul_in_a_name": (OF_TOWN, "/people/handover", handed(name0="郭\0", duty0="clerk"), 400),
    "opened_on_the_last_day_there_is": (
        CLERK,
        "/seal/open",
        opened(first_day="9999-12-31", last_day="9999-12-31"),
        400,
    ),
    "opened_until_the_last_day_there_is": (CLERK, "/seal/open", opened(last_day="9999-12-31"), 400),
    "opened_for_many_kinds": (CLERK, "/seal/open", opened(certificate_types=["x"] * 60), 400),
    "opened_without_end": (CLERK, "/seal/open", opened(quota="9" * 400), 400),
    "nul_in_what_is_revoked": (CLERK, "/seal/revoke", {"id": "sa-\0", "reason": "x"}, 400),
}


@pytest.mark.parametrize("flaw", FORMS)
def test_village_a_form_is_answered_in_our_own_words(seal_pages: SealPages, app: Litestar, flaw: str) -> None:
    name, path, fields, status = FORMS[flaw]

    async def story() -> None:
        hand = await Hand.entered(seal_pages, app, name)
        answer = await hand.post(path, fields, TOWN if name == OF_TOWN else VILLAGE)
        assert answer.status_code == status, answer.text[:2000]
        if flaw.startswith(("many", "opened_for")):
            assert 'role="alert"' in answer.text and "<form" in answer.text, "with what was typed"

    seal_pages.room.run(story())


@pytest.mark.parametrize(
    "path",
    ["/book?month=9999-12", "/book?month=0001-01", "/book.csv?month=9999-12", "/book?kind=%00", "/book?kind=%ED%A0%80"],
    ids=["last_month_there_is", "first_month_there_is", "table_of_it", "nul_as_a_kind", "surrogate_as_a_kind"],
)
def test_village_an_address_is_answered_in_our_own_words(seal_pages: SealPages, app: Litestar, path: str) -> None:
    async def story() -> None:
        hand = await Hand.entered(seal_pages, app, AUDITOR)
        answer = await hand.get(path)
        assert answer.status_code < 500, answer.text[:2000]

    seal_pages.room.run(story())


def test_village_a_nul_in_a_name_signs_nobody_in(seal_pages: SealPages, app: Litestar) -> None:
    async def story() -> None:
        answer = await Browser(app).enter("林\0晓芸", password="not the password")
        assert answer.status_code in (400, 403), answer.text[:2000]

    seal_pages.room.run(story())


def test_village_an_overseer_does_not_come_after_the_handover_that_names_no_one(seal_pages: SealPages) -> None:
    """Written in the order that the guard of handovers does not see: it first, and then who comes with it."""
    account, appointed = seal_pages.accounts[OF_TOWN], "d-" + "o" * 20

    async def story() -> None:
        async with seal_pages.room.pool.transaction() as connection:
            await connection.execute(
                "insert into handover (organ, key, digest, day, ended, begun, by, at, reason, account)"
                " values ($1, 'oneself', sha256('x'), $2, '{}', array[$3], $4, now(), 'x', $5)",
                VILLAGE,
                beijing_date(now()) + timedelta(days=1),
                appointed,
                OF_TOWN,
                account,
            )
            await connection.execute(
                "insert into appointment (id, organ, account, duty, first_day, appointed_by, appointed_at)"
                " select $1, organ, account, 'approver', day, by, at from handover where key = 'oneself'",
                appointed,
            )
            with pytest.raises(asyncpg.PostgresError, match="appoints_oneself"):
                await connection.execute("set constraints all immediate")
            raise KeyError  # nothing of this stays

    with pytest.raises(KeyError):
        seal_pages.room.run(story())


def test_village_a_keeper_who_may_not_sign_in_has_left(seal_pages: SealPages, app: Litestar) -> None:
    """The last of this file: the account stays as it is then."""

    async def story() -> None:
        await seal_pages.open(seal_pages.terms())
        await PostgresAccountRegister(seal_pages.room.pool).disable(CLERK, "operator", now())
        hand = await Hand.entered(seal_pages, app, AUDITOR)
        assert "保管人已不在本单位任职" in (await hand.get("/seal")).text
        assert "印章还没有移交" in (await hand.get("/people")).text

    seal_pages.room.run(story())
