"""Seal a prepared document: one update for each seal, over the whole file so far, and no byte after the last.

The first seal certifies: alone, with no changes allowed; of joint seals, with nothing but the others to follow, of
which the last locks the document. Chain, timestamp and revocation data as under a certificate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from certsvc.domain.revision import add_entries, plain_stream
from certsvc.domain.seal import ValidationData
from certsvc.domain.seal_form import MOST_SEALS, reference, sealed_field, store_objects, with_store
from certsvc.errors import SealRefused
from certsvc.seal.cms import room_for
from certsvc.seal.document_base import read_prepared
from certsvc.seal.evidence import require_evidence
from certsvc.seal.fields import signature_opening
from certsvc.seal.joint import SealInTurn
from certsvc.seal.update import make_update
from certsvc.services import Sealing, Timestamper


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSeal:
    """What stands behind one of the seals, and why it is put on."""

    sealing: Sealing
    reason: str


def prepare_document_seals(
    prepared: bytes, seals: Sequence[DocumentSeal], *, validation_data: ValidationData, now: datetime
) -> tuple[SealInTurn, ...]:
    """The seals in their order: prepare the first on `prepared`, seal, prepare the second on what came out, and so on.
    Only what the last one gives may leave the house; a retry starts again from `prepared`.

    Raises:
        SealRefused: not one to eight different seals, not a document prepared for them, or a certificate of a chain
            does not hold.
        RevocationDataStale: see `require_evidence`.
    """
    different = {seal.sealing.certificate for seal in seals}
    if not 1 <= len(seals) <= MOST_SEALS or len(different) != len(seals):
        raise SealRefused(f"应为一至{MOST_SEALS}枚不同的印章。", f"There are 1 to {MOST_SEALS} different seals.")
    for seal in seals:
        require_evidence(seal.sealing, validation_data, now)
    base = read_prepared(prepared, len(seals))
    earlier, root = base.earlier, base.root
    turns = []
    for place, (seal, (number, body)) in enumerate(zip(seals, base.fields, strict=True)):
        signature = earlier.size
        objects = {number: sealed_field(body, signature)}
        if place == 0:
            root = objects[earlier.root] = add_entries(root, b"/Perms<</DocMDP %d 0 R>>" % signature)
        if place == len(seals) - 1:
            objects[earlier.root] = with_store(root, signature + 1)
            objects |= store_objects(signature + 1, validation_data, plain_stream)
        opening = signature_opening(seal.reason, reference(place, len(seals)), now)
        update = make_update(earlier, objects, (signature, opening), room_for(seal.sealing))
        turns.append(SealInTurn(seal.sealing, update, prepared))
        earlier = update.so_far
    return tuple(turns)


def seal_document(
    prepared: bytes,
    seals: Sequence[DocumentSeal],
    *,
    timestamper: Timestamper,
    validation_data: ValidationData,
    now: datetime,
) -> bytes:
    """The document with all its seals. Everything is checked before the first key is used.

    Raises:
        SealRefused, RevocationDataStale: see `prepare_document_seals`.
        TimestampUnavailable, CustodyError: no timestamp, or no key.
    """
    sealed = prepared
    for turn in prepare_document_seals(prepared, seals, validation_data=validation_data, now=now):
        sealed = turn.prepare(sealed).seal(timestamper, now)
    return sealed
