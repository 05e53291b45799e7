"""Where a web-hook may go: https to the public internet and to networks that the operator allows, judged by the address
that a connection is made to.

A name says nothing about where it leads, today or in the next second. So an address is written strictly, every
address of its name is judged just before connecting, and the connection goes to one that was judged.
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from certsvc.errors import InvalidInput

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LONGEST = 2000
LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
TARGET = re.compile(r"[!-~]*", re.ASCII)
PORTS = {"https": 443, "http": 80}

NOT_FOR_STRANGERS_4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
)
"""IANA's registry of special addresses, and multicast."""

GLOBAL_UNICAST_6 = ipaddress.IPv6Network("2000::/3")
NOT_FOR_STRANGERS_6 = tuple(
    ipaddress.IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
"""Of what is assigned: Teredo and other protocols' own, documentation, 6to4."""

NEVER: tuple[Network, ...] = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4"),
        *("::/8", "fe80::/10", "ff00::/8", "2001::/32", "2002::/16"),
        *("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"),
    )
)
"""This machine, its link, many at once, IPv4 in disguise, and where clouds tell a machine its secrets (as well as at
169.254.169.254): an operator may name one such address, but no network opens them."""

MAPPED, TRANSLATED = ipaddress.IPv6Network("::ffff:0:0/96"), ipaddress.IPv6Network("64:ff9b::/96")
"""An IPv4 address written in IPv6, and one that a NAT64 stands for: what counts is the IPv4 address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookUrl:
    """Where a web-hook goes. `host` is a name in small letters or an address; `target` is path and query."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """The Host header."""
        return _netloc(self.host, None if self.port == PORTS[self.scheme] else self.port)


def parse_hook_url(text: str, networks: Sequence[Network] = ()) -> HookUrl:
    """The address of a web-hook. What it leads to is judged when a connection is made; a literal address at once.

    `networks` are those that the operator allows; where this machine is one of them, http is taken too.

    Raises:
        InvalidInput: anything but a plain https URL: user name, fragment, other letters, odd spellings of an address.
    """
    if len(text) > LONGEST or not TARGET.fullmatch(text):
        raise _refused(
            f"最长 {LONGEST} 个字符，只用 ASCII（域名用 xn-- 写法）", "too long, or not ASCII (names as xn--)"
        )
    try:
        parts = urlsplit(text)
        port, host = parts.port, (parts.hostname or "").lower()
    except ValueError:
        raise _refused("写法不对", "malformed") from None
    if parts.scheme not in PORTS or (parts.scheme == "http" and not any(one.is_loopback for one in networks)):
        raise _refused("应以 https:// 开头", "it must begin with https://")
    if "#" in text or "\\" in text or parts.netloc.lower() != _netloc(host, port) or port == 0:
        raise _refused("只能是 https://域名[:端口]/路径", "it must be https://host[:port]/path, without a user name")
    _require_host(host, parts.scheme, networks)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return HookUrl(scheme=parts.scheme, host=host, port=port or PORTS[parts.scheme], target=target)


def _netloc(host: str, port: int | None) -> str:
    """The one way to write where it goes."""
    bracketed = f"[{host}]" if ":" in host else host
    return bracketed if port is None else f"{bracketed}:{port}"


def _require_host(host: str, scheme: str, networks: Sequence[Network]) -> None:
    if ":" in host or _ends_in_number(host):
        address = _literal(host)
        if address is None:
            raise _refused("IP 地址的写法不对", "an address must be written in its usual form")
        if not is_allowed(address, scheme, networks):
            raise _refused(
                "内部网络的地址要由运维人员在 webhooks.networks 中允许",
                "the operator must allow an address of a private network, in webhooks.networks",
            )
        return
    labels = host.split(".")
    if len(host) > 253 or not all(LABEL.fullmatch(label) for label in labels):
        raise _refused("域名的写法不对", "malformed host name")


def _ends_in_number(host: str) -> bool:
    """Whether resolvers take it for an IPv4 address, in whatever spelling: 127.1, 0x7f000001, 017700000001."""
    last = host.rstrip(".").rpartition(".")[2]
    return last.isdecimal() or re.fullmatch(r"0x[0-9a-f]*", last) is not None


def _literal(host: str) -> Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return None if getattr(address, "scope_id", None) else address


def is_public(address: Address) -> bool:
    """Whether an address is one that anybody on the internet may be reached at."""
    plain = _plain(address)
    if isinstance(plain, ipaddress.IPv6Address):
        special = any(plain in network for network in NOT_FOR_STRANGERS_6)
        return plain in GLOBAL_UNICAST_6 and not special and not plain.scope_id and plain.is_global
    return not any(plain in network for network in NOT_FOR_STRANGERS_4) and plain.is_global


def is_allowed(address: Address, scheme: str, networks: Sequence[Network] = ()) -> bool:
    """Whether a web-hook may be sent there: by https to the public internet and into the networks that the operator
    allows; without TLS only to this machine, where its address is named."""
    plain = _plain(address)
    inside = [network for network in networks if plain in network]
    if any(network.num_addresses == 1 for network in inside):
        return scheme == "https" or plain.is_loopback
    if scheme != "https" or any(plain in network for network in NEVER):
        return False
    return bool(inside) or is_public(plain)


def allowed(found: Iterable[str], scheme: str, networks: Sequence[Network] = ()) -> tuple[str, ...]:
    """The addresses that a name led to; none of them when any is not allowed."""
    literals = [_literal(text) for text in found]
    if not all(one is not None and is_allowed(one, scheme, networks) for one in literals):
        return ()
    return tuple(dict.fromkeys(map(str, literals)))


def _plain(address: Address) -> Address:
    """The address that counts."""
    if isinstance(address, ipaddress.IPv6Address) and (address in MAPPED or address in TRANSLATED):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _refused(zh: str, en: str) -> InvalidInput:
    return InvalidInput(f"网址不能用：{zh}。", f"This address cannot be used: {en}.")
