"""Reading what a receiver answers: a status, when to come again, and the beginning of the text. Nobody is believed."""

import re
from dataclasses import dataclass
from datetime import timedelta

MOST_HEAD = 16 * 1024
MOST_SHOWN = 500
NO_CONTENT = 204
STATUS = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: [^\r\n]*)?\r\n")
SECONDS = re.compile(rb"[0-9]{1,9}")
CHUNK = re.compile(rb"([0-9A-Fa-f]{1,7})(?:;[^\r\n]*)?\r\n")
UNSHOWABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


class AnswerMalformed(Exception):
    """What came is no HTTP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The head of an answer. `retry_after` only where it is a number of seconds: a date would need their clock."""

    status: int
    retry_after: timedelta | None = None
    chunked: bool = False
    length: int | None = None


def parse_head(raw: bytes) -> Head:
    """The status line and the headers, up to the empty line.

    Raises:
        AnswerMalformed: it is no HTTP/1 answer.
    """
    if (line := STATUS.match(raw)) is None:
        raise AnswerMalformed
    fields: dict[bytes, bytes] = {}
    for header in raw[line.end() :].split(b"\r\n"):
        name, _, value = header.partition(b":")
        fields.setdefault(name.strip().lower(), value.strip())
    wish, length = fields.get(b"retry-after", b""), fields.get(b"content-length", b"")
    return Head(
        status=int(line[1]),
        retry_after=timedelta(seconds=int(wish)) if SECONDS.fullmatch(wish) else None,
        chunked=fields.get(b"transfer-encoding", b"").lower() == b"chunked",
        length=int(length) if SECONDS.fullmatch(length) else None,
    )


def beginning_of(body: bytes, head: Head) -> str:
    """The beginning of an answer's body as people may be shown it."""
    data = _unchunked(body) if head.chunked else body[: head.length]
    return UNSHOWABLE.sub("\N{REPLACEMENT CHARACTER}", data.decode("utf-8", "replace"))[:MOST_SHOWN]


def is_whole(body: bytes, head: Head) -> bool:
    """Whether no more of the body will come: a receiver may keep the connection open."""
    if head.chunked:
        return body.endswith(b"0\r\n\r\n")
    return head.status == NO_CONTENT or (head.length is not None and len(body) >= head.length)


def _unchunked(body: bytes) -> bytes:
    """What can be read of a chunked body that was cut off somewhere."""
    data, at = b"", 0
    while (line := CHUNK.match(body, at)) is not None and int(line[1], 16):
        end = line.end() + int(line[1], 16)
        data, at = data + body[line.end() : end], end + len(b"\r\n")
    return data
