"""Surgery on sealed PDFs with classic cross-reference tables: splice, add objects, sign anew. Offsets stay right."""

import hashlib
import re
import zlib
from collections.abc import Callable

TABLE = re.compile(rb"xref\n(?:\d+ \d+\n(?:\d{10} \d{5} [nf](?: \n|\r\n))+)+")
ENTRY = re.compile(rb"(\d{10})( \d{5} [nf])")
POINTER = re.compile(rb"(startxref\n|/Prev )(\d+)")
BYTE_RANGE = re.compile(rb"/ByteRange\[([0-9 ]+)\]/Contents<")
FIELD = 40
"""How wide the numbers in a ByteRange are, padded with spaces."""


def splice(data: bytes, start: int, stop: int, new: bytes) -> bytes:
    """`data` with `new` in place of `start:stop`, every later object found where it now is."""
    delta = len(new) - (stop - start)

    def moved(found: re.Match[bytes]) -> bytes:
        return b"%010d%b" % (_moved(int(found[1]), stop, delta), found[2])

    def pointed(found: re.Match[bytes]) -> bytes:
        target = b"%d" % _moved(int(found[2]), stop, delta)
        assert len(target) == len(found[2]), "the pointer itself would move what follows"
        return found[1] + target

    spliced = data[:start] + new + data[stop:]
    spliced = TABLE.sub(lambda table: ENTRY.sub(moved, table[0]), spliced)
    return POINTER.sub(pointed, spliced)


def _moved(offset: int, edge: int, delta: int) -> int:
    return offset + delta if offset >= edge else offset


def replace(data: bytes, old: bytes, new: bytes, *, first: bool = False) -> bytes:
    """The last occurrence of `old` (or the first) replaced, whatever its length."""
    start = data.index(old) if first else data.rindex(old)
    return splice(data, start, start + len(old), new)


def add_object(data: bytes, body: bytes) -> tuple[bytes, int]:
    """An object more in the last revision, and its number."""
    table = data.rindex(b"\nxref\n") + 1
    number = int(re.findall(rb"/Size (\d+)", data)[-1])
    longer = splice(data, table, table, b"%d 0 obj\n%b\nendobj\n" % (number, body))
    line = b"%d 1\n%010d 00000 n \n" % (number, table)
    trailer = longer.rindex(b"trailer\n")
    longer = splice(longer, trailer, trailer, line)
    return replace(longer, b"/Size %d" % number, b"/Size %d" % (number + 1)), number


def stream(entries: bytes, content: bytes) -> bytes:
    """The body of a compressed stream object."""
    packed = zlib.compress(content, 9)
    return b"<<%b/Filter/FlateDecode/Length %d>>\nstream\n%b\nendstream" % (entries, len(packed), packed)


def replace_stream(data: bytes, number: int, content: bytes) -> bytes:
    """Another content for the stream object `number` (its last revision); its other entries stay."""
    start = [found.start() for found in re.finditer(rb"(?<![0-9])%d 0 obj\n" % number, data)][-1]
    stop = data.index(b"endobj", start)
    entries = re.sub(rb"/Length \d+|/Filter/FlateDecode", b"", data[start : data.index(b">>\nstream", start)])
    body = stream(entries[entries.index(b"<<") + 2 :], content)
    return splice(data, start, stop, b"%d 0 obj\n%b\n" % (number, body))


def read_stream(data: bytes, number: int) -> bytes:
    """The content of the compressed stream object `number` (its last revision)."""
    start = [found.start() for found in re.finditer(rb"(?<![0-9])%d 0 obj\n" % number, data)][-1]
    begins = data.index(b"stream\n", start) + len(b"stream\n")
    return zlib.decompressobj().decompress(data[begins:])


def hole(data: bytes) -> tuple[int, int]:
    """Where the last signature's hexadecimal digits lie, without `<` and `>`."""
    start = list(BYTE_RANGE.finditer(data))[-1].end()
    return start, data.index(b">", start)


def contents(data: bytes) -> bytes:
    """The DER of the last signature's CMS, without its padding."""
    start, stop = hole(data)
    filled = bytes.fromhex(data[start:stop].decode("ascii"))
    size = 2 + (filled[1] & 0x7F)
    return filled[: size + int.from_bytes(filled[2:size], "big")]


def fill(data: bytes, cms: bytes) -> bytes:
    """The same file with another CMS in its hole, the padding zero."""
    start, stop = hole(data)
    assert 2 * len(cms) <= stop - start
    return data[:start] + cms.hex().encode("ascii").ljust(stop - start, b"0") + data[stop:]


def sign(data: bytes, make_cms: Callable[[bytes], bytes]) -> bytes:
    """The file with its ByteRange put right and a CMS of its digest: what the owner of a key can always do."""
    start, stop = hole(data)
    numbers = b"0 %d %d %d" % (start - 1, stop + 1, len(data) - stop - 1)
    field = list(BYTE_RANGE.finditer(data))[-1]
    width = len(field[1])
    ranged = data[: field.start(1)] + numbers.ljust(width) + data[field.end(1) :]
    assert len(ranged) == len(data)
    return fill(ranged, make_cms(hashlib.sha256(ranged[: start - 1] + ranged[stop + 1 :]).digest()))


def objects(data: bytes) -> dict[int, bytes]:
    """The bodies of all objects by number, as the last revision has them."""
    found = re.finditer(rb"(?<![0-9])(\d+) 0 obj\n(.*?)\nendobj\n", data, re.S)
    return {int(one[1]): one[2] for one in found}


def append_revision(data: bytes, changed: dict[int, bytes], *, trailer: bytes = b"") -> bytes:
    """An incremental update with these objects, as any PDF editor writes it; `trailer` is added to its trailer."""
    last = data[data.rindex(b"trailer\n<<") + len(b"trailer\n<<") : data.rindex(b">>\nstartxref")]
    previous = int(re.findall(rb"startxref\n(\d+)", data)[-1])
    size = max(int(re.findall(rb"/Size (\d+)", last)[-1]), max(changed, default=0) + 1)
    parts, lines, place = [data], [b"xref\n"], len(data)
    for number, body in changed.items():
        parts.append(b"%d 0 obj\n%b\nendobj\n" % (number, body))
        lines.append(b"%d 1\n%010d 00000 n \n" % (number, place))
        place += len(parts[-1])
    entries = re.sub(rb"/Size \d+|/Prev \d+", b"", last) + b"/Size %d/Prev %d" % (size, previous) + trailer
    table = b"".join(lines) if changed else b"xref\n0 0\n"
    return b"".join(parts) + table + b"trailer\n<<%b>>\nstartxref\n%d\n%%%%EOF\n" % (entries, place)
