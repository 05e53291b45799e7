"""How we write a later revision of a PDF, byte for byte (ISO 32000-2 7.5.6): sealers write it, verifiers read it.

One spelling for everything: whole objects, one classic cross-reference table, one trailer. So a revision that is read
can be written anew and must come out the same.
"""

import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

END = b"%%EOF\n"
OBJECT = re.compile(rb"(\d{1,7}) 0 obj\n(.*?)\nendobj\n", re.DOTALL)
TRAILER = re.compile(
    rb"trailer\n<</Size \d{1,7}/Root (\d{1,7}) 0 R(/Info \d{1,7} 0 R)/ID\[(\([^)]*\)|<[^>]*>)<([0-9a-f]{32})>\]"
    rb"/Prev (\d{1,10})>>\nstartxref\n\d{1,10}\n%%EOF\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What a revision takes over from those before it: their length in bytes, where their last cross-reference table
    starts, one more than the highest object number, and the entries of the trailer that stay."""

    length: int
    table: int
    size: int
    root: int
    info: bytes
    first_id: bytes

    def after(self, revision: bytes, numbers: Iterable[int]) -> "Earlier":
        """What the next one takes over after this `revision` with objects of these numbers."""
        table = self.length + revision.rindex(b"\nxref\n") + 1
        size = max(self.size, max(numbers) + 1)
        return replace(self, length=self.length + len(revision), table=table, size=size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A revision as it was read: its objects in their order, and what the next one takes over."""

    objects: Mapping[int, bytes]
    second_id: bytes
    previous_table: int
    so_far: Earlier


def write_revision(earlier: Earlier, objects: Mapping[int, bytes], second_id: bytes) -> bytes:
    """The bytes that follow `earlier`: the objects in the order given, their table, a trailer with `second_id`."""
    offsets, parts, place = {}, [], earlier.length
    for number, body in objects.items():
        text = b"%d 0 obj\n%b\nendobj\n" % (number, body)
        offsets[number] = place
        parts.append(text)
        place += len(text)
    size = max(earlier.size, max(offsets) + 1)
    identifier = b"/ID[%b<%b>]" % (earlier.first_id, second_id.hex().encode("ascii"))
    trailer = b"/Size %d/Root %d 0 R%b%b/Prev %d" % (size, earlier.root, earlier.info, identifier, earlier.table)
    parts += [b"xref\n", *_lines(offsets), b"trailer\n<<", trailer, b">>\nstartxref\n%d\n" % place, END]
    return b"".join(parts)


def _lines(offsets: Mapping[int, int]) -> list[bytes]:
    lines, previous = [], -2
    for number in sorted(offsets):
        if number != previous + 1:
            run = 1
            while number + run in offsets:
                run += 1
            lines.append(b"%d %d\n" % (number, run))
        lines.append(b"%010d 00000 n \n" % offsets[number])
        previous = number
    return lines


def read_revision(data: bytes, start: int) -> Revision:
    """The last revision of `data`, which starts at `start`.

    Raises:
        ValueError: it is not spelt as `write_revision` spells it.
    """
    place, objects = start, {}
    while found := OBJECT.match(data, place):
        objects[int(found[1])] = found[2]
        place = found.end()
    trailer = TRAILER.fullmatch(data, data.index(b"trailer\n", place))
    if trailer is None or not objects:
        raise ValueError("not our trailer")
    earlier = Earlier(
        length=start, table=int(trailer[5]), size=0, root=int(trailer[1]), info=trailer[2], first_id=trailer[3]
    )
    second_id = bytes.fromhex(trailer[4].decode("ascii"))
    written = write_revision(earlier, objects, second_id)
    if written != data[start:]:
        raise ValueError("another spelling")
    so_far = earlier.after(written, objects)
    return Revision(objects=objects, second_id=second_id, previous_table=earlier.table, so_far=so_far)


def add_entries(dictionary: bytes, entries: bytes) -> bytes:
    """A dictionary with entries more at its end."""
    return dictionary[: dictionary.rindex(b">>")] + entries + b">>"


def packed_stream(data: bytes, entries: bytes = b"") -> bytes:
    """A compressed stream object with these entries more."""
    packed = zlib.compress(data, 9)
    return b"<<%b/Filter/FlateDecode/Length %d>>\nstream\n%b\nendstream" % (entries, len(packed), packed)


def plain_stream(data: bytes) -> bytes:
    """A stream object that is the same whatever version of the compressor writes it."""
    return b"<</Length %d>>\nstream\n%b\nendstream" % (len(data), data)
