"""Receipts that come back: whether one is genuine. It says what was shown then, and nothing of now, so it needs no
register and has a verdict of its own.
"""

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from certsvc.domain.calendar import TermState
from certsvc.domain.jwk import from_base64url
from certsvc.domain.receipt import (
    ALGORITHM,
    MOST_CERTIFICATES,
    MOST_JWS,
    RECEIPT_SIGNING,
    SCHEMA,
    TYPE,
    Receipt,
    read_canonical,
    seal_reason,
)
from certsvc.domain.trust import is_demonstration
from certsvc.errors import MalformedDer
from certsvc.verify.anchors import Anchors
from certsvc.verify.inspection import Inspection
from certsvc.verify.keys_today import check_keys_today
from certsvc.verify.report import Check, Outcome, ReceiptReport, Report, Soundness, conclude_receipt, soundness
from certsvc.verify.service import Verifying
from certsvc.verify.token import holds
from certsvc.x509_reader import read_certificate

COMPACT = re.compile(rb"\s{0,64}[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\s{0,64}")
CLOCKS_DIFFER = timedelta(minutes=5)


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """These three, and nothing that would have to be understood (RFC 7515 section 4.1.11)."""

    alg: str
    typ: str
    x5c: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Signed:
    """The parts of a JWS, decoded; nobody vouches for them yet."""

    certificates: tuple[x509.Certificate, ...]
    content: bytes
    covered: bytes
    signature: bytes


def looks_like_receipt(data: bytes) -> bool:
    """Whether it has the form of a JWS: three parts in Base64url, joined by dots."""
    return len(data) <= MOST_JWS and COMPACT.fullmatch(data) is not None


def verify_receipt(verifying: Verifying, data: bytes, now: datetime) -> Report:
    """Report on the JWS of a receipt."""
    receipt, checks = read_receipt(data, verifying.anchors, now)
    return _report("receipt", receipt, checks, None, now)


def receipt_file(verifying: Verifying, inspection: Inspection, now: datetime) -> Report | None:
    """The report on a PDF that brings the JWS of a receipt; nothing for any other file. The page is the receipt's own
    only if the key of receipts sealed it and the seal names this record."""
    if inspection.receipt is None:
        return None
    receipt, found = read_receipt(inspection.receipt, verifying.anchors, now)
    checks = [*inspection.checks, check_keys_today(inspection.signers, verifying.anchors, None), *found]
    checks.append(_check_seal(inspection))
    if receipt is not None:
        checks.append(_check_page(inspection, receipt))
    sealed_at = inspection.signers[0].sealed_at if inspection.signers else None
    return _report("file", receipt, checks, None if sealed_at is None else datetime.fromtimestamp(sealed_at, UTC), now)


def read_receipt(data: bytes, anchors: Anchors, now: datetime) -> tuple[Receipt | None, list[Check]]:
    """What a JWS says, once it was found signed by a key for receipts of ours; the checks `receipt_signature` and
    `receipt_content`."""
    try:
        signed = _take_apart(data)
    except (ValueError, MalformedDer):
        return None, [Check("receipt_signature", Outcome.FAILED, "no_receipt")]
    signer = signed.certificates[0]
    if not _is_for_receipts(signer) or not _is_ours(signer, anchors):
        return None, [Check("receipt_signature", Outcome.FAILED, "not_a_key_for_receipts")]
    if not _holds(signed, signer):
        return None, [Check("receipt_signature", Outcome.FAILED, "signature_wrong")]
    try:
        receipt = _content(signed.content)
        made_at = _instant(receipt.made_at)
    except (ValueError, msgspec.ValidationError):
        return None, [Check("receipt_content", Outcome.FAILED, "other_form")]
    checks = [_check_key(signer, anchors, made_at), _check_content(receipt, signer, made_at, now)]
    return receipt, checks


