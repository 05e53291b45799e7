"""The one incremental update: field, picture, validation data, structure element, signature (ISO 32000-2 12.8)."""

import re
import secrets
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime

from certsvc.domain.seal import Placement, SealPicture, ValidationData
from certsvc.errors import SealRefused
from certsvc.seal.base_pdf import BasePdf

POINTS_PER_MM = 72 / 25.4
BYTE_RANGE_ROOM = 40
EXTENSIONS = b"/Extensions<</ESIC<</BaseVersion/1.7/ExtensionLevel 1>>>>"
REFERENCE = b"/Reference[<</Type/SigRef/TransformMethod/DocMDP/TransformParams<</Type/TransformParams/P 1/V/1.2>>>>]"
"""Certified, no changes allowed: what makes other validators refuse added annotations and attachments."""


INK = b"/Resources<</ExtGState<</Ink<</Type/ExtGState/BM/Multiply>>>>>>"
"""Red ink over black print: what lies under the seal stays readable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """An update with a hole for the CMS: `head`, then `<` hole `>`, then `tail`, after the base."""

    head: bytes
    tail: bytes
    room: int

    def covered(self, base: BasePdf) -> tuple[bytes, ...]:
        """The bytes the signature covers, in order: all but the hole."""
        return base.data, self.head, self.tail

    def filled(self, base: BasePdf, cms: bytes) -> bytes:
        """The sealed file.

        Raises:
            SealRefused: the CMS does not fit its hole.
        """
        if len(cms) > self.room:
            raise SealRefused("签名比预留的位置长。", "The signature is longer than the room kept for it.")
        hole = cms.hex().encode("ascii").ljust(2 * self.room, b"0")
        return b"".join((base.data, self.head, b"<", hole, b">", self.tail))


@dataclass(frozen=True, slots=True, kw_only=True)
class SealContent:
    """What the update puts on the page."""

    picture: SealPicture
    placement: Placement
    description: str
    reason: str
    validation_data: ValidationData


def make_update(base: BasePdf, content: SealContent, room: int, now: datetime) -> Update:
    """Lay out the update; every object it changes or adds, once.

    Raises:
        SealRefused: the seal would not lie on the page.
    """
    numbers = _Numbers(base, content.validation_data)
    objects = {
        **_changed(base, content, numbers),
        numbers.widget: _widget(base, content, numbers),
        numbers.element: _element(base, content, numbers),
        numbers.security_store: _security_store(numbers),
        **{number: _stream(b"", data) for number, data in numbers.evidence(content.validation_data)},
        numbers.picture: _picture(content.picture),
    }
    return _lay_out(base, objects, numbers.signature, _signature(content, now), room)


class _Numbers:
    """The object numbers of everything new."""

    def __init__(self, base: BasePdf, data: ValidationData) -> None:
        first = base.size
        self.widget, self.element, self.security_store, self.picture = range(first, first + 4)
        self.certificates = range(first + 4, first + 4 + len(data.certificates))
        self.crls = range(self.certificates.stop, self.certificates.stop + len(data.crls))
        self.signature = self.crls.stop

    def evidence(self, data: ValidationData) -> list[tuple[int, bytes]]:
        return [*zip(self.certificates, data.certificates, strict=True), *zip(self.crls, data.crls, strict=True)]


def _changed(base: BasePdf, content: SealContent, numbers: _Numbers) -> dict[int, bytes]:
    page = _page(base, content.placement)
    form = b"/AcroForm<</Fields[%d 0 R]/SigFlags 3>>" % numbers.widget
    permissions = b"/Perms<</DocMDP %d 0 R>>/DSS %d 0 R" % (numbers.signature, numbers.security_store)
    key = b" %d %d 0 R]>>/ParentTreeNextKey %d" % (base.parent_key, numbers.element, base.parent_key + 1)
    tree, replaced = re.subn(rb"\]>>/ParentTreeNextKey \d+", key, base.body(base.structure))
    document, extended = re.subn(
        rb"(/K\s*\[[^\]]*)\]", rb"\1 %d 0 R]" % numbers.element, base.body(base.document), count=1
    )
    if not (replaced and extended) or b"/Annots" in base.body(page):
        raise SealRefused("这个 PDF 的结构树或页面与预期不同。", "Its structure tree or page is not what was expected.")
    return {
        base.root: _add(base.body(base.root), form + permissions + EXTENSIONS),
        page: _add(base.body(page), b"/Annots[%d 0 R]" % numbers.widget),
        base.structure: tree,
        base.document: document,
    }


def _add(dictionary: bytes, entries: bytes) -> bytes:
    return dictionary[: dictionary.rindex(b">>")] + entries + b">>"


def _page(base: BasePdf, placement: Placement) -> int:
    if not 1 <= placement.page <= len(base.pages):
        raise SealRefused(f"没有第 {placement.page} 页。", f"There is no page {placement.page}.")
    return base.pages[placement.page - 1]


def _widget(base: BasePdf, content: SealContent, numbers: _Numbers) -> bytes:
    page = _page(base, content.placement)
    left, bottom, right, top = _rectangle(base, page, content)
    return (
        b"<</Type/Annot/Subtype/Widget/FT/Sig/T(Seal1)/F 132/Rect[%.2f %.2f %.2f %.2f]/P %d 0 R/V %d 0 R"
        % (left, bottom, right, top, page, numbers.signature)
    ) + b"/AP<</N %d 0 R>>/TU %b/StructParent %d>>" % (numbers.picture, _text(content.description), base.parent_key)


def _rectangle(base: BasePdf, page: int, content: SealContent) -> tuple[float, float, float, float]:
    box = re.search(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\s*\]", base.body(page))
    if box is None or b"/Rotate" in base.body(page):
        raise SealRefused("页面大小读不出来，或页面被旋转。", "The page's size cannot be read, or the page is rotated.")
    width, height = float(box[1]), float(box[2])
    half = content.picture.size_pt / 2
    x, y = content.placement.x_mm * POINTS_PER_MM, height - content.placement.y_mm * POINTS_PER_MM
    if not (half <= x <= width - half and half <= y <= height - half):
        raise SealRefused("印章会超出页面。", "The seal would not lie on the page.")
    return x - half, y - half, x + half, y + half


def _element(base: BasePdf, content: SealContent, numbers: _Numbers) -> bytes:
    page = _page(base, content.placement)
    kid = b"<</Type/OBJR/Obj %d 0 R/Pg %d 0 R>>" % (numbers.widget, page)
    alt = _text(content.description)
    return b"<</Type/StructElem/S/Form/P %d 0 R/Pg %d 0 R/Alt %b/K%b>>" % (base.document, page, alt, kid)


def _security_store(numbers: _Numbers) -> bytes:
    certificates = b" ".join(b"%d 0 R" % number for number in numbers.certificates)
    crls = b" ".join(b"%d 0 R" % number for number in numbers.crls)
    return b"<</Type/DSS/Certs[%b]/CRLs[%b]>>" % (certificates, crls)


def _picture(picture: SealPicture) -> bytes:
    box = b"/BBox[0 0 %.3f %.3f]" % (picture.size_pt, picture.size_pt)
    return _stream(b"/Type/XObject/Subtype/Form/FormType 1%b%b" % (box, INK), b"/Ink gs\n" + picture.content)


def _signature(content: SealContent, now: datetime) -> bytes:
    when = now.astimezone(UTC).strftime("D:%Y%m%d%H%M%S+00'00'").encode("ascii")
    return b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/Reason %b/M(%b)%b/ByteRange[" % (
        _text(content.reason),
        when,
        REFERENCE,
    )


def _lay_out(base: BasePdf, objects: dict[int, bytes], signature: int, opening: bytes, room: int) -> Update:
    offsets, parts, place = {}, [], len(base.data)
    for number, body in objects.items():
        text = b"%d 0 obj\n%b\nendobj\n" % (number, body)
        offsets[number] = place
        parts.append(text)
        place += len(text)
    offsets[signature] = place
    head = b"%d 0 obj\n%b" % (signature, opening)
    hole_start = place + len(head) + BYTE_RANGE_ROOM + len(b"]/Contents")
    hole_end = hole_start + 2 * room + 2
    closing = b">>\nendobj\n"
    tail = closing + _cross_reference(base, offsets, hole_end + len(closing))
    byte_range = b"0 %d %d %d" % (hole_start, hole_end, len(tail))
    parts.append(head + byte_range.ljust(BYTE_RANGE_ROOM) + b"]/Contents")
    return Update(head=b"".join(parts), tail=tail, room=room)


def _cross_reference(base: BasePdf, offsets: dict[int, int], start: int) -> bytes:
    lines, previous = [b"xref\n"], -2
    ordered = sorted(offsets)
    for number in ordered:
        if number != previous + 1:
            run = next(i for i in range(1, len(ordered) + 1) if number + i not in offsets)
            lines.append(b"%d %d\n" % (number, run))
        lines.append(b"%010d 00000 n \n" % offsets[number])
        previous = number
    identifier = b"/ID[%b<%b>]" % (base.first_id, secrets.token_hex(16).encode("ascii"))
    trailer = b"/Size %d/Root %d 0 R%b%b/Prev %d" % (max(offsets) + 1, base.root, base.info, identifier, base.xref)
    return b"".join((*lines, b"trailer\n<<", trailer, b">>\nstartxref\n%d\n%%%%EOF\n" % start))


def _stream(entries: bytes, data: bytes) -> bytes:
    packed = zlib.compress(data, 9)
    return b"<<%b/Filter/FlateDecode/Length %d>>\nstream\n%b\nendstream" % (entries, len(packed), packed)


def _text(text: str) -> bytes:
    return b"<FEFF%b>" % text.encode("utf-16-be").hex().upper().encode("ascii")
