"""What a client was answered to a write: kept under its key, so that the same request again has the same answer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from certsvc.errors import InvalidInput

KEPT = timedelta(days=7)
"""So long an answer is kept; the work itself goes by its key for ever."""

ABANDONED = timedelta(seconds=60)
"""A request in progress for longer was broken off: whoever sends it again takes it over. None lasts so long."""

KEY = re.compile(r"[!#-\[\]-~]{1,200}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A kept answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def parse_request_key(header: str | None) -> str:
    """The key in an Idempotency-Key header: 1 to 200 visible ASCII characters, in quotation marks or not.

    Raises:
        InvalidInput: there is none, or it is malformed.
    """
    key = (header or "").strip()
    if len(key) > 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not KEY.fullmatch(key):
        raise InvalidInput(
            "每个写请求都要有 Idempotency-Key：1 至 200 个可见的 ASCII 字符，重发时不变。",
            "Every write needs an Idempotency-Key: 1 to 200 visible ASCII characters, the same when it is sent again.",
        )
    return key
