"""Reading a signed list of states as somebody does who trusts neither the file nor who handed it out.

Everything about a list is found right before it is unpacked, and unpacking has an end. One code says what was wrong
first; the codes are part of the public interface.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

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
from certsvc.domain.token import LAST_SECOND, SIGNATURE_BYTES
from certsvc.verify.anchors import TokenKey
from certsvc.verify.offline_keys import OfflineKeys

READ = "read"
MISSING, TOO_LARGE, MALFORMED = "list_missing", "list_too_large", "list_malformed"
KEY_UNKNOWN, KEY_COMPROMISED, SIGNATURE_WRONG = "list_key_unknown", "list_key_compromised", "list_signature_wrong"
OF_ANOTHER, OUTSIDE_KEY_TERM = "list_of_another", "list_signed_outside_key_term"
FROM_THE_FUTURE, EXPIRED, KEYS_TOO_OLD = "list_from_the_future", "list_expired", "keys_too_old"
UNREADABLE, OUT_OF_RANGE, RESERVED = "list_unreadable", "index_out_of_range", "value_reserved"
NOT_LOOKED_AT = "not_looked_at"

COMPACT = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
HALF = SIGNATURE_BYTES // 2
CLOCKS_DIFFER = timedelta(minutes=5)
MOST_CERTIFICATES = 4
Second = Annotated[int, msgspec.Meta(ge=0, le=LAST_SECOND)]


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """These four, and nothing that would have to be understood (RFC 7515 section 4.1.11)."""

    alg: str
    kid: str
    typ: str
    x5c: tuple[bytes, ...]


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
    parts = COMPACT.fullmatch(data)
    if parts is None:
        raise _Wrong(MALFORMED)
    header: _Header = _parsed(parts[1], _Header)
    if (header.alg, header.typ) != ("ES256", LIST_TYPE) or not 1 <= len(header.x5c) <= MOST_CERTIFICATES:
        raise _Wrong(MALFORMED)
    key = keys.list_key(header.kid, header.x5c)
    if key is None:
        raise _Wrong(KEY_UNKNOWN)
    if key.compromised:
        raise _Wrong(KEY_COMPROMISED)
    _require_signed(parts[1] + b"." + parts[2], _decoded(parts[3]), key.public_key)
    claims: _Claims = _parsed(parts[2], _Claims)
    if (
        claims.status_list.bits != BITS
        or not SHORTEST.total_seconds() <= claims.exp - claims.iat <= LONGEST.total_seconds()
    ):
        raise _Wrong(MALFORMED)
    return claims, key, header.x5c


def _require_signed(covered: bytes, signature: bytes, key: ec.EllipticCurvePublicKey) -> None:
    r, s = (int.from_bytes(half, "big") for half in (signature[:HALF], signature[HALF:]))
    try:
        if len(signature) != SIGNATURE_BYTES:
            raise InvalidSignature
        key.verify(encode_dss_signature(r, s), covered, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise _Wrong(SIGNATURE_WRONG) from None


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
        packed = decompress(_decoded(text.encode("ascii")))
    except (ValueError, _Wrong):
        raise _Wrong(UNREADABLE) from None
    if index >> 1 >= len(packed):
        raise _Wrong(OUT_OF_RANGE)
    try:
        return ListedState(entry(packed, index))
    except ValueError:
        raise _Wrong(RESERVED) from None


def _parsed(part: bytes, shape: Any) -> Any:
    try:
        return msgspec.json.decode(_decoded(part), type=shape)
    except msgspec.DecodeError:
        raise _Wrong(MALFORMED) from None


def _decoded(part: bytes) -> bytes:
    """Base64url without padding."""
    try:
        if b"=" in part:
            raise ValueError
        return base64.b64decode(part.translate(bytes.maketrans(b"-_", b"+/")) + b"=" * (-len(part) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise _Wrong(MALFORMED) from None
