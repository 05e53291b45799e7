"""Judge the seal of a PDF by pyHanko, from the file alone: who sealed it, when, and whether that was in order.

Runs in a worker process only: hostile files raise anything, and everything becomes a check.
"""

import asyncio
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.generic_cms import extract_tst_data_iter
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from certsvc.domain.trust import uscc_of_organisation
from certsvc.verify.inspection import Inspection
from certsvc.verify.one_spelling import check_spelling
from certsvc.verify.pixels import read_pages
from certsvc.verify.report import Check, Outcome
from certsvc.verify.strict import check_bytes, read_cms

ATTACHMENT = "certificate.json"
MAX_ATTACHMENT = 256 * 1024
CLOCKS_DIFFER = timedelta(minutes=5)
SEAL_USAGE = KeyUsageConstraints(
    key_usage={"digital_signature", "non_repudiation"},
    match_all_key_usages=True,
    extd_key_usage={"1.3.6.1.5.5.7.3.36"},
    explicit_extd_key_usage_required=True,
)
FORBIDDEN = ("/OpenAction", "/AA", "/URI", "/Threads", "/Collection", "/OCProperties", "/Requirements")
SEAL_FIELD = frozenset("/Type /Subtype /FT /T /F /Rect /P /V /AP /TU /StructParent".split())
"""What stands in the one field and annotation we make: no action, no note, no other kind of field."""


def inspect_pdf(data: bytes, root: bytes, now: datetime) -> Inspection:
    """Every check on the file itself against the one root, its attachment, and its QR as a picture."""
    try:
        qr_digits = read_pages(data)
        reader = PdfFileReader(io.BytesIO(data))
        if reader.encrypted:
            return Inspection(unreadable="encrypted")
        signatures = list(reader.embedded_signatures)
    except Exception as error:  # hostile bytes raise anything; the name of the class is all that is kept
        return Inspection(unreadable=type(error).__name__)
    if not signatures:
        return Inspection(checks=(Check("signature", Outcome.FAILED, "no_seal"),), qr_digits=qr_digits)
    checks = [
        *check_bytes(data),
        _check("cms", lambda: check_spelling(read_cms(data), _certificates(reader))),
        _check("active_content", lambda: _check_active_content(reader)),
    ]
    if len(signatures) != 1:
        checks.append(Check("signature", Outcome.FAILED, "not_one_signature"))
    seal = _judge(signatures[-1], reader, root, now)
    return Inspection(
        checks=(*checks, *seal),
        attachment=_attachment(reader),
        qr_digits=qr_digits,
        sealed_by=_sealed_by(signatures[-1]),
        sealed_at=_sealed_at(signatures[-1]),
    )


def _check(kind: str, find: Callable[[], Check]) -> Check:
    try:
        return find()
    except Exception:
        return Check(kind, Outcome.UNKNOWN, "could_not_run")


def _judge(signature: EmbeddedPdfSignature, reader: PdfFileReader, root: bytes, now: datetime) -> tuple[Check, ...]:
    try:
        stamped = _sealed_at(signature)
        moment = now if stamped is None else datetime.fromtimestamp(stamped, UTC)
        status = asyncio.run(_validate(signature, _context(reader, root, moment)))
    except Exception as error:
        return (Check("signature", Outcome.UNKNOWN, f"could_not_run_{type(error).__name__}"),)
    return (
        _verdict("signature", status.intact and status.valid, "intact", "altered"),
        _verdict("signer", status.trusted, "our_anchor", "not_our_anchor"),
        _verdict("revocation", status.trusted and not status.revoked, "not_revoked", "revoked_or_not_proven"),
        _check("timestamp", lambda: _check_timestamp(status, now)),
        _check("docmdp", lambda: _check_certification(signature, status, reader)),
    )


def _verdict(kind: str, good: bool, passed: str, failed: str) -> Check:
    return Check(kind, Outcome.PASSED if good else Outcome.FAILED, passed if good else failed)


