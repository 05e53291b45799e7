"""JSON and Base64url that can be read in one way only: what two readers would read differently is refused."""

import base64
import binascii
import json
import re
from typing import Any

BASE64URL = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


class Flaw(ValueError):
    """Something is not as it must be; what, is for our own log."""


def read_object(data: bytes) -> dict[str, Any]:
    """A JSON object (RFC 8259, I-JSON): UTF-8, no member twice, no NaN.

    Raises:
        Flaw: it is anything else, or nested too deeply.
    """
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_members, parse_constant=_refuse)
    except Flaw:
        raise
    except (ValueError, RecursionError) as error:
        raise Flaw(type(error).__name__) from None
    if not isinstance(value, dict):
        raise Flaw("no object")
    return value


def read_base64url(text: str) -> bytes:
    """Bytes from Base64url without padding (RFC 7515 section 2), spelled in the one way that there is.

    Raises:
        Flaw: padding, blanks, other characters, or bits that say nothing.
    """
    if not BASE64URL.fullmatch(text):
        raise Flaw("alphabet")
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise Flaw("length") from None
    if write_base64url(data) != text:
        raise Flaw("spare bits")
    return data


def write_base64url(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Flaw("member twice")
    return members


def _refuse(constant: str) -> None:
    raise Flaw(constant)
