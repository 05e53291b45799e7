"""Seal a page: one update that holds everything, over the whole file, and no byte after it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from certsvc.domain.seal import Placement, SealPicture, ValidationData
from certsvc.seal.base_pdf import BasePdf, read_base
from certsvc.seal.cms import make_cms, room_for
from certsvc.seal.evidence import require_evidence
from certsvc.seal.update import SealContent, Update, make_update
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
    )
    return prepared.seal(timestamper, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedSeal:
    """A file that lacks only its signature. `digest` is the SHA-256 of what the seal will sign: it goes on record
    before the key is used."""

    digest: bytes
    sealing: Sealing
    base: BasePdf
    update: Update

    def seal(self, timestamper: Timestamper, now: datetime) -> bytes:
        """The sealed file. This uses the key.

        Raises:
            SealRefused: the signature does not fit.
            TimestampUnavailable, CustodyError: no timestamp, or no key.
        """
        return self.update.filled(self.base, make_cms(self.digest, self.sealing, timestamper, now))


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
) -> PreparedSeal:
    """Everything but the use of the key; see `seal_pdf`.

    Raises:
        SealRefused, RevocationDataStale: see `seal_pdf`.
    """
    base = read_base(pdf)
    require_evidence(sealing, validation_data, now)
    content = SealContent(
        picture=picture,
        placement=placement,
        description=description,
        reason=reason,
        validation_data=validation_data,
    )
    update = make_update(base, content, room_for(sealing), now)
    digest = hashlib.sha256()
    for part in update.covered(base):
        digest.update(part)
    return PreparedSeal(digest=digest.digest(), sealing=sealing, base=base, update=update)