def _context(reader: PdfFileReader, root: bytes, moment: datetime) -> ValidationContext:
    """Only our root, only the data in the file, at the time of the seal. Revocation must be proven, also where a
    certificate names no place for its CRL: in the library's milder modes such a one is not checked at all."""
    settings: dict[str, Any] = {
        "trust_roots": [asn1_x509.Certificate.load(root)],
        "allow_fetching": False,
        "revocation_mode": "require",
        "moment": moment,
        "crls": [],
    }
    if "/DSS" in reader.root:
        return DocumentSecurityStore.read_dss(reader).as_validation_context(settings)
    return ValidationContext(**settings)


async def _validate(signature: EmbeddedPdfSignature, context: ValidationContext) -> PdfSignatureStatus:
    return await async_validate_pdf_signature(
        signature,
        signer_validation_context=context,
        ts_validation_context=context,
        key_usage_settings=SEAL_USAGE,
    )


def _check_timestamp(status: PdfSignatureStatus, now: datetime) -> Check:
    stamp = status.timestamp_validity
    if stamp is None:
        return Check("timestamp", Outcome.FAILED, "no_timestamp")
    good = stamp.intact and stamp.valid and stamp.trusted and stamp.timestamp <= now + CLOCKS_DIFFER
    return _verdict("timestamp", good, "trusted", "not_trusted")


def _check_certification(signature: EmbeddedPdfSignature, status: PdfSignatureStatus, reader: PdfFileReader) -> Check:
    root: Any = reader.root
    certified = signature.docmdp_level is MDPPerm.NO_CHANGES and "/DocMDP" in root.get("/Perms", {})
    whole = status.coverage is SignatureCoverageLevel.ENTIRE_FILE and bool(status.docmdp_ok)
    if not certified:
        return Check("docmdp", Outcome.FAILED, "not_certified")
    return _verdict("docmdp", whole, "no_changes", "changed_after_sealing")


def _check_active_content(reader: PdfFileReader) -> Check:
    root: Any = reader.root
    found = [key for key in FORBIDDEN if key in root]
    found += [key for key in root.get("/Names", {}) if key != "/EmbeddedFiles"]
    found += [key for key in root.get("/AcroForm", {}) if key not in {"/Fields", "/SigFlags"}]
    found += ["/AF" for _ in _items(root.get("/AF", []))[1:]]
    notes = []
    for page in _items(root["/Pages"]["/Kids"]):
        found += [key for key in page if key in {"/AA", "/AF", "/Trans", "/Kids"}]
        notes += _items(page.get("/Annots", []))
    for note in (*notes, *_items(root["/AcroForm"]["/Fields"])):
        found += [key for key in note if key not in SEAL_FIELD]
        found += ["/FT"] if note.get("/FT") != "/Sig" else []
    return _verdict("active_content", not found, "none", "active_content")


def _certificates(reader: PdfFileReader) -> list[bytes]:
    root: Any = reader.root
    return [item.data for item in _items(root["/DSS"]["/Certs"])] if "/DSS" in root else []


def _items(array: Any) -> list[Any]:
    return [array[index] for index in range(len(array))]  # by index, references are followed


def _attachment(reader: PdfFileReader) -> bytes | None:
    try:
        root: Any = reader.root
        name, file = _items(root["/Names"]["/EmbeddedFiles"]["/Names"])
        data: bytes = file["/EF"]["/F"].data
    except Exception:
        return None
    return data if str(name) == ATTACHMENT and len(data) <= MAX_ATTACHMENT else None


def _sealed_by(signature: EmbeddedPdfSignature) -> str | None:
    try:
        subject: dict[str, Any] = signature.signer_cert.subject.native
        return uscc_of_organisation(str(subject["organization_identifier"]))
    except Exception:
        return None


def _sealed_at(signature: EmbeddedPdfSignature) -> float | None:
    try:
        token = next(iter(extract_tst_data_iter(signature.signer_info, signed=False)))
        stamped: datetime = token["encap_content_info"]["content"].parsed["gen_time"].native
        return stamped.timestamp()
    except Exception:
        return None
