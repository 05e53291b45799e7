"""A PDF: what the file itself proves, and what the register says of it. Both, always."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from cryptography.hazmat.primitives.serialization import Encoding

from certsvc.catalog import Catalog, CertificateType
from certsvc.domain.calendar import TermState, beijing_date
from certsvc.domain.certificate import RegisteredDocument
from certsvc.domain.token import Token
from certsvc.errors import (
    FileTooLarge,
    MalformedToken,
    NotAPdf,
    NotFound,
    RegisterUnavailable,
    StoreError,
    UnreadableFile,
)
from certsvc.verify.attached import Attached, read_attached
from certsvc.verify.department import department_document
from certsvc.verify.examined import Examined
from certsvc.verify.foreign_records import with_elsewhere
from certsvc.verify.foreign_seal import describe_foreign, foreign_report, others
from certsvc.verify.gather import Asked, ask_register, make_report
from certsvc.verify.inspection import MAX_FILE, Inspection
from certsvc.verify.keys_today import check_keys_today
from certsvc.verify.laid_out import check_data, check_layout
from certsvc.verify.receipt import looks_like_receipt, receipt_file, verify_receipt
from certsvc.verify.report import Check, Outcome, Report, Soundness, after_compromise, soundness
from certsvc.verify.scan import check_claims
from certsvc.verify.service import Verifying
from certsvc.verify.token import check_token
from certsvc.verify.unsealed import unsealed_file
from certsvc.verify.version import check_version

ON_RECORD = {"digest_on_record": True, "not_in_register": False}
"""What the check `registered` says of the digest; with any other reason it is not known."""


async def verify_file(verifying: Verifying, data: bytes, now: datetime) -> Report:
    """Report on a PDF, or on the JWS of a receipt. Without a register to ask (offline) the verdict is never valid.

    Raises:
        FileTooLarge: over 20 MiB.
        NotAPdf: it does not begin as a PDF does.
        UnreadableFile: damaged, encrypted, over 200 pages, or it used up a worker's time or memory.
        WorkersBusy: too many files are being checked.
    """
    return (await examine_file(verifying, data, now)).report


async def examine_file(verifying: Verifying, data: bytes, now: datetime) -> Examined:
    """The report as `verify_file` gives it, and what it rests on.

    Raises:
        FileTooLarge, NotAPdf, UnreadableFile, WorkersBusy: see `verify_file`.
    """
    if looks_like_receipt(data):
        return Examined(verify_receipt(verifying, data, now))
    inspection = await _inspect(verifying, data, now)
    report = await _judge_file(verifying, inspection, data, now)
    if report.document is Soundness.UNSOUND:
        report = foreign_report(report, describe_foreign(verifying, inspection, now))
    return Examined(report, inspection)


async def _judge_file(verifying: Verifying, inspection: Inspection, data: bytes, now: datetime) -> Report:
    known, registered = await _find(verifying, data)
    other = await _no_file_of_ours(verifying, inspection, data, now) if known is None else None
    if other is not None:
        return other
    checks, token, attached = check_document(verifying, inspection, ON_RECORD.get(registered.reason))
    document = soundness(checks)
    term = attached.days.state(beijing_date(now)) if attached and document is Soundness.SOUND else TermState.UNKNOWN
    if verifying.register is None:
        return make_report(verifying.catalog, "file", document, checks, None, now, document_term=term)
    checks = [*checks, *check_layout(attached, known), registered]
    ref = known.ref if known else token.claims.ref if token and document is Soundness.SOUND else None
    if ref is None:
        return make_report(verifying.catalog, "file", document, checks, None, now, document_term=term)
    asked = await ask_register(verifying.register, ref, now)
    checks += _agreement(asked, token, registered)
    checks += check_data(verifying.catalog, attached, asked)
    document = soundness(check for check in checks if check.kind not in {"register", "registered"})
    gathered = asked.gathered if known else None
    if gathered:  # what is on record says itself whether its type is known here
        checks = [check for check in checks if check.kind != "type"]
    checks += check_version(document, gathered)
    report = make_report(verifying.catalog, "file", document, checks, gathered, now, document_term=term)
    return await with_elsewhere(verifying, report)


async def _no_file_of_ours(verifying: Verifying, inspection: Inspection, data: bytes, now: datetime) -> Report | None:
    """The report on a file that is no sealed certificate, and has another answer than that it is none."""
    if (receipt := receipt_file(verifying, inspection, now)) is not None:
        return receipt
    document = await department_document(verifying, inspection, data, now)
    return document or await unsealed_file(verifying, inspection, now)


async def check_file(verifying: Verifying, data: bytes, now: datetime) -> tuple[Check, ...]:
    """The checks on the file alone, as the issue walk runs them on its own output."""
    return tuple(check_document(verifying, await _inspect(verifying, data, now), None)[0])


def check_document(
    verifying: Verifying, inspection: Inspection, registered: bool | None
) -> tuple[list[Check], Token | None, Attached | None]:
    """Seal, attached data and the QR on the page must be sound and belong to one certificate. `registered` says whether
    the file's digest is on record, None when that is not known: after a compromise nothing else counts."""
    checks = list(inspection.checks)
    if any(check.reason == "no_seal" for check in checks):
        return checks, None, None
    checks.append(check_keys_today(inspection.signers, verifying.anchors, registered))
    attached = read_attached(inspection.attachment)
    if attached is None:
        return [*checks, Check("attachment", Outcome.FAILED, "no_data_attached")], None, None
    checks.append(Check("attachment", Outcome.PASSED, "data_attached"))
    same = inspection.qr_digits == (attached.token,)
    reason = "same_as_data" if same else "no_qr_read" if not inspection.qr_digits else "other_than_data"
    checks.append(Check("picture_qr", Outcome.PASSED if same else Outcome.FAILED, reason))
    kind = _find_type(verifying.catalog, attached)
    checks += _check_owners([signer.uscc for signer in inspection.signers], attached, kind)
    return _with_token(verifying, checks, attached, kind, registered)


