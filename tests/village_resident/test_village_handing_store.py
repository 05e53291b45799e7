"""Handing out, in the database: who hands out, when a secret opens, how tries are counted, and whom a choice tells."""

import asyncio
import hashlib
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_requests"))
from village_people import (
    APPROVER,
    AUDITOR,
    CLERK,
    NOW,
    STRANGER,
    account_of,
    approved,
    opened,
)
from village_room import Village

from certsvc.domain.approval import ApprovalState
from certsvc.domain.handing import AGAIN, FAILURES, LASTS, MOST_OPENED, HandedTo, NewHanding, SeenHow, TryPlace
from certsvc.domain.proof_request import ProofRequest
from certsvc.domain.receiver import ReceiverChoice
from certsvc.errors import ActNotAllowed, Forbidden, HandingRefused, KeyReused, NoTryLeft
from certsvc.store.approvals import PostgresApprovals
from certsvc.store.handing import PostgresHandings
from certsvc.store.pool import Pool
from certsvc.store.proof_requests import PostgresProofRequests

pytest_plugins = ["village_fixtures"]

INSERT_TRY = "insert into code_try (request_id, handing_id, place, at) values ($1, $2, $3, $4)"


async def sealed(requests: PostgresProofRequests, pool: Pool, key: str) -> ProofRequest:
    """A sealed request."""
    done = await approved(requests, key)
    await PostgresApprovals(pool).finish(str(done.approval_id), ApprovalState.DONE, {"code": "c"}, NOW)
    return await requests.request(done.id)


def handing(request: ProofRequest, key: str = "one", name: str = CLERK, **more: Any) -> NewHanding:
    """A secret that somebody hands over."""
    said: dict[str, Any] = {"given_to": HandedTo.APPLICANT, "agent": None, "seen": SeenHow.IN_PERSON} | more
    digest = hashlib.sha256(key.encode()).digest()
    head: dict[str, Any] = {"request_id": request.id, "account": account_of(name), "person": name}
    return NewHanding(key=key, digest=digest, at=NOW, **head, **said)


@pytest.mark.parametrize("name", [APPROVER, AUDITOR, STRANGER])
def test_nobody_but_a_clerk_of_the_organ_hands_out(village: Village, name: str) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        request = await sealed(requests, pool, f"by {name}")
        with pytest.raises(Forbidden):
            await PostgresHandings(pool).hand_out(handing(request, name=name))

    village.tell(story)


