"""One incremental update with a hole for the CMS; its signature covers everything before and in it but the hole."""

import secrets
from dataclasses import dataclass

from certsvc.domain.revision import Earlier, write_revision
from certsvc.domain.seal_form import ID_BYTES
from certsvc.errors import SealRefused

BYTE_RANGE_ROOM = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """An update with a hole for the CMS: `head`, then `<` hole `>`, then `tail`, after what was there `before`.
    `so_far` is what the next update takes over."""

    before: Earlier
    so_far: Earlier
    head: bytes
    tail: bytes
    room: int

    def covered(self, before: bytes) -> tuple[bytes, ...]:
        """The bytes the signature covers, in order: all but the hole. `before` is the file so far."""
        return before, self.head, self.tail

    def filled(self, before: bytes, cms: bytes) -> bytes:
        """The sealed file.

        Raises:
            SealRefused: the CMS does not fit its hole.
        """
        if len(cms) > self.room:
            raise SealRefused("签名比预留的位置长。", "The signature is longer than the room kept for it.")
        hole = cms.hex().encode("ascii").ljust(2 * self.room, b"0")
        return b"".join((before, self.head, b"<", hole, b">", self.tail))


def make_update(
    earlier: Earlier, objects: dict[int, bytes], signature: tuple[int, bytes], room: int, second_id: bytes | None = None
) -> Update:
    """Lay out an update: the objects, then the signature's (its number, its dictionary up to its ByteRange)."""
    number, opening = signature
    blank = b"%b/ByteRange[%b]/Contents<%b>>>" % (opening, b" " * BYTE_RANGE_ROOM, b"0" * (2 * room))
    text = write_revision(earlier, {**objects, number: blank}, second_id or secrets.token_bytes(ID_BYTES))
    place = text.rindex(b"/ByteRange[") + len(b"/ByteRange[")
    start = place + BYTE_RANGE_ROOM + len(b"]/Contents")
    stop = start + 2 * room + 2
    tail = text[stop:]
    covered = b"0 %d %d %d" % (earlier.length + start, earlier.length + stop, len(tail))
    head = b"%b%b]/Contents" % (text[:place], covered.ljust(BYTE_RANGE_ROOM))
    so_far = earlier.after(text, (*objects, number))
    return Update(before=earlier, so_far=so_far, head=head, tail=tail, room=room)
