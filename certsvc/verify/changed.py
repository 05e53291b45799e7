"""What changed in a file of ours after it was sealed, for people: the sealed page beside the one that was brought.

The sealed page comes from the file itself, if a part of it is on record; else it is drawn anew from what the public may
see, for certificates whose whole face is public; else only the fields that the public may see are compared. So who
merely has a QR learns nothing that its scan does not say, and what listens to strangers reads no sealed file.
"""

import asyncio
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from certsvc.catalog import CertificateType, Layout
from certsvc.domain.calendar import beijing_date
from certsvc.domain.certificate import RegisteredCertificate, RegisteredDocument
from certsvc.domain.page import PageToDraw
from certsvc.domain.revision import END
from certsvc.domain.seal_form import MOST_SEALS
from certsvc.domain.token import parse_digits
from certsvc.errors import CertsvcError, MalformedToken, NotFound, RegisterUnavailable, StoreError
from certsvc.verify.attached import read_attached
from certsvc.verify.examined import Examined
from certsvc.verify.face_field import FaceField
from certsvc.verify.gather import Asked, ask_register, certificate_report
from certsvc.verify.inspection import Inspection
from certsvc.verify.looking_shapes import Compare, Compared, Unseen
from certsvc.verify.report import CertificateReport, Outcome, Soundness, soundness
from certsvc.verify.scan import ask_of_token
from certsvc.verify.service import Verifying
from certsvc.verify.token import check_token

SECONDS = 8.0
"""How long an answer waits for the comparison: the verdict stands without it."""

MOST_REVISIONS = MOST_SEALS + 2
"""What a file of ours can have: the page, each seal, the validation data. What was appended comes after these."""

SEAL_ROOM_MM = 27.0
"""Half a side of the place that a seal may take: on a page drawn anew there is none, so nothing is compared there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What could be found out. `source` is where the sealed page comes from: `revision` (in the file itself), `redrawn`
    (from the register) or None, when only words were compared. `missing` are the public fields whose words do not stand
    in the file, None where it has no words to compare. `appended` is how many bytes follow the sealed part."""

    certificate: CertificateReport
    layout: Layout | None
    source: str | None
    compared: Compared
    missing: tuple[FaceField, ...] | None
    appended: int = 0


async def what_changed(verifying: Verifying, examined: Examined, data: bytes, now: datetime) -> Changed | None:
    """Compare a file that is not as it was sealed; None where it is no file of ours, where nothing was changed, or
    where that cannot be found out in time: nothing hangs on it."""
    if verifying.looker is None or not _is_changed(examined):
        return None
    try:
        async with asyncio.timeout(SECONDS):
            return await _compare(verifying, examined, data, now)
    except (CertsvcError, TimeoutError):  # unreadable, workers busy, register gone
        return None


def _is_changed(examined: Examined) -> bool:
    report = examined.report
    judged_as_ours = report.sealed is None and report.receipt is None and report.source == "file"
    return examined.inspection is not None and judged_as_ours and report.document is Soundness.UNSOUND


async def _compare(verifying: Verifying, examined: Examined, data: bytes, now: datetime) -> Changed | None:
    inspection, looker = examined.inspection, verifying.looker
    assert inspection is not None, "asked before"
    assert looker is not None, "asked before"
    sealed, known = await _sealed_part(verifying, data)
    digits, asked = await _certificate(verifying, inspection, known, now)
    if asked is None or asked.gathered is None:
        return None
    certificate = asked.gathered.certificate
    report = certificate_report(verifying.catalog, certificate, beijing_date(now), asked.gathered.root)
    kind, layout = _kind(verifying, inspection, certificate, known)
    source = "revision" if sealed else None
    if sealed is None and kind and layout and digits and not inspection.is_picture:
        sealed = await _drawn(verifying, kind, layout, certificate, digits)
        source = "redrawn" if sealed else None
    texts = tuple(field.value for field in report.fields)
    aside = _seal_places(layout) if layout and source == "redrawn" else ()
    found = await looker.compare(Compare(data, sealed, texts, aside))
    if isinstance(found, Unseen):
        return None
    missing = _missing(report, found)
    if source is None and not missing:
        return None
    appended = len(data) - len(sealed) if sealed and source == "revision" else 0
    return Changed(certificate=report, layout=layout, source=source, compared=found, missing=missing, appended=appended)


