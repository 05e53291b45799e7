"""A new PDF around pages of others: each becomes a picture (a form XObject) on a page of ours. Of the old file nothing
else comes along: no catalogue, no names, no actions, no annotations, no earlier revision.

It is spelt as the sealer reads it (`seal.base_pdf`), and its structure tree says in words what each picture is.
"""

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pikepdf
from pikepdf import Dictionary, ObjectStreamMode, Pdf, Stream, StreamDecodeLevel

from certsvc.domain.certificate import ATTACHMENT
from certsvc.domain.revision import END, packed_stream
from certsvc.render.external_shapes import Refused

OUTSIDE = (
    *("/OC", "/Alternates", "/OPI", "/Ref", "/AA", "/AF", "/Metadata", "/PieceInfo", "/StructParent", "/StructParents"),
    *("/LastModified", "/Measure", "/PtData", "/Subtype2", "/PS"),
)
"""Of pictures and forms: what another viewer could show or print instead, and what points out of them."""

MARKS = (b"startxref", b"%%EOF", b"/ByteRange", b"/AcroForm", b"/Encrypt")
"""By which revisions and seals are found in the bytes: each at most where we put it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Something drawn on a page: a form XObject, where it stands, and what a screen reader says of it."""

    form: Any
    matrix: tuple[float, ...]
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A page of the new file: its size in points and what is drawn on it, the last on top."""

    width: float
    height: float
    pictures: tuple[Picture, ...]


class _Book:
    """The objects of a file by their numbers."""

    def __init__(self, known: Mapping[int, bytes]) -> None:
        self.objects = dict(known)
        self._next = max(known, default=0) + 1

    def reserve(self) -> int:
        """A number for an object that others refer to before it is written."""
        self._next += 1
        return self._next - 1

    def add(self, body: bytes) -> int:
        """An object under the next number."""
        number = self.reserve()
        self.objects[number] = body
        return number


def write_file(sheets: Sequence[Sheet], title: str, attachment: bytes | None, intents: Sequence[Any] = ()) -> bytes:
    """The new PDF: one revision of plain objects; the same content gives the same bytes. `intents` say what colours are
    meant where the pages do not (ISO 32000-2 14.11.5).

    Raises:
        Refused: pictures contain what marks revisions or seals.
    """
    pictures = [picture.form for sheet in sheets for picture in sheet.pictures]
    taken, objects = _take([*pictures, *intents])
    book, forms = _Book(objects), iter(taken)
    root, tree, document, pages = (book.reserve() for _ in range(4))
    kids, keys, elements = [], [], []
    for place, sheet in enumerate(sheets):
        page = book.add(_page(book, sheet, place, pages, forms))
        own = [
            book.add(_element(picture, document, page, index, sheet)) for index, picture in enumerate(sheet.pictures)
        ]
        kids.append(page)
        keys.append(b"%d[%b]" % (place, _references(own)))
        elements += own
    extras = _attached(book, attachment) + _intended([*forms])
    book.objects |= {
        pages: b"<</Type/Pages/Count %d/Kids[%b]>>" % (len(kids), _references(kids)),
        document: b"<</Type/StructElem/S/Document/P %d 0 R/K[%b]>>" % (tree, _references(elements)),
        tree: b"<</Type/StructTreeRoot/K[%d 0 R]/ParentTree<</Nums[%b]>>/ParentTreeNextKey %d>>"
        % (document, b" ".join(keys), len(kids)),
        root: b"<</Type/Catalog/Pages %d 0 R/StructTreeRoot %d 0 R/MarkInfo<</Marked true>>/Lang(zh-CN)"
        b"/ViewerPreferences<</DisplayDocTitle true>>%b>>" % (pages, tree, extras),
    }
    info = book.add(b"<</Title %b>>" % _text(title))
    return _require_clean(_written(book.objects, root, info))


def _take(wanted: Sequence[Any]) -> tuple[list[int], dict[int, bytes]]:
    """Objects of another file with all they need, as objects of a new one: their numbers, and every body."""
    kept = pikepdf.new()
    kept.Root.Kept = pikepdf.Array([kept.copy_foreign(each) for each in wanted])
    sink = io.BytesIO()
    kept.save(
        sink,
        object_stream_mode=ObjectStreamMode.disable,
        stream_decode_level=StreamDecodeLevel.generalized,
        compress_streams=True,
        recompress_flate=True,
        static_id=True,
    )
    taken = Pdf.open(sink)
    for each in taken.objects:
        if isinstance(each, Stream):
            for key in OUTSIDE:
                if key in each:
                    del each[key]
    own = {taken.Root.objgen[0], taken.Root.Pages.objgen[0]}
    objects = {each.objgen[0]: _spelt(each) for each in taken.objects if each.objgen[0] not in own}
    return [found.objgen[0] for found in taken.Root.Kept], objects


def _spelt(each: Any) -> bytes:
    if not isinstance(each, Stream):
        return bytes(each.unparse(resolved=True))
    data = each.read_raw_bytes()
    entries = Dictionary({key: each[key] for key in each.keys() if key != "/Length"})  # noqa: SIM118 - no mapping
    head = bytes(entries.unparse(resolved=True)).rstrip()[:-2]
    return b"%b/Length %d>>\nstream\n%b\nendstream" % (head, len(data), data)


def _drawn(index: int, picture: Picture) -> bytes:
    numbers = " ".join(f"{value:.6f}".rstrip("0").rstrip(".") for value in picture.matrix).encode("ascii")
    return b"/Figure<</MCID %d>>BDC\nq %b cm /P%d Do Q\nEMC\n" % (index, numbers, index)


def _page(book: _Book, sheet: Sheet, place: int, pages: int, forms: Iterator[int]) -> bytes:
    drawing = book.add(packed_stream(b"".join(_drawn(index, each) for index, each in enumerate(sheet.pictures))))
    named = b"".join(b"/P%d %d 0 R" % (index, next(forms)) for index in range(len(sheet.pictures)))
    return (
        b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 %.3f %.3f]/Contents %d 0 R/Resources<</XObject<<%b>>>>"
        b"/Tabs/S/StructParents %d>>" % (pages, sheet.width, sheet.height, drawing, named, place)
    )


def _element(picture: Picture, document: int, page: int, index: int, sheet: Sheet) -> bytes:
    box = b"/A<</O/Layout/Placement/Block/BBox[0 0 %.3f %.3f]>>" % (sheet.width, sheet.height)
    return b"<</Type/StructElem/S/Figure/P %d 0 R/Pg %d 0 R/Alt %b%b/K[%d]>>" % (
        *(document, page, _text(picture.words), box, index),
    )


def _attached(book: _Book, data: bytes | None) -> bytes:
    """Entries of the catalogue for the data attached."""
    if data is None:
        return b""
    name, words = ATTACHMENT.encode("ascii"), _text("机器可读的证照数据")
    entries = b"/Type/EmbeddedFile/Subtype/application#2Fjson/Params<</Size %d>>" % len(data)
    content = book.add(packed_stream(data, entries))
    file = book.add(
        b"<</Type/Filespec/F(%b)/UF(%b)/AFRelationship/Data/Desc %b/EF<</F %d 0 R/UF %d 0 R>>>>"
        % (name, name, words, content, content)
    )
    return b"/Names<</EmbeddedFiles<</Names[(%b) %d 0 R]>>>>/AF[%d 0 R]" % (name, file, file)


def _intended(intents: Sequence[int]) -> bytes:
    return b"/OutputIntents[%b]" % _references(intents) if intents else b""


def _written(objects: dict[int, bytes], root: int, info: int) -> bytes:
    """Whole objects under new numbers without gaps would need new references: the free numbers go into the table."""
    head, parts, offsets = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", [], {}
    place = len(head)
    for number in sorted(objects):
        text = b"%d 0 obj\n%b\nendobj\n" % (number, objects[number])
        offsets[number] = place
        parts.append(text)
        place += len(text)
    size = max(objects) + 1
    free = [number for number in range(size) if number not in offsets]
    after = dict(zip(free, (*free[1:], 0), strict=True))
    lines = [
        b"%010d 00000 n \n" % offsets[number] if number in offsets else b"%010d %05d f \n" % (after[number], 65535)
        for number in range(size)
    ]
    body = b"".join([head, *parts])
    identifier = hashlib.sha256(body).hexdigest()[:32].encode("ascii")
    trailer = b"trailer\n<</Size %d/Root %d 0 R/Info %d 0 R/ID[<%b><%b>]>>\nstartxref\n%d\n" % (
        *(size, root, info, identifier, identifier, place),
    )
    return b"".join([body, b"xref\n0 %d\n" % size, *lines, trailer, END])


def _require_clean(data: bytes) -> bytes:
    ours = {b"startxref": 1, b"%%EOF": 1}
    if any(data.count(mark) != ours.get(mark, 0) for mark in MARKS):
        raise Refused(
            "marks_of_a_file", "图像中夹带了 PDF 文件的标记，请重新导出", "its pictures contain marks of PDF files"
        )
    return data


def _references(numbers: Sequence[int]) -> bytes:
    return b" ".join(b"%d 0 R" % number for number in numbers)


def _text(text: str) -> bytes:
    return b"<FEFF%b>" % text.encode("utf-16-be").hex().upper().encode("ascii")
