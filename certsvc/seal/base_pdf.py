"""A byte-level view of the page to be sealed, as typst writes it: classic cross-reference table, plain objects, a
structure tree. Anything else is refused, so that what is sealed is what was rendered and nothing more."""

import re
from dataclasses import dataclass

from certsvc.domain.revision import END, Earlier
from certsvc.errors import SealRefused

MAX_BYTES = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class BasePdf:
    """One unsealed revision: its bytes, where its objects lie, and the objects that a seal has to touch."""

    data: bytes
    offsets: tuple[int, ...]
    xref: int
    info: bytes
    first_id: bytes
    root: int
    pages: tuple[int, ...]
    structure: int
    document: int
    parent_key: int

    @property
    def size(self) -> int:
        """One more than the highest object number."""
        return len(self.offsets)

    @property
    def earlier(self) -> Earlier:
        """What the first update takes over."""
        return Earlier(
            length=len(self.data),
            table=self.xref,
            size=self.size,
            root=self.root,
            info=self.info,
            first_id=self.first_id,
        )

    def body(self, number: int) -> bytes:
        """The text of an object, without `obj` and `endobj`."""
        return _body(self.data, self.offsets, number)


def read_base(data: bytes) -> BasePdf:
    """Take a rendered page apart.

    Raises:
        SealRefused: it is not a single, complete, unsealed, tagged revision that ends with a newline.
    """
    if len(data) > MAX_BYTES or not data.startswith(b"%PDF-1.7") or not data.endswith(END):
        raise _refused("不是以换行结尾的完整 PDF 1.7", "it is no complete PDF 1.7 that ends with a newline")
    if data.count(b"startxref") != 1 or b"/AcroForm" in data or b"/Encrypt" in data:
        raise _refused("已经盖过章、被改过或已加密", "it was sealed or changed before, or is encrypted")
    try:
        return _read(data)
    except (ValueError, IndexError):
        raise _refused("结构与预期不同", "its structure is not what was expected") from None


def _read(data: bytes) -> BasePdf:
    start = data.rindex(b"startxref")
    xref = int(data[start + 9 : -len(END)])
    trailer = data[data.index(b"trailer", xref) : start]
    size = _number(rb"/Size (\d{1,7})\b", trailer)
    table = re.compile(rb"xref\n0 %d\n((?:\d{10} \d{5} [nf](?: \n|\r\n)){%d})" % (size, size)).match(data, xref)
    offsets = tuple(int(line[:10]) for line in _group(table, 1).splitlines())
    root = _number(rb"/Root (\d+) 0 R", trailer)
    catalog = _body(data, offsets, root)
    if b"/Prev" in trailer or b"/XRefStm" in trailer or b"#" in catalog:
        raise ValueError("another table before this one, or a name in disguise")
    structure = _number(rb"/StructTreeRoot (\d+) 0 R", catalog)
    tree = _body(data, offsets, structure)
    pages = _body(data, offsets, _number(rb"/Pages (\d+) 0 R", catalog))
    kids = _group(re.search(rb"/Kids\s*\[([^\]]*)\]", pages), 1)
    return BasePdf(
        data=data,
        offsets=offsets,
        xref=xref,
        info=_group(re.search(rb"/Info \d+ 0 R", trailer), 0),
        first_id=_group(re.search(rb"/ID\s*\[\s*(\([^)]*\)|<[^>]*>)", trailer), 1),
        root=root,
        pages=tuple(int(kid) for kid in re.findall(rb"(\d+) 0 R", kids)),
        structure=structure,
        document=_number(rb"/K\s*\[(\d+) 0 R\]", tree),
        parent_key=_number(rb"/ParentTreeNextKey (\d+)", tree),
    )


def _body(data: bytes, offsets: tuple[int, ...], number: int) -> bytes:
    opening = b"%d 0 obj\n" % number
    if not data.startswith(opening, offsets[number]):
        raise ValueError("no such object there")
    start = offsets[number] + len(opening)
    return data[start : data.index(b"endobj", start)].strip()


def _number(pattern: bytes, text: bytes) -> int:
    return int(_group(re.search(pattern, text), 1))


def _group(found: re.Match[bytes] | None, number: int) -> bytes:
    if found is None:
        raise ValueError("not found")
    return bytes(found[number])


def _refused(zh: str, en: str) -> SealRefused:
    return SealRefused(f"这个 PDF 不能盖章：{zh}。", f"This PDF cannot be sealed: {en}.")
