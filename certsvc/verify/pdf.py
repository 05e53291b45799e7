"""Judge the seals of a PDF from the file alone: who sealed it, when, and whether that was in order.

Runs in a worker process only: hostile files raise anything, and everything becomes a check.
"""

import io
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import FieldMDPAction, MDPPerm
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel

from certsvc.domain.certificate import ATTACHMENT
from certsvc.domain.document_seal import MOST_PAGES
from certsvc.domain.receipt import ATTACHMENT as RECEIPT
from certsvc.domain.receipt import MOST_JWS
from certsvc.domain.seal_form import MOST_SEALS, field_name
from certsvc.verify.foreign_signature import foreign_signatures
from certsvc.verify.inspection import Inspection
from certsvc.verify.joint import check_joint
from certsvc.verify.one_spelling import check_spelling
from certsvc.verify.pixels import digits_of, is_picture, read_codes, require_pages
from certsvc.verify.report import Check, Outcome
from certsvc.verify.signature import Judged, check_timestamp, judge, signer_of
from certsvc.verify.strict import check_bytes, read_signatures
from certsvc.verify.two_revisions import items, read_store, split_store

MAX_ATTACHMENT, LONGEST_REASON = 256 * 1024, 400
FORBIDDEN = ("/OpenAction", "/AA", "/URI", "/Threads", "/Collection", "/OCProperties", "/Requirements")
SEAL = frozenset("/Type /Subtype /FT /T /F /Rect /P /V /AP /TU /StructParent".split())
"""What stands in the field of a single seal, which is its annotation too: no action, no note, no other kind."""

NO_SEAL = Inspection(checks=(Check("signature", Outcome.FAILED, "no_seal"),))
JOINT_FIELD = frozenset("/FT /T /TU /Kids /Lock /V".split())
JOINT_NOTE = SEAL - {"/FT", "/T", "/TU", "/V"}


def inspect_pdf(data: bytes, roots: Sequence[bytes], now: datetime, others: Sequence[bytes] = ()) -> Inspection:
    """Every check on the file itself against our roots, its attachment, and its QR as a picture. Of a department's
    document the pages are not looked at: what stands on them, and how many there are, is its own. Of signatures that
    are not ours it says what they are, and whether one of `others`, the recognised roots, stands behind them."""
    try:
        require_pages(data, MOST_PAGES)  # at once what is no PDF, over which the other reader takes its time
        sealed, store = split_store(data)
        reader = PdfFileReader(io.BytesIO(sealed))
        if reader.encrypted:
            return Inspection(unreadable="encrypted")
        signatures = list(reader.embedded_signatures)
        found = _judged(sealed, store, reader, signatures, roots, now) if signatures else NO_SEAL
        if found.is_ours and found.attachment is None:
            return found
        if any(check.reason == "not_our_anchor" for check in found.checks):
            found = msgspec.structs.replace(found, foreign=foreign_signatures(reader, signatures, others, now))
        if not signatures:
            found = msgspec.structs.replace(found, is_picture=is_picture(data))
        return _with_codes(found, data)
    except Exception as error:  # hostile bytes raise anything; the name of the class is all that is kept
        return _scan(data) or Inspection(unreadable=type(error).__name__)


def _scan(data: bytes) -> Inspection | None:
    """A file that our strict reader does not open, as scanners write them: nothing but pictures, and no signature."""
    try:
        if b"/ByteRange" in data or b"/Encrypt" in data or not is_picture(data):
            return None
        return _with_codes(msgspec.structs.replace(NO_SEAL, is_picture=True), data)
    except Exception:
        return None


def _with_codes(found: Inspection, data: bytes) -> Inspection:
    codes = read_codes(data)
    hosts = tuple(sorted({code.host for code in codes}))
    return msgspec.structs.replace(found, qr_digits=digits_of(codes), qr_hosts=hosts)


