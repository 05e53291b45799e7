"""Drafts: opened at the counter or online, saved as they are typed, and how it was seen who asks.

A draft is kept exactly as it was written, incomplete or wrong: what is wrong is said, and refused when it is submitted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec

from certsvc.catalog.entry import entry_form
from certsvc.domain.calendar import beijing_date, weekdays_after
from certsvc.domain.organ import Member, Organ
from certsvc.domain.proof_acts import ProofAct
from certsvc.domain.proof_ground import CorrectionGround
from certsvc.domain.proof_request import (
    IdentityCheck,
    NewProofRequest,
    Origin,
    ProofRequest,
    hash_of_code,
    new_request_id,
    require_member,
    require_seen,
    require_state,
)
from certsvc.domain.receiver import Receiver, ReceiverChoice
from certsvc.errors import Forbidden, InvalidInput, NotFound, Problem
from certsvc.ids import ProgressCode, Ref, Uscc, new_progress_code
from certsvc.issuance.village.doubts import needed_now
from certsvc.issuance.village.lives import require_correctable
from certsvc.issuance.village.work import (
    Said,
    VillageWork,
    as_content,
    digest_of,
    kind_of,
    named_in,
    open_content,
    request_to_act,
    seal_content,
    visible,
)

WORKING_DAYS = 3
"""By when a proof is done where nothing else is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A request to be opened. `key` names it for who opens it, a resident's is drawn at random; `due` is the last day,
    as a clerk says it; `corrects` the certificate that it is to correct, `correction` why, and `ground` what everybody
    may read of that; `tells` the organ that the resident wants told."""

    key: str
    type_id: str
    said: Said
    due: date | None = None
    corrects: Ref | None = None
    correction: str | None = None
    ground: CorrectionGround | None = None
    tells: Receiver | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A request with the code by which the resident follows it."""

    request: ProofRequest
    code: ProgressCode


def problems_of(work: VillageWork, type_id: str, payload: Mapping[str, Any], on: date) -> list[Problem]:
    """What is still wrong with a draft, by field: what is answered though it is not asked, and a term that is over on
    this day, too."""
    kind = kind_of(work, type_id)
    return [*kind.problems(payload), *entry_form(kind).problems(payload), *kind.over(payload, on)]


async def open_at_counter(work: VillageWork, who: Member, asked: Opening, now: datetime) -> Opened:
    """A clerk opens a request; sent again it is the same, with the same code. A correction is due as usual, if nothing
    else is said.

    Raises:
        Forbidden: who opens it is no clerk.
        NotFound: there is no such proof, or none of this organ to correct.
        ActNotAllowed, Conflict: what is to be corrected is not; see `lives.require_correctable`.
        ProofRefused: it is not given out where the organ is.
        InvalidInput: it is too large.
        KeyReused: the key was used with other content.
    """
    require_member(who, ProofAct.OPEN)
    usual = None if asked.corrects is None else usual_due(beijing_date(now))
    return await _open(work, who.organ, who, asked, asked.due or usual, now)


async def open_online(work: VillageWork, organ: Uscc, asked: Opening, now: datetime) -> Opened:
    """A resident opens a request with an organ: it is only a request until a clerk has seen who asks. It is due when
    one at the counter is of which nothing else is said; whom they want told is on record with it or not at all.

    Raises:
        NotFound: there is no such organ or proof.
        ProofRefused: it is not given out there.
        Forbidden: a correction is asked for at the counter.
        InvalidInput, KeyReused: see `open_at_counter`.
    """
    if asked.corrects is not None:
        raise Forbidden("更正已发出的证明请到村（居）委会办理。", "Have a proof corrected at the counter.")
    due = usual_due(beijing_date(now))
    return await _open(work, await work.organs.organ(organ), None, asked, due, now)


def usual_due(today: date) -> date:
    """By when a proof is done that is asked for today, where nothing else is said."""
    return weekdays_after(today, WORKING_DAYS)


async def save_draft(
    work: VillageWork, who: Member, request_id: str, said: Said, seen: int, key: str, now: datetime
) -> ProofRequest:
    """A clerk saves a draft, or what was returned. Whoever is named anew, by another name or another number, is to be
    identified anew, and to agree anew.

    Raises:
        NotFound: there is no such request in this organ.
        Forbidden: who saves it is no clerk.
        ChangedMeanwhile: somebody else has saved it since.
        ActNotAllowed: it is with those who approve, or decided.
        InvalidInput, KeyReused: see `open_at_counter`.
    """
    request = await visible(work, who, request_id)
    require_member(who, ProofAct.SAVE)
    return await _save(work, request, who, said, seen, key, now)


async def save_by_code(
    work: VillageWork,
    code: ProgressCode,
    said: Said,
    seen: int,
    key: str,
    now: datetime,
    tells: ReceiverChoice | None = None,
) -> ProofRequest:
    """A resident corrects what they sent in online, and whom they want told, until it is with those who approve.

    Raises:
        NotFound: the code is no request's.
        Forbidden: it was made at the counter, and is corrected there.
        ChangedMeanwhile, ActNotAllowed, InvalidInput, KeyReused: see `save_draft`.
    """
    request = await work.requests.of_code(hash_of_code(code))
    if request.origin is not Origin.ONLINE:
        raise Forbidden("在柜台办理的申请请到柜台修改。", "What was asked for at the counter is changed there.")
    return await _save(work, request, None, said, seen, key, now, tells)


