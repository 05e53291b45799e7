"""A proof in doubt, held by the database: nothing is submitted without what was found, whoever writes past our code."""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_requests"))
from village_people import (
    APPROVER,
    AUDITOR,
    CLERK,
    CONSENT,
    NOW,
    PROOF,
    SECOND,
    TODAY,
    VILLAGE,
    account_of,
    act,
    content,
    to_approve,
)
from village_room import Village

from certsvc.domain.proof_acts import ProofAct
from certsvc.domain.proof_doubt import DoubtCheck, DoubtNeed, DoubtRecord, open_needs, require_doubts
from certsvc.domain.proof_request import (
    IdentityCheck,
    NewProofRequest,
    Origin,
    ProofRequest,
    hash_of_code,
    new_request_id,
)
from certsvc.errors import ActNotAllowed, ChangedMeanwhile, Forbidden, KeyReused
from certsvc.ids import new_progress_code
from certsvc.store.proof_requests import PostgresProofRequests

pytest_plugins = ["village_fixtures"]
LAW, RECEIVER = DoubtNeed.LEGAL_REVIEW, DoubtNeed.RECEIVER_ACCEPTS
NEEDS = st.lists(st.sampled_from(DoubtNeed), max_size=4)


async def doubtful(requests: PostgresProofRequests, key: str) -> ProofRequest:
    """A draft of the clerk with two checks to be made, and who asks is known."""
    request_id = new_request_id()
    new = NewProofRequest(
        id=request_id,
        organ=VILLAGE,
        type_id=PROOF,
        origin=Origin.COUNTER,
        code_hash=hash_of_code(new_progress_code()),
        due=TODAY,
        corrects=None,
        content=content(),
        needs=(LAW, RECEIVER),
    )
    made = await requests.open(new, act(request_id, ProofAct.OPEN, CLERK, key=key, consent=CONSENT), NOW)
    return await requests.act(act(made, ProofAct.IDENTIFY, CLERK, identity=IdentityCheck.VISIT), None, NOW)


def record(request: ProofRequest, need: DoubtNeed, name: str = CLERK, **more: Any) -> DoubtRecord:
    """Somebody puts on record what was found."""
    made = DoubtRecord(
        request_id=request.id,
        need=need,
        said="审查过",
        account=account_of(name),
        person=name,
        seen=request.version,
        key=f"{need} {name}",
        digest=bytes(32),
    )
    return replace(made, **more)


async def submit(requests: PostgresProofRequests, request: ProofRequest) -> None:
    """Past the use case, as the store does it."""
    await requests.asking(act(request, ProofAct.SUBMIT, CLERK), NOW).ask(to_approve(request))


def test_it_is_submitted_only_once_everything_is_on_record_about_who_is_named(village: Village) -> None:
    async def story(requests: PostgresProofRequests, _: Any) -> None:
        request = await doubtful(requests, "all")
        assert list(await requests.needs(request.id)) == [LAW, RECEIVER]
        for _ in range(2):
            await requests.record_doubt(record(request, LAW), NOW)
        with pytest.raises(KeyReused):
            await requests.record_doubt(record(request, LAW, digest=b"x" * 32), NOW)
        with pytest.raises(ActNotAllowed, match="consent of the receiving organ") as met:
            await submit(requests, request)
        assert "法律审查" not in met.value.zh
        await requests.record_doubt(record(request, RECEIVER, SECOND), NOW)
        assert [check.need for check in await requests.doubts(request.id)] == [LAW, RECEIVER]
        assert account_of(SECOND) in await requests.makers(request.id)
        saved = act(request, ProofAct.SAVE, CLERK, consent=CONSENT)
        other = await requests.act(saved, content("y", "another holder"), NOW)
        other = await requests.act(act(other, ProofAct.IDENTIFY, CLERK, identity=IdentityCheck.VISIT), None, NOW)
        assert list(await requests.doubts(request.id)) == [], "another person is looked into anew"
        with pytest.raises(ActNotAllowed, match="legal review, consent"):
            await submit(requests, other)
        for need in (LAW, RECEIVER):
            await requests.record_doubt(record(other, need, key=f"{need} again"), NOW)
        await submit(requests, other)
        waiting = await requests.request(request.id)
        with pytest.raises(ActNotAllowed):
            await requests.record_doubt(record(waiting, LAW, key="too late"), NOW)

    village.tell(story)


def test_nobody_records_what_they_did_not_see_or_may_not(village: Village) -> None:
    async def story(requests: PostgresProofRequests, _: Any) -> None:
        request = await doubtful(requests, "who")
        for name in (APPROVER, AUDITOR):
            with pytest.raises(Forbidden):
                await requests.record_doubt(record(request, LAW, name), NOW)
        with pytest.raises(Forbidden):
            await requests.record_doubt(record(request, LAW, person=SECOND), NOW)
        with pytest.raises(ChangedMeanwhile):
            await requests.record_doubt(record(request, LAW, seen=request.version - 1), NOW)
        at_once = await asyncio.gather(*(requests.record_doubt(record(request, LAW), NOW) for _ in range(4)))
        assert len(at_once) == 4 and len(await requests.doubts(request.id)) == 1

    village.tell(story)


def test_what_it_needs_and_what_was_found_never_change(village: Village) -> None:
    async def story(requests: PostgresProofRequests, _: Any) -> str:
        request = await doubtful(requests, "kept")
        await requests.record_doubt(record(request, LAW), NOW)
        return request.id

    request_id = village.tell(story)
    for statement in (
        "update proof_doubt set needs = '{paper}' where request_id = $1",
        "delete from proof_doubt where request_id = $1",
        "update proof_doubt_check set need = 'receiver_accepts' where request_id = $1",
        "delete from proof_doubt_check where request_id = $1",
    ):
        assert village.refused(statement, request_id)
    late = "insert into proof_doubt (request_id, needs) values ($1, '{paper}') on conflict do nothing"
    assert "said when it is opened" in village.refused(late, request_id)


@given(NEEDS, NEEDS)
def test_what_is_open_is_what_is_needed_and_not_found(needs: list[DoubtNeed], found: list[DoubtNeed]) -> None:
    checks = [DoubtCheck(need=need, said="x", version=1, account="a", person="人", at=NOW) for need in found]
    missing = open_needs(needs, checks)
    assert set(missing) == set(needs) - set(found) and len(missing) == len(set(missing))
    if missing:
        with pytest.raises(ActNotAllowed):
            require_doubts(needs, checks)
    else:
        require_doubts(needs, checks)
