"""Reading a signed list of states as somebody does who trusts neither the file nor who handed it out.

Everything about a list is found right before it is unpacked, and unpacking has an end. One code says what was wrong
first; the codes are part of the public interface.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from certsvc.domain.jwk import from_base64url
from certsvc.domain.status_list import (
    BITS,
    FOLDER,
    LIST_TYPE,
    LONGEST,
    MOST_SIGNED,
    SHORTEST,
    ListedState,
    decompress,
    entry,
)
from certsvc.verify.anchors import TokenKey
from certsvc.verify.jws import Jws, split_jws
from certsvc.verify.offline_keys import OfflineKeys, Second

READ = "read"
MISSING, TOO_LARGE, MALFORMED = "list_missing", "list_too_large", "list_malformed"
KEY_UNKNOWN, KEY_COMPROMISED, SIGNATURE_WRONG = "list_key_unknown", "list_key_compromised", "list_signature_wrong"
OF_ANOTHER, OUTSIDE_KEY_TERM = "list_of_another", "list_signed_outside_key_term"
FROM_THE_FUTURE, EXPIRED, KEYS_TOO_OLD = "list_from_the_future", "list_expired", "keys_too_old"
UNREADABLE, OUT_OF_RANGE, RESERVED = "list_unreadable", "index_out_of_range", "value_reserved"
NOT_LOOKED_AT = "not_looked_at"

CLOCKS_DIFFER = timedelta(minutes=5)


class _Packed(msgspec.Struct, frozen=True):
    bits: int
    lst: str


class _Claims(msgspec.Struct, frozen=True):
    sub: str
    iat: Second
    exp: Second
    ttl: Annotated[int, msgspec.Meta(gt=0)]
    status_list: _Packed


@dataclass(frozen=True, slots=True, kw_only=True)
class ListReading:
    """What came of reading a list: `reason` is `read`, or what was wrong first. When it was made and how long it may be
    relied on is told as soon as it is known to be ours, and this list."""

    name: str
    index: int
    reason: str
    state: ListedState | None = None
    issued_at: datetime | None = None
    expires_at: datetime | None = None


def read_status(data: bytes | None, name: str, index: int, keys: OfflineKeys, now: datetime) -> ListReading:
    """What a list says at an index, if it is the list `name`, ours, and may be relied on now. Never raises."""
    try:
        said, signer, x5c = _genuine(data, keys)
        if not _is_for(said.sub, name):
            raise _Wrong(OF_ANOTHER)
    except _Wrong as wrong:
        return ListReading(name=name, index=index, reason=wrong.reason)
    issued_at, expires_at = (datetime.fromtimestamp(each, UTC) for each in (said.iat, said.exp))
    try:
        _require_time(signer, issued_at, expires_at, now)
        if not keys.are_known(x5c, now):
            raise _Wrong(KEYS_TOO_OLD)
        state, reason = _value(said.status_list.lst, index), READ
    except _Wrong as wrong:
        state, reason = None, wrong.reason
    return ListReading(name=name, index=index, reason=reason, state=state, issued_at=issued_at, expires_at=expires_at)


class _Wrong(Exception):
    """What was wrong first."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _genuine(data: bytes | None, keys: OfflineKeys) -> tuple[_Claims, TokenKey, Sequence[bytes]]:
    """The claims of a list that a key of ours signed, under the one algorithm there is."""
    if data is None:
        raise _Wrong(MISSING)
    if len(data) > MOST_SIGNED:
        raise _Wrong(TOO_LARGE)
    try:
        jws = split_jws(data, LIST_TYPE)
    except ValueError:
        raise _Wrong(MALFORMED) from None
    key = keys.list_key(jws.kid, jws.x5c)
    if key is None:
        raise _Wrong(KEY_UNKNOWN)
    if key.compromised:
        raise _Wrong(KEY_COMPROMISED)
    if not jws.is_signed_by(key.public_key):
        raise _Wrong(SIGNATURE_WRONG)
    return _claims(jws), key, jws.x5c


def _claims(jws: Jws) -> _Claims:
    try:
        claims: _Claims = jws.claims(_Claims)
    except ValueError:
        raise _Wrong(MALFORMED) from None
    lasts = timedelta(seconds=claims.exp - claims.iat)
    if claims.status_list.bits != BITS or not SHORTEST <= lasts <= LONGEST:
        raise _Wrong(MALFORMED)
    return claims


def _is_for(subject: str, name: str) -> bool:
    is_address = re.match(r"https?://[^/?#\s]", subject, re.ASCII) and not re.search(r"[?#\s]", subject)
    return bool(is_address) and subject.endswith(f"/{FOLDER}/{name}")


def _require_time(signer: TokenKey, issued_at: datetime, expires_at: datetime, now: datetime) -> None:
    if not signer.not_before <= issued_at <= signer.not_after:
        raise _Wrong(OUTSIDE_KEY_TERM)
    if issued_at > now + CLOCKS_DIFFER:
        raise _Wrong(FROM_THE_FUTURE)
    if not now < expires_at:
        raise _Wrong(EXPIRED)


def _value(text: str, index: int) -> ListedState:
    try:
        packed = decompress(from_base64url(text.encode("ascii")))
    except ValueError:
        raise _Wrong(UNREADABLE) from None
    if index >> 1 >= len(packed):
        raise _Wrong(OUT_OF_RANGE)
    try:
        return ListedState(entry(packed, index))
    except ValueError:
        raise _Wrong(RESERVED) from None