async def record_identity(
    work: VillageWork, who: Member, request_id: str, how: IdentityCheck, seen: int, key: str, now: datetime
) -> ProofRequest:
    """A clerk records how it was seen who asks: in their own name, now.

    Raises:
        NotFound, Forbidden, ChangedMeanwhile, ActNotAllowed, KeyReused: see `save_draft`.
    """
    request = await visible(work, who, request_id)
    require_member(who, ProofAct.IDENTIFY)
    act = request_to_act(ProofAct.IDENTIFY, request_id, who, seen, key, digest_of("identify", how, seen), identity=how)
    if await work.requests.acted_before(act):
        return request
    require_seen(request, seen)
    require_state(request, ProofAct.IDENTIFY)
    return await work.requests.act(act, None, now)


async def _open(
    work: VillageWork, organ: Organ, who: Member | None, asked: Opening, due: date | None, now: datetime
) -> Opened:
    kind, request_id, code = kind_of(work, asked.type_id), new_request_id(), new_progress_code()
    if (asked.corrects is None) != (asked.correction is None):
        raise InvalidInput("更正要写明原因和原证明。", "A correction names the proof, and says why.")
    if asked.corrects is None:
        work.require_kept(organ, kind.id, now)
    else:
        await _require_own(work, organ.uscc, asked)
        if not await work.requests.was_opened(who.account if who else None, asked.key):
            await require_correctable(work, asked.corrects, now)
    said = asked.said
    # what was asked, and not the day that follows from it: the same form sent again after midnight is the same
    beside = said.contact, said.notes, said.consent, asked.due, asked.corrects and asked.corrects.typed_code
    tells = choice_of(request_id, asked.key, asked.tells, who, now) if asked.tells else None
    named = asked.tells and asked.tells.id
    digest = digest_of("open", organ.uscc, asked.type_id, said.payload, *beside, _why(asked), named)
    content = as_content(said, code, asked.correction, asked.ground)
    new = NewProofRequest(
        id=request_id,
        organ=organ.uscc,
        type_id=kind.id,
        origin=Origin.COUNTER if who else Origin.ONLINE,
        code_hash=hash_of_code(code),
        due=due,
        corrects=asked.corrects,
        content=seal_content(work, request_id, kind, content),
        needs=needed_now(work, organ, kind.id, now),
        tells=tells,
    )
    act = request_to_act(ProofAct.OPEN, request_id, who, 0, asked.key, digest, consent=said.consent)
    request = await work.requests.open(new, act, now)
    return Opened(request, ProgressCode(open_content(work, request).code))


def _why(asked: Opening) -> Any:
    """Why it is corrected, as the same form says it again."""
    return [asked.correction, asked.ground] if asked.ground else asked.correction


def choice_of(
    request_id: str, key: str, receiver: Receiver | None, who: Member | None, now: datetime
) -> ReceiverChoice:
    """Whom the resident agrees is told, nobody without a `receiver`; without `who`, the resident says so."""
    return ReceiverChoice(
        request_id=request_id,
        key=key,
        receiver=receiver.id if receiver else None,
        name=receiver.name.zh if receiver else None,
        client=receiver.client if receiver else None,
        account=who.account if who else None,
        at=now,
    )


async def _require_own(work: VillageWork, organ: Uscc, asked: Opening) -> None:
    """A proof of another organ, or of another kind, is not there to be corrected."""
    assert asked.corrects is not None
    newest = await work.issuing.register.newest_version(asked.corrects)
    if (newest.issuer.uscc, newest.type_id) != (organ, asked.type_id):
        code = asked.corrects.typed_code
        raise NotFound(f"登记簿中没有 {code}。", f"{code} is not on record.")


async def _save(
    work: VillageWork,
    request: ProofRequest,
    who: Member | None,
    said: Said,
    seen: int,
    key: str,
    now: datetime,
    tells: ReceiverChoice | None = None,
) -> ProofRequest:
    digest = digest_of("save", said.payload, said.contact, said.notes, said.consent, seen, tells and tells.receiver)
    act = request_to_act(ProofAct.SAVE, request.id, who, seen, key, digest, consent=said.consent)
    if await work.requests.acted_before(act):
        return request
    require_seen(request, seen)
    require_state(request, ProofAct.SAVE)
    known, kind = open_content(work, request), kind_of(work, request.type_id)
    content = as_content(said, ProgressCode(known.code), known.correction, known.ground)
    others = named_in(kind, known.payload) != named_in(kind, content.payload)
    content = msgspec.structs.replace(content, named_since=seen + 1 if others else known.named_since)
    sealed = seal_content(work, request.id, kind, content, is_of_others=others)
    return await work.requests.act(act, sealed, now, tells)
