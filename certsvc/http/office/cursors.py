"""Cursors: opaque to clients, and what they hold is parsed like anything else from outside."""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from certsvc.errors import InvalidIdentifier, InvalidInput
from certsvc.http.office.shapes import Page
from certsvc.ids import Ref, parse_typed_code

LONGEST = 300
Item = TypeVar("Item")


def to_cursor(at: datetime, name: str) -> str:
    """A cursor that stands after what happened at `at` and is called `name`."""
    return base64.urlsafe_b64encode(msgspec.json.encode([at, name])).rstrip(b"=").decode()


def parse_cursor(text: str | None) -> tuple[datetime, str] | None:
    """What a cursor holds; nothing without one.

    Raises:
        InvalidInput: it is none of ours.
    """
    if text is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(text[:LONGEST] + "=" * (-len(text) % 4))
        at, name = msgspec.json.decode(raw, type=tuple[datetime, str])
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise _foreign() from None
    if at.tzinfo is None:
        raise _foreign()
    return at, name


def parse_ref_cursor(text: str | None) -> tuple[datetime, Ref] | None:
    """The same, of a list of certificates.

    Raises:
        InvalidInput: it is none of ours.
    """
    found = parse_cursor(text)
    try:
        return None if found is None else (found[0], parse_typed_code(found[1]))
    except InvalidIdentifier:
        raise _foreign() from None


def page_of(items: Sequence[Item], limit: int, last: Any) -> Page[Item]:
    """The first `limit` of the items found, with a cursor if there are more; `last` makes it of an item."""
    more = len(items) > limit
    return Page(items=list(items[:limit]), next=last(items[limit - 1]) if more else None)


def _foreign() -> InvalidInput:
    return InvalidInput("cursor 应取自上一页的 next。", "A cursor is what `next` of the page before says.")
