"""A strict reader of DER (ITU-T X.690 section 10) for messages from strangers.

Only definite lengths in their shortest form, only tags of one byte, nothing outside the element around it. It goes
exactly as deep as its caller does, so depth and size of what it is given cost nothing.
"""

from certsvc import der
from certsvc.errors import MalformedDer

LONGEST_OID = 64
MORE_OCTETS, ONE_OCTET_LIMIT = 0x80, 0x80
MULTI_BYTE_TAG = 0x1F
MOST_LENGTH_OCTETS = 4


class DerReader:
    """The elements of one value, in order. Each method takes the next element, or raises `MalformedDer`."""

    __slots__ = ("_at", "_data", "_end")

    def __init__(self, data: bytes) -> None:
        self._data, self._at, self._end = data, 0, len(data)

    def has(self, tag: int) -> bool:
        """Whether the next element has this tag."""
        return self._at < self._end and self._data[self._at] == tag

    @property
    def more(self) -> bool:
        """Whether anything is left."""
        return self._at < self._end

    def finish(self) -> None:
        """Nothing may be left."""
        if self.more:
            raise _malformed("结尾有多余的字节", "bytes are left at the end")

    def value(self, tag: int) -> bytes:
        """The contents of the next element, which must have this tag."""
        start, end = self._next(tag)
        self._at = end
        return self._data[start:end]

    def whole(self, tag: int) -> bytes:
        """The next element as it came: tag, length and contents."""
        began = self._at
        _, self._at = self._next(tag)
        return self._data[began : self._at]

    def inside(self, tag: int) -> "DerReader":
        """A reader of the contents of the next element."""
        inner = DerReader(self._data)
        inner._at, inner._end = self._next(tag)
        self._at = inner._end
        return inner

    def sequence(self) -> "DerReader":
        """A reader of a SEQUENCE."""
        return self.inside(der.SEQUENCE)

    def integer(self) -> int:
        """An INTEGER, in as few octets as it needs (section 8.3.2)."""
        value = self.value(der.INTEGER)
        if not value or (len(value) > 1 and (value[0], value[1] >> 7) in ((0x00, 0), (0xFF, 1))):
            raise _malformed("整数的编码不是最短的", "an integer is not in its shortest form")
        return int.from_bytes(value, "big", signed=True)

    def boolean(self) -> bool:
        """A BOOLEAN (section 11.1)."""
        value = self.value(der.BOOLEAN)
        if value not in (b"\x00", b"\xff"):
            raise _malformed("布尔值应为 00 或 FF", "a boolean is neither 00 nor FF")
        return value == b"\xff"

    def object_identifier(self) -> str:
        """An OBJECT IDENTIFIER in its dotted form (section 8.19)."""
        value = self.value(der.OID)
        if not value or len(value) > LONGEST_OID or value[-1] & MORE_OCTETS:
            raise _malformed("对象标识符不完整或过长", "an object identifier is incomplete or too long")
        arcs, arc = [], 0
        for octet in value:
            if not arc and octet == MORE_OCTETS:
                raise _malformed("对象标识符的编码不是最短的", "an object identifier is not in its shortest form")
            arc = arc << 7 | octet & 0x7F
            if not octet & MORE_OCTETS:
                arcs.append(arc)
                arc = 0
        first = min(arcs[0] // 40, 2)
        return ".".join(map(str, (first, arcs[0] - first * 40, *arcs[1:])))

    def _next(self, tag: int) -> tuple[int, int]:
        """Where the contents of the next element begin and end."""
        data, at = self._data, self._at
        if at + 2 > self._end or data[at] != tag or tag & MULTI_BYTE_TAG == MULTI_BYTE_TAG:
            raise _malformed(f"第 {at} 字节处应为标签 {tag:02X}", f"at byte {at} tag {tag:02X} is missing")
        length, start = data[at + 1], at + 2
        if length >= ONE_OCTET_LIMIT:
            length, start = self._long_length(length & 0x7F, start)
        if length > self._end - start:
            raise _malformed(
                f"第 {at} 字节处的元素超出范围", f"the element at byte {at} is longer than what is around it"
            )
        return start, start + length

    def _long_length(self, octets: int, start: int) -> tuple[int, int]:
        """The length in the long form (section 8.1.3.5), and where the contents begin."""
        found = self._data[start : min(start + octets, self._end)]
        length = int.from_bytes(found, "big")
        if not 0 < octets <= MOST_LENGTH_OCTETS or len(found) < octets:
            raise _malformed("长度不定、过长或不完整", "a length is indefinite, too long or incomplete")
        if length < ONE_OCTET_LIMIT or not found[0]:
            raise _malformed("长度的编码不是最短的", "a length is not in its shortest form")
        return length, start + octets


def _malformed(zh: str, en: str) -> MalformedDer:
    return MalformedDer(f"不是 DER：{zh}。", f"Not DER: {en}.")
