"""Evidence: what was brought with a request, added and removed while it is with its clerk, and looked at by who reads
the request.

What an approver has seen is said by the version of the request: adding and removing make a new one.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from certsvc.domain.evidence import (
    JPEG,
    MOST_FILE,
    MOST_PICTURE,
    THUMBNAIL,
    DrawnEvidence,
    Evidence,
    KeptEvidence,
    NewEvidence,
    SealedPart,
    context_of_part,
    new_evidence_id,
    parse_evidence_name,
    require_room,
)
from certsvc.domain.organ import Member
from certsvc.domain.proof_acts import ProofAct
from certsvc.domain.proof_request import (
    RESIDENT,
    Origin,
    ProofActRequest,
    ProofRequest,
    hash_of_code,
    require_member,
    require_seen,
    require_state,
)
from certsvc.errors import EvidenceRefused, FileTooLarge, Forbidden, InvalidInput
from certsvc.ids import ProgressCode
from certsvc.issuance.village.work import VillageWork, digest_of, request_to_act, visible
from certsvc.services import EvidenceDrawer


@dataclass(frozen=True, slots=True)
class Brought:
    """A file as it was sent: what it is, if that was typed, the name of the file, its content."""

    typed: str
    file_name: str
    content: bytes


async def evidence_of(work: VillageWork, request: ProofRequest) -> tuple[Evidence, ...]:
    """The evidence that a request has now, in the order in which it came; none where it is erased.

    Raises:
        CustodyError: the key it is encrypted with is lost.
    """
    return tuple(_opened(work, kept) for kept in await work.evidence.of_request(request.id))


async def own_evidence(work: VillageWork, request: ProofRequest) -> Sequence[tuple[Evidence, bytes]]:
    """What the resident has added to a request themselves, each with its small picture: for who has been let in by
    `handing.open_by_code`. What a clerk has added may be about others, and is shown at the counter.

    Raises:
        NotFound: one was removed this moment.
        CustodyError: the key it is encrypted with is lost.
    """
    found = []
    for one in await evidence_of(work, request):
        if one.person == RESIDENT:
            part = await work.evidence.page(request.id, one.id, THUMBNAIL)
            found.append((one, _plain(work, request.id, one.id, THUMBNAIL, part)))
    return found


async def attach(
    work: VillageWork,
    drawer: EvidenceDrawer,
    who: Member,
    request_id: str,
    brought: Brought,
    seen: int,
    key: str,
    now: datetime,
) -> ProofRequest:
    """A clerk adds evidence to a draft, or to what was returned.

    Raises:
        NotFound: there is no such request in this organ.
        Forbidden: who adds it is no clerk.
        ChangedMeanwhile: somebody else has changed the request since.
        ActNotAllowed: it is with those who approve, or decided; or it has as much as it may have.
        EvidenceRefused, UnreadableFile: the file is none that can be drawn; it says why.
        FileTooLarge, InvalidInput, KeyReused, WorkersBusy: see their titles.
    """
    request = await visible(work, who, request_id)
    require_member(who, ProofAct.ATTACH)
    return await _attach(work, drawer, request, who, brought, seen, key, now)


async def attach_by_code(
    work: VillageWork, drawer: EvidenceDrawer, code: ProgressCode, brought: Brought, seen: int, key: str, now: datetime
) -> ProofRequest:
    """A resident adds evidence to what they sent in online.

    Raises:
        NotFound: the code is no request's.
        Forbidden: it was made at the counter, and is changed there.
        ChangedMeanwhile, ActNotAllowed, EvidenceRefused, and so on: see `attach`.
    """
    request = await _own_online(work, code)
    return await _attach(work, drawer, request, None, brought, seen, key, now)


async def detach(
    work: VillageWork, who: Member, request_id: str, evidence_id: str, seen: int, key: str, now: datetime
) -> ProofRequest:
    """A clerk removes evidence: it is gone at once, and that it was there stays on record.

    Raises:
        NotFound: there is no such request in this organ, or it has no such evidence.
        Forbidden, ChangedMeanwhile, ActNotAllowed, KeyReused: see `attach`.
    """
    request = await visible(work, who, request_id)
    require_member(who, ProofAct.DETACH)
    return await _detach(work, request, who, evidence_id, seen, key, now)


async def detach_by_code(
    work: VillageWork, code: ProgressCode, evidence_id: str, seen: int, key: str, now: datetime
) -> ProofRequest:
    """A resident removes evidence that they added to what they sent in online.

    Raises:
        Forbidden: a clerk added it.
        NotFound, ChangedMeanwhile, ActNotAllowed, KeyReused: see `attach_by_code`.
    """
    request = await _own_online(work, code)
    if any(one.id == evidence_id and one.person != RESIDENT for one in await work.evidence.of_request(request.id)):
        raise Forbidden("经办人添加的附件，请到柜台改。", "What the clerk has added is changed at the counter.")
    return await _detach(work, request, None, evidence_id, seen, key, now)


async def picture(work: VillageWork, who: Member, request_id: str, evidence_id: str, page: int, now: datetime) -> bytes:
    """A page of evidence as JPEG, or its thumbnail (0). That somebody else than its clerk looks at a whole page goes on
    record first.

    Raises:
        NotFound: there is no such request in this organ, or it has no such page.
        CustodyError: the key it is encrypted with is lost.
    """
    request = await visible(work, who, request_id)
    part = await work.evidence.page(request.id, evidence_id, page)
    if page != THUMBNAIL and request.handler != who.account:
        await work.requests.note_view(request.id, who.name, now)
    return _plain(work, request.id, evidence_id, page, part)


async def _attach(
    work: VillageWork,
    drawer: EvidenceDrawer,
    request: ProofRequest,
    who: Member | None,
    brought: Brought,
    seen: int,
    key: str,
    now: datetime,
) -> ProofRequest:
    name = parse_evidence_name(brought.typed, brought.file_name)
    if len(brought.content) > MOST_FILE:
        raise too_large()
    act = _asked(ProofAct.ATTACH, request, who, seen, key, name, hashlib.sha256(brought.content).hexdigest())
    if await work.requests.acted_before(act):
        return request
    require_seen(request, seen)
    require_state(request, ProofAct.ATTACH)
    require_room(len(await work.evidence.of_request(request.id)))
    drawn = await drawer.draw(brought.content)
    return await work.evidence.attach(act, _sealed(work, request.id, name, drawn), now)


async def _detach(
    work: VillageWork,
    request: ProofRequest,
    who: Member | None,
    evidence_id: str,
    seen: int,
    key: str,
    now: datetime,
) -> ProofRequest:
    act = _asked(ProofAct.DETACH, request, who, seen, key, evidence_id)
    if await work.requests.acted_before(act):
        return request
    require_seen(request, seen)
    require_state(request, ProofAct.DETACH)
    return await work.evidence.detach(act, evidence_id, now)


async def _own_online(work: VillageWork, code: ProgressCode) -> ProofRequest:
    request = await work.requests.of_code(hash_of_code(code))
    if request.origin is not Origin.ONLINE:
        raise Forbidden("在柜台办理的申请请到柜台修改。", "What was asked for at the counter is changed there.")
    return request


def _asked(
    act: ProofAct, request: ProofRequest, who: Member | None, seen: int, key: str, *said: str
) -> ProofActRequest:
    return request_to_act(act, request.id, who, seen, key, digest_of(act, *said, seen))


def _sealed(work: VillageWork, request_id: str, name: str, drawn: DrawnEvidence) -> NewEvidence:
    """What is kept of a file, if the process that drew it kept to what was asked of it."""
    pictures = (drawn.thumbnail, *drawn.pages)
    if not all(each.startswith(JPEG) and len(each) <= MOST_PICTURE for each in pictures):
        raise EvidenceRefused("这个文件画不出来。", "This file cannot be drawn.")
    cipher, evidence_id = work.issuing.cipher, new_evidence_id()

    def sealed(plain: bytes, page: int | None) -> SealedPart:
        return SealedPart(cipher.encrypt(plain, context_of_part(request_id, evidence_id, page)), cipher.key_id)

    try:
        called = sealed(name.encode("utf-8"), None)
    except UnicodeEncodeError:
        raise InvalidInput("附件的名称里有不成字的字符。", "The name holds what is no character.") from None
    parts = tuple(sealed(each, page) for page, each in enumerate(pictures))
    return NewEvidence(id=evidence_id, kind=drawn.kind, name=called, pictures=parts)


def _plain(work: VillageWork, request_id: str, evidence_id: str, page: int, part: SealedPart) -> bytes:
    return work.issuing.cipher.decrypt(part.sealed, context_of_part(request_id, evidence_id, page), part.key_id)


def _opened(work: VillageWork, kept: KeptEvidence) -> Evidence:
    context = context_of_part(kept.request_id, kept.id)
    name = work.issuing.cipher.decrypt(kept.name.sealed, context, kept.name.key_id).decode("utf-8")
    return Evidence(
        id=kept.id,
        request_id=kept.request_id,
        version=kept.version,
        kind=kept.kind,
        pages=kept.pages,
        name=name,
        person=kept.person,
        at=kept.at,
    )


def too_large() -> FileTooLarge:
    """The error, for a file over the limit."""
    most = MOST_FILE // 1024 // 1024
    return FileTooLarge(
        f"这个文件超过 {most} MB：请把照片拍小一点，或分成几个文件。",
        f"This file is over {most} MB: take a smaller photo, or bring it in several files.",
    )
