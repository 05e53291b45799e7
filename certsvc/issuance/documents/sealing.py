"""Seal what was asked: book the use, seal, check our own output, put it on record. Killed anywhere, it begins again
from the prepared file; a key that was used before is then used again, and each use is on record."""

from datetime import datetime

from certsvc.authority.timestamps import PunctualTimestamper, require_real_time
from certsvc.domain.document_seal import Failure, Output, SealingRequest, State
from certsvc.errors import CertsvcError, Forbidden, InvalidInput, SelfCheckFailed
from certsvc.issuance.documents.requests import GIVEN_UP, WAITED_IN_VAIN
from certsvc.issuance.documents.service import DocumentSealer, require_sound
from certsvc.issuance.service import Arrow
from certsvc.seal.cms import make_cms
from certsvc.seal.document import DocumentSeal, prepare_document_seals
from certsvc.seal.evidence import require_evidence
from certsvc.services import Sealing

FOR_GOOD = (Forbidden, InvalidInput, SelfCheckFailed)
"""What is no better the next time."""


async def carry_out_request(sealer: DocumentSealer, request_id: str, now: datetime) -> None:
    """The handler of the job: seal the document or sign the digests of a request. One that has ended is left alone; one
    that cannot be done for good is put on record as failed.

    Raises:
        SealRefused, CustodyError, Unavailable: it cannot be done now, and is to be tried again.
    """
    request = await sealer.requests.request(request_id)
    if request.state is not State.WAITING:
        return
    if now >= request.good_until:
        await sealer.requests.fail(request_id, GIVEN_UP if request.file is None else WAITED_IN_VAIN, now)
        return
    try:
        await sealer.requests.require_uses(request, sealer.clock())
        if request.file is None:
            await _sign(sealer, request, now)
        else:
            await _seal(sealer, request, now)
    except FOR_GOOD as error:
        await sealer.requests.fail(request_id, _failure(error), now)
        return
    sealer.walk(Arrow.PUBLISHED, {"request": request_id})


def _failure(error: CertsvcError) -> Failure:
    return Failure(code=error.code, zh=error.zh[:1000], en=error.en[:1000])


async def _seal(sealer: DocumentSealer, request: SealingRequest, now: datetime) -> None:
    assert request.file is not None
    ids = [seal.seal_id for seal in request.seals]
    prepared = pdf = sealer.blobs.get(request.file.prepared)
    sealings = [sealer.keys.sealing(seal_id) for seal_id in ids]
    seals = [DocumentSeal(sealing=sealing, reason=request.reason) for sealing in sealings]
    data = sealer.keys.validation_data(ids, now)
    timestamper = PunctualTimestamper(sealer.keys.timestamper, sealer.clock)
    turns = prepare_document_seals(prepared, seals, validation_data=data, now=now)
    for turn, seal in zip(turns, request.seals, strict=True):
        detail = {"request": request.id, "seal": seal.seal_id}
        unsealed = turn.prepare(pdf)
        sealer.walk(Arrow.PREPARED, detail)
        require_real_time(now, sealer.clock())
        use = await sealer.requests.book_use(request, seal, unsealed.digest, now)
        sealer.walk(Arrow.USE_BOOKED, {**detail, "use": use})
        pdf = unsealed.seal(timestamper, now)
        sealer.walk(Arrow.SEALED, detail)
    await require_sound(sealer.reader, pdf, sealings, sealer.roots, now)
    sealer.walk(Arrow.SELF_CHECKED, {"request": request.id})
    digest = sealer.blobs.put(pdf)
    sealer.walk(Arrow.STORED, {"request": request.id})
    await sealer.requests.finish(request, digest, (), now)


async def _sign(sealer: DocumentSealer, request: SealingRequest, now: datetime) -> None:
    """Each digest is a use of its own, on record before the key sees it."""
    (seal,) = request.seals
    sealing = sealer.keys.sealing(seal.seal_id)
    require_evidence(sealing, sealer.keys.validation_data(seal.seal_id, now), now)
    signatures: list[bytes] = []
    for digest in request.digests:
        require_real_time(now, sealer.clock())
        use = await sealer.requests.book_use(request, seal, digest, now)
        sealer.walk(Arrow.USE_BOOKED, {"request": request.id, "use": use})
        signatures.append(_signature(sealer, sealing, request, digest, now))
        sealer.walk(Arrow.SEALED, {"request": request.id})
    await sealer.requests.finish(request, None, signatures, now)


def _signature(
    sealer: DocumentSealer, sealing: Sealing, request: SealingRequest, digest: bytes, now: datetime
) -> bytes:
    if request.output is Output.RAW:
        return sealing.key.sign_digest(digest)
    return make_cms(digest, sealing, PunctualTimestamper(sealer.keys.timestamper, sealer.clock), now)
