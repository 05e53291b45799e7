"""PKCS #11 URIs (RFC 7512), parsed strictly: what is not understood is refused, as its section 2.3 demands."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

from certsvc.errors import CustodyError

LONGEST = 2048
PATH = {"token", "serial", "manufacturer", "model", "object", "id", "type", "slot-id"}
QUERY = {"module-path", "pin-source"}
_SHARED = r"[A-Za-z0-9\-._~:\[\]@!$'()*+,="
_PATH_VALUE = re.compile(_SHARED + r"&]|%[0-9A-Fa-f]{2}")
_QUERY_VALUE = re.compile(_SHARED + r"/?|]|%[0-9A-Fa-f]{2}")
REFUSED = {
    "pin-value": (
        "地址中不得出现 PIN；请用 pin-source=file:路径 或另给口令引用",
        "a PIN never stands in a URI: give a reference to it",
    ),
    "module-name": (
        "请用 module-path 给出程序库的完整路径，不按名称查找",
        "name the library by its full path, module-path: what is loaded beside keys must not hang on a search path",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pkcs11Uri:
    """Which key, on which token, through which library. What the URI does not say is None."""

    module: Path
    token: str | None = None
    serial: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    slot: int | None = None
    label: str | None = None
    id: bytes | None = None
    pin_source: str | None = None

    def __str__(self) -> str:
        """For messages: the key and the token by the names people gave them."""
        return f"{self.label or (self.id or b'').hex()} @ {self.token or self.serial or f'slot {self.slot}'}"


def parse_pkcs11_uri(uri: str) -> Pkcs11Uri:
    """Parse the URI of a private key.

    Raises:
        CustodyError: it breaks the grammar, says something twice or something we do not know, holds a PIN, or does
            not name a library, a token and a key.
    """
    if len(uri) > LONGEST or not uri.startswith("pkcs11:"):
        raise _wrong("过长或不以 pkcs11: 开头", "too long, or does not begin with pkcs11:")
    path, has_query, query = uri.removeprefix("pkcs11:").partition("?")
    named = _attributes(path, ";", PATH, _PATH_VALUE)
    named |= _attributes(query, "&", QUERY, _QUERY_VALUE) if has_query else {}
    if named.get("type", b"private") != b"private":
        raise _wrong("type 只能是 private", "type can only be private")
    parsed = Pkcs11Uri(
        module=_module(named),
        token=_text(named, "token"),
        serial=_text(named, "serial"),
        manufacturer=_text(named, "manufacturer"),
        model=_text(named, "model"),
        slot=_slot(named),
        label=_text(named, "object"),
        id=named.get("id"),
        pin_source=_text(named, "pin-source"),
    )
    if parsed.token is None and parsed.serial is None and parsed.slot is None:
        raise _wrong("缺 token、serial 或 slot-id", "names no token: token, serial or slot-id is missing")
    if parsed.label is None and parsed.id is None:
        raise _wrong("缺 object 或 id", "names no key: object or id is missing")
    return parsed


def _attributes(part: str, separator: str, known: set[str], value_of: re.Pattern[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for attribute in part.split(separator):
        name, equals, value = attribute.partition("=")
        if name in REFUSED:
            raise _wrong(*REFUSED[name])
        if name not in known:
            raise _wrong("含有不认识的属性", "has an attribute that is not known here")
        if name in found:
            raise _wrong(f"{name} 出现两次", f"says {name} twice")
        if not equals or not value or not re.fullmatch(f"(?:{value_of.pattern})+", value):
            raise _wrong(f"{name} 的值不合 RFC 7512", f"the value of {name} is not one of RFC 7512")
        found[name] = unquote_to_bytes(value)
    return found


def _text(named: Mapping[str, bytes], name: str) -> str | None:
    try:
        return named[name].decode("utf-8") if name in named else None
    except UnicodeDecodeError:
        raise _wrong(f"{name} 不是 UTF-8", f"{name} is not UTF-8") from None


def _module(named: Mapping[str, bytes]) -> Path:
    module = Path(_text(named, "module-path") or "")
    if not module.is_absolute():
        raise _wrong("缺 module-path，或不是完整路径", "module-path, the full path of the token's library, is missing")
    return module


def _slot(named: Mapping[str, bytes]) -> int | None:
    if "slot-id" not in named:
        return None
    if not re.fullmatch(rb"[0-9]{1,19}", named["slot-id"]):
        raise _wrong("slot-id 不是数字", "slot-id is not a number")
    return int(named["slot-id"])


def _wrong(zh: str, en: str) -> CustodyError:
    return CustodyError(f"pkcs11: 密钥地址有误：{zh}。", f"The pkcs11: key URI is wrong: {en}.")
