"""The objects of seals on a page: signature field, structure element, picture, signature dictionary (ISO 32000-2 12.8).

PDF/UA-1 survives sealing because every field is in the structure tree, with the words a screen reader says.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from certsvc.domain.revision import add_entries, packed_stream
from certsvc.domain.seal import Placement, SealImage, SealPicture
from certsvc.domain.seal_form import LOCK, SEAL_OPENING, field_name
from certsvc.errors import SealRefused
from certsvc.seal.base_pdf import BasePdf

POINTS_PER_MM = 72 / 25.4
EXTENSIONS = b"/Extensions<</ESIC<</BaseVersion/1.7/ExtensionLevel 1>>>>"
PARENT_TREE = re.compile(rb"(/ParentTree<</Nums\[[^\]]*)\](.*)/ParentTreeNextKey \d+", re.DOTALL)
"""Between them lies the tree of identifiers of a page that has tables with heads."""

INK = b"/ExtGState<</Ink<</Type/ExtGState/BM/Multiply>>>>"
"""Red ink over black print: what lies under the seal stays readable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealContent:
    """What a seal puts on the page. `description` is what a screen reader says of it."""

    picture: SealPicture
    placement: Placement
    description: str
    reason: str


class Numbers:
    """The numbers of the objects that prepare a page for seals; `free` is the first one after them.

    One seal has its field and its annotation in one object. Of joint seals each annotation is an object of its own,
    which sealing leaves as it is: EU DSS takes exception to changes that it reaches through the structure tree. It has
    no /Parent, which the only annotation of a field may leave out (ISO 32000-2 12.5.6.19): poppler up to 22.12 takes
    one that has it for an unsigned field.
    """

    def __init__(self, first: int, contents: Sequence[SealContent]) -> None:
        seals = len(contents)
        self.fields = range(first, first + seals)
        self.notes = self.fields if seals == 1 else range(self.fields.stop, self.fields.stop + seals)
        self.elements = range(self.notes.stop, self.notes.stop + seals)
        self.first_seal = self.elements.stop
        self.lock = self.first_seal + 1
        self.pictures, self.free = [], self.lock + (seals > 1)
        for content in contents:
            self.pictures.append(self.free)
            self.free += 1 if content.picture.image is None else 3


def prepare_page(base: BasePdf, contents: Sequence[SealContent], numbers: Numbers) -> dict[int, bytes]:
    """What fields with their pictures change and add; nothing is sealed yet. The first seal is to certify, the last of
    several is to lock the document.

    Raises:
        SealRefused: a seal would not lie on its page, or the page is not as rendered.
    """
    objects = _changed(base, contents, numbers)
    for place, content in enumerate(contents):
        objects |= _field(base, content, numbers, place)
        objects[numbers.elements[place]] = _element(base, content, numbers.notes[place])
        objects |= _picture(content.picture, numbers.pictures[place])
    if len(contents) > 1:
        last = numbers.fields[-1]
        objects[last] = add_entries(objects[last], b"/Lock %d 0 R" % numbers.lock)
        objects[numbers.lock] = LOCK
    return objects


def _changed(base: BasePdf, contents: Sequence[SealContent], numbers: Numbers) -> dict[int, bytes]:
    fields, elements = _references(numbers.fields), _references(numbers.elements)
    form = b"/AcroForm<</Fields[%b]/SigFlags 3>>/Perms<</DocMDP %d 0 R>>" % (fields, numbers.first_seal)
    keys = b" ".join(b"%d %d 0 R" % (base.parent_key + place, number) for place, number in enumerate(numbers.elements))
    next_key = base.parent_key + len(contents)
    tree, replaced = PARENT_TREE.subn(
        lambda found: b"%b %b]%b/ParentTreeNextKey %d" % (found[1], keys, found[2], next_key), base.body(base.structure)
    )
    document, extended = re.subn(rb"(/K\s*\[[^\]]*)\]", rb"\1 %b]" % elements, base.body(base.document), count=1)
    pages = [_page(base, content.placement) for content in contents]
    if not (replaced and extended) or any(b"/Annots" in base.body(page) for page in pages):
        raise SealRefused("这个 PDF 的结构树或页面与预期不同。", "Its structure tree or page is not what was expected.")
    notes = {page: [note for note, own in zip(numbers.notes, pages, strict=True) if own == page] for page in pages}
    return {
        base.root: add_entries(base.body(base.root), form + EXTENSIONS),
        **{page: add_entries(base.body(page), b"/Annots[%b]" % _references(own)) for page, own in notes.items()},
        base.structure: tree,
        base.document: document,
    }


