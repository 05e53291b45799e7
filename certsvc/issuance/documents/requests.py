"""Take in what a department wants sealed: a document of its own, or digests. Everything is checked, and rehearsed with
throw-away keys; then the intent goes on record and a worker seals."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding

from certsvc.domain.actor import Actor, area_of
from certsvc.domain.document_seal import (
    JOB,
    MAX_FILE,
    AtKeyword,
    Authorization,
    DigestsAsked,
    DocumentAsked,
    Failure,
    PlacedSeal,
    PreparedFile,
    Rule,
    SealAsked,
    SealingDraft,
    SealingRequest,
    State,
    new_request_id,
    parse_request_id,
    require_for_documents,
)
from certsvc.domain.job import JobError
from certsvc.domain.scope import ALL, DOCUMENT
from certsvc.domain.seal import Placement, Seal, no_seal
from certsvc.domain.seal_form import MOST_SEALS
from certsvc.errors import (
    DocumentRefused,
    FileTooLarge,
    Forbidden,
    InvalidInput,
    NotAPdf,
    NotFound,
    Problem,
    SelfCheckFailed,
)
from certsvc.issuance.documents.service import DocumentOffice, require_sound
from certsvc.issuance.documents.shapes import Prepare, SealToPlace
from certsvc.render.seal_picture import draw_seal
from certsvc.seal.document import DocumentSeal, seal_document

PATIENCE = timedelta(days=7)
"""So long a request waits for a seal that cannot be used, a timestamp, a key."""

AUTHORIZED_FOR = timedelta(minutes=5)
GIVEN_UP = Failure(
    code="not_in_time",
    zh="没有等到签名，请求已作废：请重新授权、重新请求。",
    en="Nobody waits for the signatures any more: authorise and ask anew.",
)
WAITED_IN_VAIN = Failure(
    code="not_in_time",
    zh=f"等了 {PATIENCE.days} 天没有盖成，请求已作废：请查明这枚印章为何一直用不了，再用新编号重新请求。",
    en=f"It could not be sealed for {PATIENCE.days} days and is given up: find out why its seal could not be used, and "
    "ask anew under another key.",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, ended or not, and why it is still waiting if a worker tried in vain."""

    request: SealingRequest
    waiting: JobError | None = None


async def take_file(office: DocumentOffice, actor: Actor, data: bytes, now: datetime) -> bytes:
    """Keep a file that is to be sealed; its SHA-256. It is opened when a request names it.

    Raises:
        Forbidden: the actor may seal no document.
        FileTooLarge, NotAPdf: over 20 MiB, or no PDF.
    """
    actor.require(DOCUMENT, ALL)
    if len(data) > MAX_FILE:
        raise FileTooLarge("文件超过 20 MiB。", "The file is over 20 MiB.")
    if not data.startswith(b"%PDF-"):
        raise NotAPdf("这不是 PDF 文件。", "This is not a PDF file.")
    digest = hashlib.sha256(data).digest()
    await office.requests.keep_file(actor.name, digest, len(data), now)
    return office.blobs.put(data)


async def ask_for_seals(
    office: DocumentOffice, actor: Actor, asked: DocumentAsked, now: datetime, seconds: float
) -> Asked:
    """Have a document sealed; the same request again is the same. A worker is waited for at most so long.

    Raises:
        Forbidden: the actor may not use a seal, it is bound to certificate types, or a person has to approve its use.
        NotFound: there is no such seal, or only in other areas, or the actor has not sent the file.
        DocumentRefused: the file cannot be sealed, or not there; with the reason.
        SealRefused: a seal is not enabled, or its rules do not allow this use.
        KeyReused: the request of this name had other content.
        WorkersBusy, UnreadableFile: the file could not be looked at.
    """
    content = _content(asked)
    known = await office.requests.known(asked.client, asked.key, content)
    if known is None:
        seals = await _usable(office, actor, [each.seal_id for each in asked.seals], now)
        await office.requests.require_file(asked.client, asked.file)
        file, places = await _prepare(office, asked, seals, now)
        placed = [PlacedSeal(seal_id=seal.id, place=place) for seal, place in zip(seals, places, strict=True)]
        draft = _draft(asked, content, tuple(placed), now)
        known = await office.requests.create(replace(draft, file=file))
    return await awaited(office, known, seconds)


