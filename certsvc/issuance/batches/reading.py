"""Reading a batch as it comes in: chunks cut anywhere become rows, and never more than one row is held.

A row that cannot be read is a wrong row with its line, and the others are read all the same. Only what leaves it open
where a row ends is refused altogether. A record ends at a line feed outside quotation marks; that byte and those of
comma and quotation mark are never part of another character, in UTF-8 as in GB18030.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from certsvc.catalog.formats import is_printable
from certsvc.domain.batch import LONGEST_KEY, LONGEST_ROW, MOST_BYTES, MOST_ROWS, BatchRequest, Form, NewRow
from certsvc.errors import InvalidInput, MessageTooLarge
from certsvc.issuance.batches.line import BadRow, Said, read_json
from certsvc.issuance.batches.table import Columns, read_header, read_record

BOM = b"\xef\xbb\xbf"
CHARSETS = {"utf-8": "utf-8", "utf8": "utf-8", "gb18030": "gb18030", "gbk": "gb18030", "gb2312": "gb18030"}
"""What a table may be written in; JSON is always UTF-8 (RFC 8259)."""


@dataclass(frozen=True, slots=True)
class Record:
    """What stands between two ends of record, and the line it begins on; None where it is too long."""

    line: int
    data: bytes | None


@dataclass(slots=True)
class Splitter:
    """Cuts bytes into records. With `quotes` a line feed between quotation marks belongs to the record."""

    quotes: bool
    _held: bytearray = field(default_factory=bytearray)
    _too_long: bool = False
    _open: bool = False
    _line: int = 1
    _began: int = 1

    def feed(self, chunk: bytes) -> Iterator[Record]:
        """The records that end in this chunk."""
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            self._take(chunk[start : end + 1])
            start = end + 1
            self._line += 1
            if not self._open:
                yield self._record()
        self._take(chunk[start:])

    def finish(self) -> Iterator[Record]:
        """The last record, where no line feed ends it.

        Raises:
            InvalidInput: it ends between quotation marks, so nobody knows which rows are missing.
        """
        if self._open:
            raise InvalidInput(
                f"第 {self._began} 行起的引号没有合上：文件不完整，或少了一个引号。",
                f"The quotation mark opened in the record on line {self._began} is never closed: the file was cut off, "
                "or a mark is missing.",
            )
        if self._held or self._too_long:
            yield self._record()

    def _take(self, part: bytes) -> None:
        if self.quotes and part.count(b'"') % 2:
            self._open = not self._open
        if self._too_long or len(self._held) + len(part) > LONGEST_ROW:
            self._too_long = True
            self._held.clear()
        else:
            self._held += part

    def _record(self) -> Record:
        record = Record(self._began, None if self._too_long else bytes(self._held).rstrip(b"\r\n"))
        self._held.clear()
        self._too_long, self._began = False, self._line
        return record


class Upload:
    """One upload: rows out of chunks, and the SHA-256 and size of all of it.

    `columns` are those that a table may have; a table's first record names which it has.
    """

    def __init__(self, request: BatchRequest, columns: Columns, charset: str = "utf-8") -> None:
        """Raises `InvalidInput` for a charset that is not read here."""
        if charset.lower() not in CHARSETS or (request.form is Form.NDJSON and CHARSETS[charset.lower()] != "utf-8"):
            raise InvalidInput(f"不支持字符集 {charset[:40]!r}。", f"The charset {charset[:40]!r} is not read here.")
        self._charset = CHARSETS[charset.lower()]
        self._splitter = Splitter(quotes=request.form is Form.CSV)
        self._columns = columns
        self._request = request
        self._table: Callable[[str], Said] | None = None
        self._digest = hashlib.sha256()
        self._rows = 0
        self.size = 0
        self._head: bytes | None = b""

    @property
    def sha256(self) -> bytes:
        """Of what has come in so far."""
        return self._digest.digest()

    def count(self, chunk: bytes) -> None:
        """Count and hash a chunk without reading it.

        Raises:
            MessageTooLarge: over 2 GiB in all.
        """
        self._digest.update(chunk)
        self.size += len(chunk)
        if self.size > MOST_BYTES:
            raise MessageTooLarge("一个批次最多 2 GiB。", "A batch has at most 2 GiB.")

    def feed(self, chunk: bytes) -> Iterator[NewRow]:
        """The rows that end in this chunk.

        Raises:
            MessageTooLarge: over 2 GiB or a million rows in all.
            InvalidInput: the first record of a table does not name its columns.
        """
        self.count(chunk)
        yield from self._read(self._splitter.feed(self._without_mark(chunk)))

    def finish(self) -> Iterator[NewRow]:
        """The last row.

        Raises:
            InvalidInput: see `Splitter.finish`; or there is no row at all.
        """
        rest, self._head = self._head or b"", None
        yield from self._read(self._splitter.feed(rest))
        yield from self._read(self._splitter.finish())
        if self._rows == 0:
            raise InvalidInput("一行也没有。", "There is no row.")

    def _without_mark(self, chunk: bytes) -> bytes:
        """Without the byte order mark that some programs put before UTF-8, however it is cut."""
        if self._head is None:
            return chunk
        head = self._head + chunk
        if len(head) < len(BOM) and BOM.startswith(head):
            self._head = head
            return b""
        self._head = None
        return head.removeprefix(BOM)

    def _read(self, records: Iterator[Record]) -> Iterator[NewRow]:
        for record in records:
            if record.data is not None and not record.data.strip(b" \t"):
                continue
            if self._request.form is Form.CSV and self._table is None:
                self._table = self._header(record)
                continue
            self._rows += 1
            if self._rows > MOST_ROWS:
                raise MessageTooLarge("一个批次最多一百万行。", "A batch has at most a million rows.")
            yield self._row(record)

    def _header(self, record: Record) -> Callable[[str], Said]:
        try:
            names = read_header(_text(record, self._charset), self._columns)
        except BadRow as bad:
            raise InvalidInput(f"表头：{bad.error.zh}", f"The header: {bad.error.en}") from None
        return lambda text: read_record(text, names, self._columns)

    def _row(self, record: Record) -> NewRow:
        key = str(record.line)
        try:
            if record.data is None:
                raise BadRow("too_long", "一行超过 64 KiB。", "The row is over 64 KiB.")
            said = self._table(_text(record, self._charset)) if self._table else read_json(record.data, self._request)
            key = _key(said, key)
        except BadRow as bad:
            return NewRow(line=record.line, key=key, content=None, error=bad.error)
        return NewRow(line=record.line, key=key, content=said.content)


def _text(record: Record, charset: str) -> str:
    if record.data is None:
        raise BadRow("too_long", "一行超过 64 KiB。", "The row is over 64 KiB.")
    try:
        text = record.data.decode(charset)
    except UnicodeDecodeError as error:
        at = error.start + 1
        raise BadRow(
            "encoding", f"第 {at} 个字节起不是 {charset} 文字。", f"From byte {at} on it is no {charset} text."
        ) from None
    if re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", text):
        raise BadRow("characters", "有控制符。", "It holds a control character.")
    return text


def _key(said: Said, line: str) -> str:
    """The row's own key, else its line."""
    if said.key is None:
        return line
    if not 1 <= len(said.key) <= LONGEST_KEY or not is_printable(said.key):
        zh = f"行的编号应为 1 至 {LONGEST_KEY} 个可见字符。"
        raise BadRow("key", zh, f"The key of a row has 1 to {LONGEST_KEY} characters that can be seen.")
    return said.key