def _missing(report: CertificateReport, found: Compared) -> tuple[FaceField, ...] | None:
    """Masked values are not on the page as they stand here."""
    if not found.found:
        return None
    return tuple(
        field for field, there in zip(report.fields, found.found, strict=True) if not there and "*" not in field.value
    )


# ---- where the sealed page comes from ----


async def _sealed_part(verifying: Verifying, data: bytes) -> tuple[bytes | None, RegisteredDocument | None]:
    """The longest beginning of a file that is a file of ours on record."""
    for end, digest in await asyncio.to_thread(lambda: list(_beginnings(data))):
        try:
            known = None if verifying.register is None else await verifying.register.find_document(digest)
        except (RegisterUnavailable, StoreError):
            return None, None
        if known is not None:
            return data[:end], known
    return None, None


def _beginnings(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Where the first revisions end, with the SHA-256 of all before: the longest first, not the whole."""
    found_ends = (found.end() for found in re.finditer(re.escape(END), data))
    ends = [end for end in islice(found_ends, MOST_REVISIONS) if end < len(data)]
    running, start, found = hashlib.sha256(), 0, []
    for end in ends:
        running.update(memoryview(data)[start:end])
        found.append((end, running.digest()))
        start = end
    yield from reversed(found)


async def _certificate(
    verifying: Verifying, inspection: Inspection, known: RegisteredDocument | None, now: datetime
) -> tuple[str | None, Asked | None]:
    """The certificate that the file is of: by the part on record, else by a token of ours that it carries."""
    if known is not None:
        return None, await ask_register(verifying.register, known.ref, now)
    attached = read_attached(inspection.attachment)
    for digits in dict.fromkeys([*([attached.token] if attached else []), *inspection.qr_digits]):
        try:
            token, signed = check_token(digits, verifying.anchors)
        except MalformedToken:
            continue
        if signed.outcome is Outcome.FAILED:
            continue
        asked, checks = await ask_of_token(verifying, token, signed, now)
        if asked.gathered is not None and soundness(checks) is Soundness.SOUND:
            return digits, asked
    return None, None


def _kind(
    verifying: Verifying,
    inspection: Inspection,
    certificate: RegisteredCertificate,
    known: RegisteredDocument | None,
) -> tuple[CertificateType | None, Layout | None]:
    """The type, and the sheet: as on record, as the data say, or the first."""
    try:
        kind = verifying.catalog.version(certificate.type_id, certificate.type_version)
    except NotFound:
        return None, None
    attached = read_attached(inspection.attachment)
    named = known.layout if known else attached.layout if attached else ""
    if certificate.layout is not None:
        return kind, None
    return kind, next((each for each in kind.layouts if each.name == named), kind.layouts[0])


async def _drawn(
    verifying: Verifying, kind: CertificateType, layout: Layout, certificate: RegisteredCertificate, digits: str
) -> bytes | None:
    """The page drawn anew, where its whole face is public and only the issuer seals it."""
    if verifying.drawer is None or not is_public_in_full(kind) or len(layout.seals) > 1:
        return None
    page = PageToDraw(
        type_id=kind.id,
        type_version=kind.version,
        layout=layout.name,
        fields=certificate.public_fields,
        number=certificate.number,
        identifier=certificate.identifier,
        version=certificate.version,
        issuer=certificate.issuer,
        seals=(),
        term=certificate.term,
        issued_on=beijing_date(parse_digits(digits).claims.issued_at),
        typed_code=certificate.ref.typed_code,
        digits=digits,
        specimen=verifying.anchors.is_demonstration,
    )
    try:
        return await verifying.drawer.draw(page)
    except CertsvcError:
        return None


def is_public_in_full(kind: CertificateType) -> bool:
    """Whether everything on its face is for everybody to see, as it stands there."""
    return not kind.definition.full_view and all(field.public == "clear" for field in kind.definition.fields)


def _seal_places(layout: Layout) -> tuple[tuple[int, float, float, float, float], ...]:
    def part(value: float, whole: float) -> float:
        return min(1.0, max(0.0, value / whole))

    return tuple(
        (
            seal.page,
            part(seal.x_mm - SEAL_ROOM_MM, layout.width_mm),
            part(seal.y_mm - SEAL_ROOM_MM, layout.height_mm),
            part(seal.x_mm + SEAL_ROOM_MM, layout.width_mm),
            part(seal.y_mm + SEAL_ROOM_MM, layout.height_mm),
        )
        for seal in layout.seals
    )