def _check_owners(sealed: Sequence[str | None], attached: Attached, kind: CertificateType | None) -> Iterator[Check]:
    """Those that the data names have sealed, each in its turn, and no place for a seal is empty. How many places there
    are only the type says: nobody would miss a seal that the data does not name."""
    complete = kind is None or len(attached.owners) == (1 if attached.is_external else len(kind.layouts[0].seals))
    owner = complete and tuple(sealed) == attached.owners
    yield Check("issuer", Outcome.PASSED if owner else Outcome.FAILED, "seal_owner" if owner else "other_seal")
    if kind is None:
        yield Check("type", Outcome.UNKNOWN, "type_unknown")


def _with_token(
    verifying: Verifying,
    checks: list[Check],
    attached: Attached,
    kind: CertificateType | None,
    registered: bool | None,
) -> tuple[list[Check], Token | None, Attached | None]:
    try:
        token, signed = check_token(attached.token, verifying.anchors)
    except MalformedToken:
        return [*checks, Check("token_signature", Outcome.FAILED, "malformed")], None, attached
    if signed.outcome is Outcome.UNKNOWN:
        signed = replace(signed, outcome=after_compromise(registered))
    same = _same_certificate(token, attached, kind)
    belongs = Check("token_agrees", Outcome.PASSED if same else Outcome.FAILED, "same" if same else "other_certificate")
    return [*checks, signed, belongs], token, attached


def _same_certificate(token: Token, attached: Attached, kind: CertificateType | None) -> bool:
    """Whether the token is of what the data describes, and of the type that the data names."""
    claims = token.claims
    return (
        claims.ref.typed_code == attached.typed_code
        and claims.type_number == attached.type_number == (kind or attached).type_number
        and claims.version == attached.version
        and claims.expires_at == attached.days.expires_at
    )


def _find_type(catalog: Catalog, attached: Attached) -> CertificateType | None:
    """The version of the type that the data names, if it is known here."""
    try:
        return catalog.version(attached.type, attached.type_version)
    except NotFound:
        return None


async def _inspect(verifying: Verifying, data: bytes, now: datetime) -> Inspection:
    if len(data) > MAX_FILE:
        raise FileTooLarge("文件超过 20 MiB。", "The file is over 20 MiB.")
    if not data.startswith(b"%PDF-"):
        raise NotAPdf("这不是 PDF 文件。", "This is not a PDF file.")
    roots = tuple(root.public_bytes(Encoding.DER) for root in verifying.anchors.roots)
    known = others(verifying, now)
    inspection = await verifying.inspector.inspect(data, roots, now.astimezone(UTC), *([known] if known else []))
    if inspection.unreadable is not None:
        raise UnreadableFile(
            "这个 PDF 打不开：已损坏、已加密，或超过 200 页。请换原文件。",
            "This PDF does not open: damaged, encrypted, or over 200 pages. Use the original file.",
        )
    return inspection


async def _find(verifying: Verifying, data: bytes) -> tuple[RegisteredDocument | None, Check]:
    if verifying.register is None:
        return None, Check("registered", Outcome.UNKNOWN, "register_not_asked")
    try:
        known = await verifying.register.find_document(hashlib.sha256(data).digest())
    except (RegisterUnavailable, StoreError):
        return None, Check("registered", Outcome.UNKNOWN, "register_unavailable")
    if known is None:
        return None, Check("registered", Outcome.UNKNOWN, "not_in_register")
    return known, Check("registered", Outcome.PASSED, "digest_on_record")


def _agreement(asked: Asked, token: Token | None, registered: Check) -> Iterable[Check]:
    if asked.check is not None:
        yield asked.check
    if token is not None and asked.gathered is not None:
        yield check_claims(token.claims, asked.gathered.certificate)
    register_answered = not (asked.check and asked.check.reason == "register_unavailable")
    if registered.reason == "not_in_register" and register_answered:
        yield Check("register", Outcome.UNKNOWN, "sealed_but_not_registered")