async def ask_for_signatures(
    office: DocumentOffice, actor: Actor, asked: DigestsAsked, now: datetime, seconds: float
) -> Asked:
    """Have digests signed; the same request again is the same. A worker is waited for at most so long.

    Raises:
        Forbidden, NotFound, SealRefused, KeyReused: see `ask_for_seals`.
        AuthorizationRefused: what it was authorised by is not good for it.
    """
    content = _content(asked)
    known = await office.requests.known(asked.client, asked.key, content)
    if known is None:
        await _usable(office, actor, [asked.seal_id], now)
        draft = _draft(asked, content, (PlacedSeal(seal_id=asked.seal_id, place=None),), now)
        known = await office.requests.create(
            replace(
                draft,
                digests=asked.digests,
                output=asked.output,
                authorization=asked.authorization,
                good_until=asked.good_until or draft.good_until,
            )
        )
    return await awaited(office, known, seconds)


async def authorize(
    office: DocumentOffice, actor: Actor, seal_id: str, digests: Sequence[bytes], now: datetime
) -> tuple[str, datetime]:
    """Leave to sign exactly these digests once, within five minutes: the secret that says so, and until when.

    Raises:
        Forbidden, NotFound: see `ask_for_seals`.
    """
    await _usable(office, actor, [seal_id], now)
    sad, until = secrets.token_urlsafe(32), now + AUTHORIZED_FOR
    authorization = Authorization(
        sad_hash=hash_of(sad),
        client=actor.name,
        seal_id=seal_id,
        digests=tuple(digests),
        authorized_at=now,
        expires_at=until,
    )
    await office.requests.authorize(authorization)
    return sad, until


def hash_of(sad: str) -> bytes:
    """What is kept of signature activation data."""
    return hashlib.sha256(sad.encode("utf-8", "surrogatepass")).digest()


async def give_up(office: DocumentOffice, request_id: str, now: datetime) -> SealingRequest:
    """Whoever asked waits no longer: what is not done is never done. The request as it ended."""
    return await office.requests.fail(request_id, GIVEN_UP, now)


async def awaited(office: DocumentOffice, request: SealingRequest, seconds: float) -> Asked:
    """A request once it has ended, or as it is after so many seconds."""
    found = request

    async def has_ended() -> bool:
        nonlocal found
        found = await office.requests.request(request.id)
        return found.state is not State.WAITING

    if request.state is not State.WAITING:
        return Asked(request)
    why = await office.outcomes.settled(JOB, request.id, seconds, has_ended)
    return Asked(found, why)


async def read_request(office: DocumentOffice, actor: Actor, request_id: str) -> Asked:
    """A request of the actor's, and why it is still waiting.

    Raises:
        NotFound: there is none of its own.
    """
    found = await office.requests.request(parse_request_id(request_id), actor.name)
    if found.state is not State.WAITING:
        return Asked(found)
    return Asked(found, await office.outcomes.error_of(JOB, request_id))


async def list_requests(
    office: DocumentOffice, actor: Actor, before: str | None, limit: int
) -> Sequence[SealingRequest]:
    """The actor's requests, newest first; with `before` those older than that one."""
    return await office.requests.listed(actor.name, before, limit)


async def read_sealed(office: DocumentOffice, actor: Actor, request_id: str) -> bytes:
    """The sealed document of a request of the actor's.

    Raises:
        NotFound: there is none, or it is not sealed.
    """
    found = await office.requests.request(parse_request_id(request_id), actor.name)
    if found.sealed is None:
        raise NotFound(f"{request_id} 还没有盖好的文件。", f"{request_id} has no sealed document.")
    return office.blobs.get(found.sealed)


def may_use(actor: Actor, seal: Seal) -> bool:
    """Whether this is a seal for documents that the actor may use, whatever its state."""
    return seal.is_for_documents and actor.may(DOCUMENT, ALL, [seal.id], area_of(seal.owner_uscc))


