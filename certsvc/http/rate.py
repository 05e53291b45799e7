"""Who may ask, and how often: known clients by a token, strangers by their address."""

import base64
import hashlib
import hmac
import ipaddress
import math
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from certsvc.errors import SettingsError, TooManyRequests, WrongCredentials

MOST_BUCKETS = 10_000
IPV6_NETWORK = 64
"""One household or machine has a whole /64, and would have as many buckets."""

CLIENT = re.compile(r"(?P<name>[a-z0-9][a-z0-9-]{0,63})[ \t]+(?P<digest>[0-9a-f]{64})", re.ASCII)
LONGEST_AUTHORIZATION = 1000
CHALLENGE = 'Basic realm="certsvc", Bearer realm="certsvc"'
"""How a known client says who it is here."""


@dataclass(frozen=True, slots=True)
class Clients:
    """Known clients: name and SHA-256 of the token of each. A token is drawn at random, so a plain hash hides it."""

    digests: Mapping[str, bytes]

    def name_of(self, authorization: str) -> str:
        """The client that an Authorization header names: HTTP Basic with name and token (RFC 7617), or the token as
        Bearer (RFC 6750). Every digest is compared, in constant time.

        Raises:
            WrongCredentials: it is none of ours.
        """
        wanted, token = _credentials(authorization[:LONGEST_AUTHORIZATION])
        digest = hashlib.sha256(token).digest()
        found = [name for name, known in self.digests.items() if hmac.compare_digest(known, digest)]
        if not token or len(found) != 1 or wanted not in (None, found[0]):
            raise WrongCredentials(
                "客户端的名称或口令不对。", "The client's name or token is wrong.", challenge=CHALLENGE
            )
        return found[0]


def parse_clients(text: str) -> Clients:
    """A file of known clients: a line for each, name and SHA-256 of its token in small hexadecimal; empty lines and
    lines that begin with # are passed over.

    Raises:
        SettingsError: a line is anything else, or a name or a token occurs twice; the token is never shown.
    """
    digests: dict[str, bytes] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = CLIENT.fullmatch(line.strip())
        digest = bytes.fromhex(match["digest"]) if match else b""
        if match is None or match["name"] in digests or digest in digests.values():
            raise SettingsError(
                f"timestamp.clients 第 {number} 行有误：应为“名称 口令的 SHA-256”，且不得重复。",
                f"Line {number} of timestamp.clients is wrong: name and SHA-256 of the token, and none twice.",
            )
        digests[match["name"]] = digest
    return Clients(digests)


def _credentials(authorization: str) -> tuple[str | None, bytes]:
    """Name, where one is given, and token; nothing where they cannot be read."""
    scheme, _, given = authorization.partition(" ")
    try:
        if scheme.lower() == "bearer":
            return None, given.strip().encode("utf-8", "surrogateescape")
        name, _, token = base64.b64decode(given.strip(), validate=True).partition(b":")
        return name.decode("utf-8"), token if scheme.lower() == "basic" else b""
    except ValueError:  # no ASCII, no Base64, no UTF-8
        return "", b""


class Gate:
    """Lets known clients in, and strangers so many times a minute for each address; 0 lets none of them in."""

    def __init__(self, clients: Clients, strangers_per_minute: int) -> None:
        self._clients, self._strangers = clients, strangers_per_minute
        self._buckets = Buckets(strangers_per_minute)

    def admit(self, authorization: str | None, address: str, now: float) -> None:
        """Let one request in; `authorization` is its header, `now` a monotonic clock in seconds.

        Raises:
            WrongCredentials: a token that is not ours, or a stranger where none is let in.
            TooManyRequests: a stranger who asked too often.
        """
        if authorization is not None:
            self._clients.name_of(authorization)
            return
        if not self._strangers:
            raise WrongCredentials(
                "这里只为登记的客户端服务。", "This service is for known clients.", challenge=CHALLENGE
            )
        wait = math.ceil(self._buckets.wait(address, now))
        if wait:
            raise TooManyRequests(
                f"每分钟最多 {self._strangers} 次，请过 {wait} 秒再试；登记的客户端不受此限。",
                f"At most {self._strangers} a minute: try again in {wait} seconds. Known clients have no limit.",
                retry_after=wait,
            )


class Buckets:
    """A token bucket for each address: so many requests at once, and as many in a minute. Held in memory, so many at
    most; then who asked longest ago is forgotten."""

    def __init__(self, per_minute: int, *, most: int = MOST_BUCKETS) -> None:
        self._per_minute, self._most = per_minute, most
        self._filled: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, address: str, now: float) -> float:
        """Take one request out of the bucket of an address: 0, or how many seconds to wait until there is one.

        `now` is a monotonic clock in seconds.
        """
        return self._take(address, now)[0]

    def take(self, name: str, now: float) -> tuple[int, int]:
        """Take one request out of a bucket: how many whole seconds to wait until there is one, and how many are left.

        `now` is a monotonic clock in seconds.
        """
        wait, level = self._take(name, now)
        return math.ceil(wait), math.floor(level)

    def _take(self, address: str, now: float) -> tuple[float, float]:
        full, since = self._filled.get(address, (float(self._per_minute), now))
        each = 60.0 / self._per_minute
        level = min(self._per_minute, full + max(0.0, now - since) / each)
        allowed = level >= 1
        self._filled[address] = (level - 1 if allowed else level, now)
        self._filled.move_to_end(address)
        if len(self._filled) > self._most:
            self._filled.popitem(last=False)
        return (0.0, level - 1) if allowed else ((1 - level) * each, level)


def address_of(scope: Any) -> str:
    """The network that a request came from: an IPv4 address, or the /64 of an IPv6 one.

    We listen on loopback, behind a proxy: what it adds last to X-Forwarded-For is the address it saw. From anywhere
    else nobody is believed.
    """
    client = scope.get("client")
    peer = _parsed(client[0] if client else "")
    if peer is None or not peer.is_loopback:
        return _network(peer)
    forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    last = forwarded[-1].decode("latin-1").rpartition(",")[2].strip() if forwarded else ""
    return _network(_parsed(last) or peer)


def is_this_machine(scope: Any) -> bool:
    """Whether a request came from this machine itself, and not through the proxy in front of it."""
    peer = _parsed((scope.get("client") or ("",))[0])
    forwarded = any(name == b"x-forwarded-for" for name, _ in scope["headers"])
    return peer is not None and peer.is_loopback and not forwarded


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _network(address: ipaddress.IPv4Address | ipaddress.IPv6Address | None) -> str:
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, IPV6_NETWORK), strict=False))
    return str(address)
