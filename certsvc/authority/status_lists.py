"""Signing lists of states, and putting them out: each whole, in the place of the one before.

What is out there is what counts: a list that was taken away, spoilt or replaced by an older one is seen at the next
look and made again, whoever made it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from certsvc.authority.authority import Authority
from certsvc.authority.jws import sign_compact
from certsvc.authority.names import STATUS, base_name
from certsvc.authority.shelf import FileIdentity, FolderShelf
from certsvc.domain.jwk import base64url, jwk_of, thumbprint
from certsvc.domain.status_list import BITS, FRESH_FOR, INDEX, LIST_TYPE, compress, list_file, list_url
from certsvc.errors import CustodyError
from certsvc.services import Sealing

GATHERED_FOR = timedelta(seconds=30)
"""So long changes for the better are gathered before a list is signed again."""

PARTS_OF_TERM = 6
"""After so much of its term a list without a change is signed again: who fetches one may rely on it for the rest."""


class _Packed(msgspec.Struct, frozen=True):
    aggregation_uri: str
    bits: int
    lst: str


class _Claims(msgspec.Struct, frozen=True):
    exp: int
    iat: int
    sequence: int
    status_list: _Packed
    sub: str
    ttl: int


class _Head(msgspec.Struct, frozen=True):
    """What is read of a list that lies out there: not the list itself."""

    exp: int
    iat: int
    sequence: int
    sub: str


@dataclass(frozen=True, slots=True)
class Published:
    """A list as it is out there; times are seconds since 1970, `size` is bytes."""

    sequence: int
    iat: int
    exp: int
    kid: str
    size: int
    identity: FileIdentity

    def is_current(self, sequence: int, urgent: int, kid: str, now: datetime) -> bool:
        """Whether it may stay out there, when its newest change and its newest urgent one are these."""
        age = now.timestamp() - self.iat
        if self.kid != kid or age < 0 or age * PARTS_OF_TERM >= self.exp - self.iat:
            return False
        gathering = urgent <= self.sequence < sequence and age < GATHERED_FOR.total_seconds()
        return self.sequence == sequence or gathering


def status_signer(authority: Authority) -> Sealing:
    """The newest key for lists of states, its certificate and chain.

    Raises:
        NotFound: none was made yet.
        CustodyError: it cannot be used, or is revoked.
    """
    name = authority.newest(STATUS)
    if authority.is_revoked(name):
        raise CustodyError(
            f"状态列表密钥 {name} 已吊销：请先换新钥。",
            f"The key {name} of status lists is revoked: make the next one.",
        )
    return authority.credential(name)


def sign_status_list(packed: bytes, sequence: int, url: str, lasts: timedelta, signer: Sealing, now: datetime) -> bytes:
    """A list as a JWT that a reader may rely on for `lasts` from `now`, the moment whose states it has.

    Raises:
        CustodyError: the key cannot be used.
    """
    said = _Claims(
        exp=int((now + lasts).timestamp()),
        iat=int(now.timestamp()),
        sequence=sequence,
        status_list=_Packed(url.rpartition("/")[0], BITS, base64url(compress(packed))),
        sub=url,
        ttl=int(FRESH_FOR.total_seconds()),
    )
    return sign_compact(msgspec.json.encode(said), signer, LIST_TYPE, key_name(signer)).encode("ascii")


def key_name(signer: Sealing) -> str:
    """The `kid` of a list: the thumbprint of the key (RFC 7638).

    Raises:
        CustodyError: it is no P-256 key.
    """
    try:
        return thumbprint(jwk_of(signer.certificate.public_key()))
    except ValueError:
        raise CustodyError("状态列表的密钥应为 P-256。", "The key of status lists is on P-256.") from None


class StatusShelf:
    """The lists among the public facts. `keys` gives our keys for lists by `kid`."""

    def __init__(self, shelf: FolderShelf, public_url: str, keys: Callable[[], Mapping[str, PublicKeyTypes]]) -> None:
        self._shelf, self._public_url, self._keys = shelf, public_url, keys
        self._known: dict[str, Published] = {}

    def url(self, name: str) -> str:
        """Where everybody finds a list."""
        return list_url(self._public_url, name)

    def published(self, name: str) -> Published | None:
        """A list as it is out there now; None where there is none that we signed for this place."""
        identity = self._shelf.identity(list_file(name))
        known = self._known.get(name)
        if known is None or known.identity != identity:
            self._known.pop(name, None)
            found = self._read(name, identity) if identity else None
            if found is not None:
                self._known[name] = found
        return self._known.get(name)

    def put(self, name: str, data: bytes) -> None:
        """Put a list out, whole."""
        self._shelf.put(list_file(name), data)
        self.published(name)

    @property
    def has_index(self) -> bool:
        """Whether it is said which lists there are."""
        return self._shelf.identity(INDEX) is not None

    def put_index(self, names: Iterable[str]) -> None:
        """Say which lists there are; what says the same stays."""
        found = {name: one for name in sorted(names) if (one := self._known.get(name))}
        lists = [{"name": name, "iat": one.iat, "exp": one.exp, "size": one.size} for name, one in found.items()]
        said = {"status_lists": [self.url(name) for name in found], "lists": lists}
        self._shelf.put(INDEX, msgspec.json.encode(said))

    def _read(self, name: str, identity: FileIdentity) -> Published | None:
        data = self._shelf.get(list_file(name)) or b""
        try:
            kid = jwt.get_unverified_header(data)["kid"]
            claims = jwt.PyJWS().decode(data, self._keys()[kid], algorithms=["ES256"])  # type: ignore[arg-type]
            head = msgspec.json.decode(claims, type=_Head)
        except (jwt.PyJWTError, msgspec.DecodeError, KeyError, TypeError, ValueError):
            return None
        if head.sub != self.url(name):
            return None
        return Published(head.sequence, head.iat, head.exp, kid, len(data), identity)


def own_status_keys(authority: Authority) -> Mapping[str, PublicKeyTypes]:
    """Our keys for lists that were not revoked, by `kid`."""
    names = [name for name in authority.names if base_name(name) == STATUS and not authority.is_revoked(name)]
    public = [authority.certificate(name).public_key() for name in names]
    return {thumbprint(jwk_of(key)): key for key in public}
