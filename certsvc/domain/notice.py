"""Notices: what others are told of what happens, in the feed and by web-hook, and nothing about persons in it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from certsvc.errors import InvalidInput
from certsvc.ids import Ref

KIND = re.compile(r"[a-z_]{1,40}\.[a-z_]{1,40}", re.ASCII)
CURSOR = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
MOST_KINDS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What others are told. `position` is its place in the feed, `ref` the certificate it is about, if any."""

    id: int
    position: int
    at: datetime
    kind: str
    data: Mapping[str, Any]
    ref: Ref | None = None

    @property
    def message_id(self) -> str:
        """The same in the feed and in every delivery (`webhook-id`)."""
        return f"notice-{self.id}"

    def message(self) -> Mapping[str, Any]:
        """What a receiver reads."""
        about = {} if self.ref is None else {"code": self.ref.typed_code}
        return message(self.message_id, self.kind, self.at, {**about, **self.data})


def message(message_id: str, kind: str, at: datetime, data: Mapping[str, Any]) -> Mapping[str, Any]:
    """A message as it is sent: `type`, `timestamp` and `data` by Standard Webhooks, with its id beside them."""
    when = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"id": message_id, "type": kind, "timestamp": when, "data": dict(data)}


def parse_kinds(texts: frozenset[str] | None) -> frozenset[str] | None:
    """The kinds of notice that somebody wants; None for all.

    Raises:
        InvalidInput: there are none or too many, or one is not written like a kind.
    """
    if texts is not None and (not 0 < len(texts) <= MOST_KINDS or not all(map(KIND.fullmatch, texts))):
        raise InvalidInput(
            f"通知种类写作 certificate.issue 这样两个词，1 至 {MOST_KINDS} 种；要全部就不写。",
            f"Write kinds of notices as two words, like certificate.issue, 1 to {MOST_KINDS}; for all leave them out.",
        )
    return texts


def parse_cursor(text: str) -> int:
    """A position in the feed.

    Raises:
        InvalidInput: it is none that we gave.
    """
    if not CURSOR.fullmatch(text):
        raise InvalidInput(
            "after 应为上一次回答中的 next，或 latest。", "`after` must be the `next` of an answer before, or `latest`."
        )
    return int(text)