def _references(numbers: Sequence[int]) -> bytes:
    return b" ".join(b"%d 0 R" % number for number in numbers)


def _page(base: BasePdf, placement: Placement) -> int:
    if not 1 <= placement.page <= len(base.pages):
        raise SealRefused(f"没有第 {placement.page} 页。", f"There is no page {placement.page}.")
    return base.pages[placement.page - 1]


def _field(base: BasePdf, content: SealContent, numbers: Numbers, place: int) -> dict[int, bytes]:
    page = _page(base, content.placement)
    field, note = numbers.fields[place], numbers.notes[place]
    named = b"/FT/Sig/T(%b)/TU %b" % (field_name(place).encode("ascii"), _text(content.description))
    shown = b"/Type/Annot/Subtype/Widget/F 132/Rect[%.2f %.2f %.2f %.2f]/P %d 0 R/AP<</N %d 0 R>>/StructParent %d" % (
        *_rectangle(base, page, content),
        page,
        numbers.pictures[place],
        base.parent_key + place,
    )
    if field == note:
        return {field: b"<<%b%b>>" % (shown, named)}
    return {field: b"<<%b/Kids[%d 0 R]>>" % (named, note), note: b"<<%b>>" % shown}


def _rectangle(base: BasePdf, page: int, content: SealContent) -> tuple[float, float, float, float]:
    box = re.search(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\s*\]", base.body(page))
    if box is None or b"/Rotate" in base.body(page):
        raise SealRefused("页面大小读不出来，或页面被旋转。", "The page's size cannot be read, or the page is rotated.")
    width, height = float(box[1]), float(box[2])
    across, up = content.picture.width_pt / 2, content.picture.height_pt / 2
    x, y = content.placement.x_mm * POINTS_PER_MM, height - content.placement.y_mm * POINTS_PER_MM
    if not (across <= x <= width - across and up <= y <= height - up):
        raise SealRefused("印章会超出页面。", "The seal would not lie on the page.")
    return x - across, y - up, x + across, y + up


def _element(base: BasePdf, content: SealContent, note: int) -> bytes:
    page = _page(base, content.placement)
    kid = b"<</Type/OBJR/Obj %d 0 R/Pg %d 0 R>>" % (note, page)
    alt = _text(content.description)
    return b"<</Type/StructElem/S/Form/P %d 0 R/Pg %d 0 R/Alt %b/K%b>>" % (base.document, page, alt, kid)


def _picture(picture: SealPicture, first: int) -> dict[int, bytes]:
    box = b"/Type/XObject/Subtype/Form/FormType 1/BBox[0 0 %.3f %.3f]" % (picture.width_pt, picture.height_pt)
    drawn = b"/Ink gs\n" + picture.content
    if picture.image is None:
        return {first: packed_stream(drawn, b"%b/Resources<<%b>>" % (box, INK))}
    named = b"/XObject<</Seal %d 0 R>>" % (first + 1)
    return {
        first: packed_stream(drawn, b"%b/Resources<<%b%b>>" % (box, INK, named)),
        first + 1: _image(picture.image, b"/DeviceRGB", picture.image.rgb, b"/SMask %d 0 R" % (first + 2)),
        first + 2: _image(picture.image, b"/DeviceGray", picture.image.alpha),
    }


def _image(image: SealImage, colours: bytes, data: bytes, mask: bytes = b"") -> bytes:
    size = b"/Width %d/Height %d" % (image.width_px, image.height_px)
    entries = b"/Type/XObject/Subtype/Image%b/ColorSpace%b/BitsPerComponent 8%b" % (size, colours, mask)
    return packed_stream(data, entries)


def signature_opening(reason: str, reference: bytes, now: datetime) -> bytes:
    """A signature dictionary up to its ByteRange."""
    when = now.astimezone(UTC).strftime("D:%Y%m%d%H%M%S+00'00'").encode("ascii")
    return b"%b%b/M(%b)%b" % (SEAL_OPENING, _text(reason), when, reference)


def _text(text: str) -> bytes:
    return b"<FEFF%b>" % text.encode("utf-16-be").hex().upper().encode("ascii")