async def _usable(office: DocumentOffice, actor: Actor, seal_ids: Sequence[str], now: datetime) -> Sequence[Seal]:
    if not 1 <= len(seal_ids) <= MOST_SEALS or len(set(seal_ids)) != len(seal_ids):
        raise InvalidInput(f"应为一至{MOST_SEALS}枚不同的印章。", f"Name 1 to {MOST_SEALS} different seals.")
    actor.require(DOCUMENT, ALL, seal_ids)
    seals = [(await office.seals.seal(seal_id, now)).seal for seal_id in seal_ids]
    for seal in seals:
        if not actor.may(DOCUMENT, ALL, [seal.id], area_of(seal.owner_uscc)):
            raise no_seal(seal.id)
    require_for_documents(seals)
    if waiting := [seal.id for seal in seals if office.needs_approval(seal, actor)]:
        raise Forbidden(f"印章 {waiting[0]} 每次用印须由人批准。", f"A person has to approve each use of {waiting[0]}.")
    return seals


async def _prepare(
    office: DocumentOffice, asked: DocumentAsked, seals: Sequence[Seal], now: datetime
) -> tuple[PreparedFile, Sequence[Placement]]:
    """The file that lacks only its seals, kept; and where they stand. The rehearsal's output is checked as ours is."""
    placed = [_to_place(each, seal, office.extra_fonts) for each, seal in zip(asked.seals, seals, strict=True)]
    prepared = await office.reader.prepare(Prepare(office.blobs.get(asked.file), tuple(placed), asked.cross_page))
    await _rehearse(office, prepared.pdf, asked, seals, now)
    digest = office.blobs.put(prepared.pdf)
    return PreparedFile(source=asked.file, prepared=digest, pages=prepared.pages), prepared.places


def _to_place(asked: SealAsked, seal: Seal, extra_fonts: tuple[str, ...]) -> SealToPlace:
    position = asked.position
    return SealToPlace(
        picture=draw_seal(seal.design, extra_fonts),
        description=f"电子印章：{seal.owner}",
        rule=position if isinstance(position, Rule) else None,
        placement=position if isinstance(position, Placement) else None,
        keyword=position if isinstance(position, AtKeyword) else None,
    )


async def _rehearse(
    office: DocumentOffice, prepared: bytes, asked: DocumentAsked, seals: Sequence[Seal], now: datetime
) -> None:
    keys, ids = office.rehearsal_keys, [seal.id for seal in seals]
    for seal in seals:
        office.rehearsal_seals.make(seal, now)
    sealings = [keys.sealing(seal_id) for seal_id in ids]
    put_on = [DocumentSeal(sealing=sealing, reason=asked.reason) for sealing in sealings]
    data = keys.validation_data(ids, now)
    sealed = seal_document(prepared, put_on, timestamper=keys.timestamper, validation_data=data, now=now)
    root = sealings[0].chain[-1].public_bytes(Encoding.DER)
    try:
        await require_sound(office.reader, sealed, sealings, lambda: (root,), now)
    except SelfCheckFailed as error:
        zh = f"盖在它上面的章试验时核对不过，换一种方式导出：{error.zh}"
        en = f"A seal on it would not verify, as a rehearsal shows; export it another way. {error.en}"
        raise DocumentRefused(zh, en, problems=[Problem("file", "does_not_verify", zh, en)]) from None


def _draft(
    asked: DocumentAsked | DigestsAsked, content: bytes, seals: tuple[PlacedSeal, ...], now: datetime
) -> SealingDraft:
    return SealingDraft(
        id=new_request_id(now),
        client=asked.client,
        key=asked.key,
        content=content,
        reason=asked.reason,
        seals=seals,
        requested_at=now,
        good_until=now + PATIENCE,
    )


def _content(asked: DocumentAsked | DigestsAsked) -> bytes:
    """SHA-256 of what is asked: the same key with another digest is another request."""
    table: dict[str, Any] = {"kind": type(asked).__name__, "asked": replace(asked, client="", key="")}
    return hashlib.sha256(msgspec.json.encode(table, order="deterministic")).digest()