def _judged(
    sealed: bytes,
    store: PdfFileReader,
    reader: PdfFileReader,
    signatures: Sequence[EmbeddedPdfSignature],
    roots: Sequence[bytes],
    now: datetime,
) -> Inspection:
    known = signatures[:MOST_SEALS]
    signers = tuple(map(signer_of, known))
    judged = [judge(one, store, roots, signer, now) for one, signer in zip(known, signers, strict=True)]
    checks = [
        *check_bytes(sealed),
        _attempt("cms", lambda: check_spelling(read_signatures(sealed), read_store(store).certificates)),
        _attempt("active_content", lambda: _check_active_content(reader, len(signatures))),
        *_check_seals(sealed, signatures),
        *(check for one in judged for check in one.checks),
        *(_attempt("timestamp", partial(check_timestamp, one, now)) for one in judged),
        _attempt("docmdp", lambda: _check_certification(known, judged, reader)),
    ]
    is_ours = len(known) == len(signatures) and _are_ours([one.status for one in judged])
    return Inspection(
        checks=_gravest(checks),
        attachment=_attached(reader, ATTACHMENT, MAX_ATTACHMENT),
        signers=signers,
        is_ours=is_ours,
        receipt=_attached(reader, RECEIPT, MOST_JWS),
        reason=_reason(signatures[0]),
    )


def _are_ours(found: Sequence[PdfSignatureStatus | None]) -> bool:
    good = all(status is not None and status.intact and status.valid and status.trusted for status in found)
    return good and found[-1] is not None and found[-1].coverage is SignatureCoverageLevel.ENTIRE_FILE


def inspect_document(data: bytes, roots: Sequence[bytes], now: datetime) -> Inspection:
    """The checks on a sealed document of a department: of seals, chain, timestamps and what they cover. What the
    document holds is not ours, and how its pages are built neither."""
    try:
        reader = PdfFileReader(io.BytesIO(data))
        signatures = list(reader.embedded_signatures)
    except Exception as error:  # as above
        return Inspection(unreadable=type(error).__name__)
    if not signatures or len(signatures) > MOST_SEALS:
        return NO_SEAL
    signers = tuple(map(signer_of, signatures))
    judged = [judge(one, reader, roots, signer, now) for one, signer in zip(signatures, signers, strict=True)]
    names = [signature.field_name for signature in signatures]
    named = names == [field_name(place) for place in range(len(read_signatures(data)))]
    checks = [
        *(check for check in check_bytes(data) if check.kind != "format"),
        _attempt("cms", lambda: check_spelling(read_signatures(data), read_store(reader).certificates)),
        Check("signature", Outcome.PASSED if named else Outcome.FAILED, "in_order" if named else "not_one_signature"),
        *(check for one in judged for check in one.checks),
        *(_attempt("timestamp", partial(check_timestamp, one, now)) for one in judged),
        _attempt("docmdp", lambda: _check_certification(signatures, judged, reader)),
    ]
    return Inspection(checks=_gravest(checks), signers=signers)


def _attempt(kind: str, find: Callable[[], Check]) -> Check:
    try:
        return find()
    except Exception:
        return Check(kind, Outcome.UNKNOWN, "could_not_run")


def _gravest(checks: Iterable[Check]) -> tuple[Check, ...]:
    """One check of each kind, in order: the gravest over all seals."""
    order = (Outcome.FAILED, Outcome.UNKNOWN, Outcome.PASSED)
    found: dict[str, Check] = {}
    for check in checks:
        known = found.setdefault(check.kind, check)
        if order.index(check.outcome) < order.index(known.outcome):
            found[check.kind] = check
    return tuple(found.values())


def _check_seals(data: bytes, signatures: Sequence[EmbeddedPdfSignature]) -> Iterable[Check]:
    """As many signatures as there is room for, each in its own field; several only as joint seals."""
    names = [signature.field_name for signature in signatures]
    wanted = [field_name(place) for place in range(len(read_signatures(data)))]
    if names != wanted:
        yield Check("signature", Outcome.FAILED, "not_one_signature")
    if len(signatures) > 1:
        yield check_joint(data)


