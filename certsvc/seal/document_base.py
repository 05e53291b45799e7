"""A byte-level view of a document that was prepared to be sealed, as `seal.document_pdf` writes it: nothing of what a
department wrote is read where the keys are."""

import re
from dataclasses import dataclass

from certsvc.domain.document_seal import MAX_FILE
from certsvc.domain.revision import END, Earlier
from certsvc.domain.seal_form import field_name
from certsvc.errors import SealRefused

PLAIN = re.compile(
    rb"<<\n(?:/[^\s/<>\[\]()%{}]{1,127} (?:/[^\s/<>\[\]()%{}]{1,127}|\d+ 0 R|true|false|null|[-+.\d]{1,30})\n)*>>"
)
"""A dictionary of names, numbers and references alone: nothing in it can pass for its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentBase:
    """The catalogue and the fields to be sealed, in order, by number and text; `earlier` is what an update takes
    over."""

    root: bytes
    fields: tuple[tuple[int, bytes], ...]
    earlier: Earlier


def read_prepared(data: bytes, seals: int) -> DocumentBase:
    """Take a prepared document apart that is to get so many seals.

    Raises:
        SealRefused: it is not one revision as we write it, or has not these fields.
    """
    if len(data) > MAX_FILE or not data.startswith(b"%PDF-") or data.count(b"%%EOF") != 1 or not data.endswith(END):
        raise _refused()
    try:
        return _read(data, seals)
    except (ValueError, IndexError, TypeError):
        raise _refused() from None


def _read(data: bytes, seals: int) -> DocumentBase:
    start = data.rindex(b"startxref\n")
    table = int(data[start + 10 : -len(END)])
    trailer = data[data.index(b"trailer\n", table) : start]
    size = int(_found(rb"\n/Size (\d{1,7})\n", trailer)[1])
    listed = re.compile(rb"xref\n0 %d\n((?:\d{10} \d{5} [nf] \n){%d})trailer\n" % (size, size)).match(data, table)
    offsets = [int(line[:10]) for line in (listed or [b"", b""])[1].splitlines()]
    number = int(_found(rb"\n/Root (\d+) 0 R\n", trailer)[1])
    root = _body(data, offsets, number)
    if len(offsets) != size or not PLAIN.fullmatch(root):
        raise ValueError("no table, or no plain catalogue")
    form = _body(data, offsets, int(_found(rb"\n/AcroForm (\d+) 0 R\n", root)[1]))
    named = _found(rb"\A<<\n/Fields \[ ((?:\d+ 0 R )*)\]\n/SigFlags 3\n", form)[1]
    numbers = [int(found) for found in re.findall(rb"(\d+) 0 R", named)][-seals:]
    fields = tuple((each, _body(data, offsets, each)) for each in numbers)
    for place, (_, body) in enumerate(fields):
        _found(rb"\n/FT /Sig\n/T \(%b\)\n" % field_name(place).encode("ascii"), body)
    if len(fields) != seals or any(b"/V" in body for _, body in fields):
        raise ValueError("not these fields")
    info = re.search(rb"\n(/Info \d+ 0 R)\n", trailer)
    earlier = Earlier(
        length=len(data),
        table=table,
        size=size,
        root=number,
        info=info[1] if info else b"",
        first_id=_found(rb"\n/ID \[ (<[0-9a-f]{32}>) <[0-9a-f]{32}> \]\n", trailer)[1],
    )
    return DocumentBase(root=root, fields=fields, earlier=earlier)


def _body(data: bytes, offsets: list[int], number: int) -> bytes:
    opening = b"%d 0 obj\n" % number
    if not data.startswith(opening, offsets[number]):
        raise ValueError("no such object there")
    start = offsets[number] + len(opening)
    return data[start : data.index(b"\nendobj\n", start)]


def _found(pattern: bytes, text: bytes) -> re.Match[bytes]:
    found = re.search(pattern, text)
    if found is None:
        raise ValueError("not found")
    return found


def _refused() -> SealRefused:
    return SealRefused("这个文件没有按要求准备好，不能盖章。", "This document was not prepared as it must be.")