def test_only_what_is_sealed_is_handed_out_and_a_form_sent_twice_is_one(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        handings = PostgresHandings(pool)
        with pytest.raises(ActNotAllowed):
            await handings.hand_out(handing(await approved(requests, "not sealed")))
        request = await sealed(requests, pool, "twice")
        for _ in range(2):
            await handings.hand_out(handing(request))
        assert len(await handings.of_request(request.id)) == 1
        with pytest.raises(KeyReused):
            await handings.hand_out(handing(request, given_to=HandedTo.AGENT, agent="李*"))

    village.tell(story)


def test_a_secret_ends_with_time_with_use_with_failures_and_with_the_next(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        handings, page = PostgresHandings(pool), TryPlace.PAGE
        late = await sealed(requests, pool, "late")
        assert await handings.begin(late.id, page, NOW) is None, "nothing was handed out yet"
        await handings.hand_out(handing(late))
        with pytest.raises(HandingRefused):
            await handings.begin(late.id, page, NOW + LASTS)

        used = await sealed(requests, pool, "used")
        await handings.hand_out(handing(used))
        first = await handings.begin(used.id, page, NOW)
        assert first is not None
        await handings.note_opened(first, NOW)
        assert await handings.begin(used.id, page, NOW + AGAIN) is not None, "a line that dropped"
        with pytest.raises(HandingRefused):
            await handings.begin(used.id, page, NOW + AGAIN + timedelta(seconds=1))
        (kept,) = await handings.of_request(used.id)
        assert (kept.fetched_at, kept.failed, kept.is_open(NOW + AGAIN)) == (NOW, 1, True)
        assert not kept.is_open(NOW + AGAIN + timedelta(seconds=1))

        failed = await sealed(requests, pool, "failed")
        await handings.hand_out(handing(failed))
        for _ in range(FAILURES):
            await handings.begin(failed.id, page, NOW)
        with pytest.raises(HandingRefused):
            await handings.begin(failed.id, TryPlace.TERMINAL, NOW)
        await handings.hand_out(handing(failed, "two"))
        again = await handings.begin(failed.id, page, NOW)
        assert again is not None and again.digest == hashlib.sha256(b"two").digest(), "the next one opens"

    village.tell(story)


def test_tries_at_once_are_counted_one_by_one(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> list[object]:
        handings, request = PostgresHandings(pool), await sealed(requests, pool, "at once")
        await handings.hand_out(handing(request))
        tries = (handings.begin(request.id, TryPlace.PAGE, NOW) for _ in range(3 * FAILURES))
        return await asyncio.gather(*tries, return_exceptions=True)

    found = village.tell(story)
    assert sum(not isinstance(one, HandingRefused) for one in found) == FAILURES


def test_who_has_only_the_code_has_five_failures_a_day(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        handings, request = PostgresHandings(pool), await opened(requests, "guessed", None)
        for _ in range(FAILURES):
            tried = await handings.begin(request.id, TryPlace.CONTENT, NOW)
            assert tried is not None
        with pytest.raises(NoTryLeft):
            await handings.begin(request.id, TryPlace.CONTENT, NOW + timedelta(hours=23))
        assert await handings.begin(request.id, TryPlace.CONTENT, NOW + timedelta(hours=25)) is not None

    village.tell(story)


def test_who_knows_the_last_four_does_not_fill_the_record(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        handings, request = PostgresHandings(pool), await opened(requests, "opened often", None)
        for _ in range(MOST_OPENED):
            tried = await handings.begin(request.id, TryPlace.CONTENT, NOW)
            assert tried is not None
            await handings.note_opened(tried, NOW)
        with pytest.raises(NoTryLeft):
            await handings.begin(request.id, TryPlace.CONTENT, NOW + timedelta(hours=23))
        assert await handings.begin(request.id, TryPlace.CONTENT, NOW + timedelta(hours=25)) is not None

    village.tell(story)


def test_the_database_itself_counts_keeps_and_says_when(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> tuple[str, str]:
        handings = PostgresHandings(pool)
        old, other = await sealed(requests, pool, "old"), await sealed(requests, pool, "other")
        await handings.hand_out(handing(other))
        await handings.hand_out(handing(old))
        await handings.hand_out(handing(old, "newer"))
        return old.id, other.id

    old, other = village.tell(story)
    first = village.sql("select min(id) from handing_out where request_id = $1", old)
    newest = village.sql("select max(id) from handing_out where request_id = $1", old)
    assert "secret that has ended" in village.refused(INSERT_TRY, old, first, "page", NOW)
    assert "foreign key" in village.refused(INSERT_TRY, other, newest, "page", NOW), "another request's secret"
    assert "a_file_is_handed_out" in village.refused(INSERT_TRY, old, None, "page", NOW)
    opens = "insert into code_try (request_id, handing_id, place, at, opens) values ($1, $2, 'page', $3, $4)"
    its_own = village.sql("select max(id) from handing_out where request_id = $1", other)
    village.sql(INSERT_TRY, other, its_own, "page", NOW)
    of_other = village.sql("select max(id) from code_try where request_id = $1", other)
    assert "opened by a try for it" in village.refused(opens, old, newest, NOW, of_other)
    for table in ("handing_out", "code_try"):
        assert "append-only" in village.refused(f"update {table} set at = at")
        assert "append-only" in village.refused(f"delete from {table}")
    assert "lasts_seven_days" in village.refused(
        "insert into handing_out (request_id, key, digest, account, person, given_to, seen, at, ends_at)"
        " select $1, 'longer', sha256('x'), $2, $3, 'applicant', 'visit', at, at + interval '8 days'"
        " from (select $4::timestamptz as at) now",
        old, account_of(CLERK), CLERK, NOW,
    )  # fmt: skip


def test_whom_the_resident_names_is_kept_until_it_is_sealed(village: Village) -> None:
    async def story(requests: PostgresProofRequests, pool: Pool) -> None:
        handings = PostgresHandings(pool)
        online = await opened(requests, "tells", None)

        def choice(request: ProofRequest, key: str, receiver: str | None, account: str | None) -> ReceiverChoice:
            return ReceiverChoice(
                request_id=request.id, key=key, receiver=receiver, name=receiver, client=None, account=account, at=NOW
            )

        for _ in range(2):
            await handings.choose(choice(online, "one", "water", None))
        await handings.choose(choice(online, "two", None, account_of(CLERK)))
        newest = await handings.chosen(online.id)
        assert newest is not None and (newest.receiver, newest.account) == (None, account_of(CLERK))
        counter = await opened(requests, "tells at the counter")
        for account in (None, account_of(AUDITOR), account_of(STRANGER)):
            with pytest.raises(Forbidden):
                await handings.choose(choice(counter, f"by {account}", "water", account))
        done = await sealed(requests, pool, "tells too late")
        with pytest.raises(ActNotAllowed):
            await handings.choose(choice(done, "late", "water", account_of(CLERK)))

    village.tell(story)