def _check_certification(
    signatures: Sequence[EmbeddedPdfSignature], judged: Sequence[Judged], reader: PdfFileReader
) -> Check:
    """The first certifies; nothing but the other seals may follow it, and after the last one nothing."""
    root: Any = reader.root
    first, last = signatures[0], signatures[-1]
    level = MDPPerm.NO_CHANGES if first is last else MDPPerm.FILL_FORMS
    if first.docmdp_level is not level or "/DocMDP" not in root.get("/Perms", {}):
        return Check("docmdp", Outcome.FAILED, "not_certified")
    locked = first is last or (last.fieldmdp is not None and last.fieldmdp.action is FieldMDPAction.ALL)
    if not locked or last.docmdp_level is not MDPPerm.NO_CHANGES:
        return Check("docmdp", Outcome.FAILED, "not_locked")
    *earlier, whole = (one.known_status for one in judged)
    covered = whole.coverage is SignatureCoverageLevel.ENTIRE_FILE
    covered = covered and all(one.coverage is SignatureCoverageLevel.ENTIRE_REVISION for one in earlier)
    unchanged = covered and all(one.docmdp_ok for one in (*earlier, whole))
    outcome = Outcome.PASSED if unchanged else Outcome.FAILED
    return Check("docmdp", outcome, "no_changes" if unchanged else "changed_after_sealing")


def _check_active_content(reader: PdfFileReader, seals: int) -> Check:
    root: Any = reader.root
    found = [key for key in FORBIDDEN if key in root]
    found += [key for key in root.get("/Names", {}) if key != "/EmbeddedFiles"]
    found += [key for key in root.get("/AcroForm", {}) if key not in {"/Fields", "/SigFlags"}]
    found += ["/AF" for _ in items(root.get("/AF", []))[1:]]
    notes = []
    for page in items(root["/Pages"]["/Kids"]):
        found += [key for key in page if key in {"/AA", "/AF", "/Trans", "/Kids"}]
        notes += items(page.get("/Annots", []))
    fields = items(root["/AcroForm"]["/Fields"])
    found += _in_seal(notes, fields) if seals == 1 else _in_joint_seals(notes, fields)
    outcome = Outcome.FAILED if found else Outcome.PASSED
    return Check("active_content", outcome, "active_content" if found else "none")


def _in_seal(notes: list[Any], fields: list[Any]) -> list[str]:
    """What does not belong in the field and annotation of a seal."""
    found = [key for note in (*notes, *fields) for key in note if key not in SEAL]
    return found + ["/FT" for note in (*notes, *fields) if note.get("/FT") != "/Sig"]


def _in_joint_seals(notes: list[Any], fields: list[Any]) -> list[str]:
    """What does not belong in the fields of joint seals, each with the one annotation that is its own."""
    found = [key for field in fields for key in field if key not in JOINT_FIELD]
    found += [key for note in notes for key in note if key not in JOINT_NOTE]
    found += ["/FT" for field in fields if field.get("/FT") != "/Sig"]
    own = [kid.container_ref for field in fields for kid in items(field["/Kids"])]
    return found + (
        ["/Annots"] if sorted(own, key=str) != sorted((note.container_ref for note in notes), key=str) else []
    )


def _reason(signature: EmbeddedPdfSignature) -> str:
    """What a seal gives as its reason, as far as it can be read."""
    try:
        return str(signature.sig_object["/Reason"])[:LONGEST_REASON]
    except Exception:
        return ""


def _attached(reader: PdfFileReader, name: str, most: int) -> bytes | None:
    """The file attached under this name: nothing where there is none, empty where it is not alone, too long, or cannot
    be read."""
    try:
        root: Any = reader.root
        listed = items(root["/Names"]["/EmbeddedFiles"]["/Names"])
        if name not in map(str, listed[::2]):
            return None
    except Exception:
        return None
    try:
        _, file = listed
        data: bytes = file["/EF"]["/F"].data
    except Exception:
        return b""
    return data if len(data) <= most else b""
