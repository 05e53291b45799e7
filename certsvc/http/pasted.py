"""What somebody typed or pasted where a code is asked for: a code, or the address in a QR, ours or another's."""

import re
from urllib.parse import SplitResult, urlsplit

from certsvc.errors import AnotherAddress, InvalidIdentifier
from certsvc.ids import parse_typed_code

LONGEST = 1000
LONGEST_HOST = 80
ADDRESS = re.compile(r"\s*(?:https?:)?//\S+\s*|\s*[^\s/]+\.[^\s/]+/\S*\s*|\s*[a-z][a-z0-9+.-]*:\S+\s*", re.IGNORECASE)
"""With a scheme, with two slashes, or a name with a dot before a slash; no typed code looks like that."""

USUAL_PORTS, NO_SITE = {"http": 80, "https": 443, "": None}, -1
OURS = re.compile(r"/(?:(Q)/([0-9]{1,700})|([CP])/([0-9A-Za-z-]{1,40}))/?", re.ASCII)


def place_of(pasted: str, host: str) -> str:
    """The path of ours that it leads to: `/Q/…` or `/P/…` of an address, `/C/…` of a code; `host` is ours, with its
    port.

    Raises:
        AnotherAddress: an address of somebody else, or no address of a result.
        InvalidIdentifier: mistyped.
    """
    text = pasted[:LONGEST]
    if not ADDRESS.fullmatch(text):
        return f"/C/{parse_typed_code(text).typed_code}"
    parts = _split(text.strip().replace("\\", "/"))  # as browsers read it
    if parts is None or _host(parts) != host.lower():
        raise _another(parts, host)
    found = OURS.fullmatch(parts.path)
    if found is None:
        raise AnotherAddress(
            f"这个网址属于 {host}，但不是证照的查验网址。请重新扫二维码，或输入二维码旁的查验码。",
            f"This address is of {host}, but leads to no result. Scan the QR again, or type the code beside it.",
        )
    if found[1]:
        return f"/Q/{found[2]}"
    return f"/{found[3]}/{parse_typed_code(found[4]).typed_code}"


def _split(address: str) -> SplitResult | None:
    has_scheme = re.match(r"[a-z][a-z0-9+.-]*:", address, re.IGNORECASE) and not re.match(r"[^/]*\.[^/]*/", address)
    try:
        return urlsplit(address if has_scheme else f"//{address.lstrip('/')}")
    except ValueError:
        return None


def _host(parts: SplitResult) -> str:
    """As browsers read it: what stands before an @ is no part of it, other letters than ASCII are spelt out."""
    try:
        name, port = parts.hostname or "", parts.port
        spelt = name if name.isascii() else name.encode("idna").decode("ascii")
    except ValueError:  # no number after the colon, or a name that cannot be
        return ""
    usual = USUAL_PORTS.get(parts.scheme.lower(), NO_SITE)
    if usual == NO_SITE:
        return ""
    return spelt if port in (None, usual) else f"{spelt}:{port}"


def _another(parts: SplitResult | None, host: str) -> InvalidIdentifier:
    there = _host(parts)[:LONGEST_HOST] if parts else ""
    if not there:
        return AnotherAddress(
            f"这不是 {host} 的网址，也不是查验码。请对照纸面，输入二维码旁的 17 位查验码。",
            f"This is no address of {host}, and no code. Type the 17 characters beside the QR.",
        )
    return AnotherAddress(
        f"这个二维码通向 {there}，不是这里（{host}）。本系统的证照，二维码旁印的网址是 {host}；"
        "别的机构的证照，请到它自己的网站查。说是本系统的，不要采用。",
        f"This QR leads to {there}, which is not us ({host}). Certificates of this system have {host} printed beside "
        "the QR; those of others are verified at their own sites. If it claims to be ours, do not rely on it.",
    )