def _take_apart(data: bytes) -> _Signed:
    if not looks_like_receipt(data):
        raise ValueError("no JWS")
    header, content, signature = (data.strip()).split(b".")
    said = msgspec.convert(read_canonical(from_base64url(header)), _Header)
    if (said.alg, said.typ) != (ALGORITHM, TYPE) or not 1 <= len(said.x5c) <= MOST_CERTIFICATES:
        raise ValueError("another kind of JWS")
    certificates = tuple(read_certificate(base64.b64decode(each, validate=True)) for each in said.x5c)
    return _Signed(certificates, from_base64url(content), header + b"." + content, from_base64url(signature))


def _is_for_receipts(certificate: x509.Certificate) -> bool:
    try:
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return usage.digital_signature and RECEIPT_SIGNING in {purpose.dotted_string for purpose in purposes}


def _is_ours(certificate: x509.Certificate, anchors: Anchors) -> bool:
    """Whether one of the authorities that we published signed it: who issues is found by our anchors, never by what
    comes with a message."""
    for authority in anchors.authorities:
        try:
            certificate.verify_directly_issued_by(authority)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return True
    return False


def _holds(signed: _Signed, signer: x509.Certificate) -> bool:
    key = signer.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        return False
    return holds(signed.signature, signed.covered, key)


def _content(data: bytes) -> Receipt:
    receipt = msgspec.convert(read_canonical(data), Receipt)
    if receipt.schema != SCHEMA or not re.fullmatch(r"[0-9a-f]{32}", receipt.id, re.ASCII):
        raise ValueError("another version")
    return receipt


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("no zone")
    return instant


def _check_key(signer: x509.Certificate, anchors: Anchors, made_at: datetime) -> Check:
    """Whether the key was the authority's own when the receipt was made. Nothing else is on record of a receipt, so
    none of a compromised key can be told from one that somebody else made."""
    if not signer.not_valid_before_utc <= made_at <= signer.not_valid_after_utc:
        return Check("receipt_signature", Outcome.FAILED, "signed_outside_key_term")
    revoked = anchors.revocation(signer)
    if revoked is not None and revoked.compromised:
        return Check("receipt_signature", Outcome.UNKNOWN, "compromised_key")
    if revoked is not None and made_at >= revoked.since:
        return Check("receipt_signature", Outcome.FAILED, "signed_outside_key_term")
    return Check("receipt_signature", Outcome.PASSED, "signed_by_us")


def _check_content(receipt: Receipt, signer: x509.Certificate, made_at: datetime, now: datetime) -> Check:
    (name,) = signer.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    if receipt.by.authority != name.value or receipt.by.demonstration != is_demonstration(signer):
        return Check("receipt_content", Outcome.FAILED, "other_maker")
    if made_at > now + CLOCKS_DIFFER:
        return Check("receipt_content", Outcome.FAILED, "still_to_come")
    return Check("receipt_content", Outcome.PASSED, "as_made")


def _check_seal(inspection: Inspection) -> Check:
    """Whether the one seal on the page is by a key for receipts: an organ's seal makes none."""
    try:
        sealed = [_is_for_receipts(read_certificate(signer.certificate)) for signer in inspection.signers]
    except MalformedDer:
        sealed = []
    good = sealed == [True]
    return Check(
        "receipt_seal", Outcome.PASSED if good else Outcome.FAILED, "key_for_receipts" if good else "other_key"
    )


def _check_page(inspection: Inspection, receipt: Receipt) -> Check:
    digest = hashlib.sha256(inspection.receipt or b"").hexdigest()
    same = inspection.reason == seal_reason(receipt.id, digest)
    return Check(
        "receipt_page", Outcome.PASSED if same else Outcome.FAILED, "same_receipt" if same else "other_receipt"
    )


def _report(
    source: str, receipt: Receipt | None, checks: Iterable[Check], sealed_at: datetime | None, now: datetime
) -> Report:
    found = tuple(checks)
    document = soundness(found)
    return Report(
        asked_at=now,
        source=source,
        document=document,
        status=None,
        status_age_s=None,
        term=TermState.UNKNOWN,
        verdict=conclude_receipt(document),
        checks=found,
        receipt=ReceiptReport(receipt=receipt if document is Soundness.SOUND else None, sealed_at=sealed_at),
    )
