"""Seal a page: one update that holds everything, over the whole file, and no byte after it.

The form LT is for receivers who demand its name: the same, with the validation data in an update of its own.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from certsvc.domain.revision import packed_stream
from certsvc.domain.seal import Placement, SealPicture, ValidationData
from certsvc.domain.seal_form import (
    Form,
    evidence_id,
    reference,
    sealed_field,
    store_objects,
    store_revision,
    with_store,
)
from certsvc.seal.base_pdf import BasePdf, read_base
from certsvc.seal.cms import make_cms, room_for
from certsvc.seal.evidence import require_evidence
from certsvc.seal.fields import Numbers, SealContent, prepare_page, signature_opening
from certsvc.seal.update import Update, make_update
from certsvc.services import Sealing, Timestamper


def seal_pdf(
    pdf: bytes,
    *,
    picture: SealPicture,
    placement: Placement,
    description: str,
    reason: str,
    sealing: Sealing,
    timestamper: Timestamper,
    validation_data: ValidationData,
    now: datetime,
    form: Form = Form.ONE_REVISION,
) -> bytes:
    """The sealed file: `pdf` followed by one incremental update (PAdES, certified with DocMDP P=1) that already holds
    chain, revocation data, signature timestamp, the seal's picture and its structure element.

    `description` is what a screen reader says of the seal. Everything is checked before the key is used.

    Raises:
        SealRefused: not a page as rendered, the seal would not lie on it, or a certificate of its chain does not hold.
        RevocationDataStale: see `require_evidence`.
        TimestampUnavailable, CustodyError: no timestamp, or no key.
    """
    prepared = prepare_seal(
        pdf,
        picture=picture,
        placement=placement,
        description=description,
        reason=reason,
        sealing=sealing,
        validation_data=validation_data,
        now=now,
        form=form,
    )
    return prepared.seal(timestamper, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedSeal:
    """A file that lacks only its signature. `digest` is the SHA-256 of what the seal will sign: it goes on record
    before the key is used. `store` is the validation data that an update after the seal is to hold."""

    digest: bytes
    sealing: Sealing
    before: bytes
    update: Update
    store: ValidationData | None = None

    def seal(self, timestamper: Timestamper, now: datetime) -> bytes:
        """The sealed file. This uses the key.

        Raises:
            SealRefused: the signature does not fit.
            TimestampUnavailable, CustodyError: no timestamp, or no key.
        """
        sealed = self.update.filled(self.before, make_cms(self.digest, self.sealing, timestamper, now))
        return sealed if self.store is None else sealed + store_revision(sealed, self.store)


def prepare_seal(
    pdf: bytes,
    *,
    picture: SealPicture,
    placement: Placement,
    description: str,
    reason: str,
    sealing: Sealing,
    validation_data: ValidationData,
    now: datetime,
    form: Form = Form.ONE_REVISION,
) -> PreparedSeal:
    """Everything but the use of the key; see `seal_pdf`.

    Raises:
        SealRefused, RevocationDataStale: see `seal_pdf`.
    """
    base = read_base(pdf)
    require_evidence(sealing, validation_data, now)
    content = SealContent(picture=picture, placement=placement, description=description, reason=reason)
    update = lay_out(base, content, validation_data, room_for(sealing), now, form)
    return prepared_seal(pdf, update, sealing, validation_data if form is Form.LT else None)


def prepared_seal(before: bytes, update: Update, sealing: Sealing, store: ValidationData | None = None) -> PreparedSeal:
    """The next seal on the file so far."""
    digest = hashlib.sha256()
    for part in update.covered(before):
        digest.update(part)
    return PreparedSeal(digest=digest.digest(), sealing=sealing, before=before, update=update, store=store)


def lay_out(base: BasePdf, content: SealContent, data: ValidationData, room: int, now: datetime, form: Form) -> Update:
    """The update of a page's one seal, with the validation data or, in the form LT, with its name.

    Raises:
        SealRefused: the seal would not lie on the page.
    """
    numbers = Numbers(base.size, [content])
    (field,) = numbers.fields
    objects = prepare_page(base, [content], numbers)
    objects[field] = sealed_field(objects[field], numbers.first_seal)
    signature = numbers.first_seal, signature_opening(content.reason, reference(0, 1), now)
    if form is Form.LT:
        return make_update(base.earlier, objects, signature, room, evidence_id(data))
    objects[base.root] = with_store(objects[base.root], numbers.free)
    return make_update(base.earlier, objects | store_objects(numbers.free, data, packed_stream), signature, room)
