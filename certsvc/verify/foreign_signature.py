"""Signatures that none of our anchors vouches for: what is intact, what they say of themselves, and whether a
recognised authority elsewhere stands behind them.

Runs in a worker process only, like `pdf.py`.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel

from certsvc.domain.seal_form import MOST_SEALS
from certsvc.verify.foreign_file import ForeignSignature
from certsvc.verify.inspection import Signer
from certsvc.verify.signature import CLOCKS_DIFFER, context, signer_of, validate

LONGEST_NAME = 200


def foreign_signatures(
    reader: PdfFileReader, signatures: Sequence[EmbeddedPdfSignature], others: Sequence[bytes], now: datetime
) -> tuple[ForeignSignature, ...]:
    """Every signature of a file, in order, so many at most; `others` are the recognised roots (DER)."""
    return tuple(_one(reader, one, others, now) for one in signatures[:MOST_SEALS])


def _one(
    reader: PdfFileReader, signature: EmbeddedPdfSignature, others: Sequence[bytes], now: datetime
) -> ForeignSignature:
    signer = signer_of(signature)
    status = _judge(reader, signature, others, signer, now)
    intact = None if status is None else bool(status.intact and status.valid)
    return ForeignSignature(
        name=_said(signature, "subject", "common_name"),
        organisation=_said(signature, "subject", "organization_name"),
        issuer=_said(signature, "issuer", "organization_name") or _said(signature, "issuer", "common_name"),
        intact=intact,
        whole_file=status is not None and status.coverage is SignatureCoverageLevel.ENTIRE_FILE,
        said_at=_said_at(signature),
        stamped_at=signer.sealed_at,
        anchor=_anchor(status, now) if intact else None,
    )


def _judge(
    reader: PdfFileReader, signature: EmbeddedPdfSignature, others: Sequence[bytes], signer: Signer, now: datetime
) -> PdfSignatureStatus | None:
    moment = now if signer.sealed_at is None else datetime.fromtimestamp(signer.sealed_at, UTC)
    try:
        return asyncio.run(validate(signature, context(reader, others, moment)))
    except Exception:  # hostile bytes raise anything
        return None


def _anchor(status: PdfSignatureStatus | None, now: datetime) -> str | None:
    """The recognised root, where everything leads to it: chain, proof of not being revoked, and the time."""
    if status is None or not status.trusted or status.revoked or status.validation_path is None:
        return None
    stamp = status.timestamp_validity
    if stamp is None or not (stamp.intact and stamp.valid and stamp.trusted and stamp.timestamp <= now + CLOCKS_DIFFER):
        return None
    root = status.validation_path.trust_anchor.authority.certificate  # type: ignore[attr-defined]
    return root.sha256.hex() if isinstance(root, asn1_x509.Certificate) else None


def _said(signature: EmbeddedPdfSignature, whose: str, key: str) -> str:
    """What a certificate says of its subject or issuer: on one line, cut."""
    try:
        found: Any = getattr(signature.signer_cert, whose).native.get(key, "")
        text = found[0] if isinstance(found, list) else found
        return " ".join("".join(letter if letter.isprintable() else " " for letter in str(text)).split())[:LONGEST_NAME]
    except Exception:
        return ""


def _said_at(signature: EmbeddedPdfSignature) -> float | None:
    try:
        said = signature.self_reported_timestamp
        return None if said is None else float(said.timestamp())
    except Exception:
        return None
