"""A client's public keys as it gives them: a JWK Set (RFC 7517). What a key may be used for follows from the key."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from certsvc.access.strict import Flaw, read_base64url, read_object, write_base64url
from certsvc.domain.client import ClientKey
from certsvc.errors import InvalidInput

MOST_KEYS, MOST_BYTES = 5, 16 * 1024
KID = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)
PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
"""Members that only a private or a shared key has."""

CURVES: Mapping[str, tuple[ec.EllipticCurve, int]] = {"P-256": (ec.SECP256R1(), 32), "P-384": (ec.SECP384R1(), 48)}
"""By its name in a JWK: the curve, and the length of a coordinate in bytes."""

ALGORITHMS = ("ES256", "ES384", "PS256", "RS256", "EdDSA")
NAMES = {curve.name: name for name, (curve, _) in CURVES.items()}
RSA_BITS, RSA_EXPONENT = (2048, 4096), 65537

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey


def parse_jwks(data: bytes, now: datetime) -> tuple[ClientKey, ...]:
    """The keys in a JWK Set, valid from `now`: at most five, in 16 KiB, public, for signatures; each with a `kid`.

    Raises:
        InvalidInput: it is anything else; the sentence says which key, and what to do.
    """
    if len(data) > MOST_BYTES:
        raise InvalidInput(f"JWKS 超过 {MOST_BYTES} 字节。", f"The JWK Set is over {MOST_BYTES} bytes.")
    try:
        entries = read_object(data).get("keys")
    except Flaw:
        raise _wrong("不是 JSON 对象，或有成员重复。", "is no JSON object, or has a member twice.") from None
    if not isinstance(entries, list) or not 1 <= len(entries) <= MOST_KEYS:
        raise _wrong(
            f'应为 {{"keys": […]}}，含 1 至 {MOST_KEYS} 把公钥。',
            f'is written {{"keys": […]}}, with 1 to {MOST_KEYS} public keys.',
        )
    keys = tuple(_parse_key(entry, number, now) for number, entry in enumerate(entries, 1))
    if len({key.kid for key in keys}) != len(keys) or len({key.thumbprint for key in keys}) != len(keys):
        raise _wrong("中有 kid 或公钥重复。", "has a kid or a key twice.")
    return keys


@lru_cache(maxsize=4096)
def public_key(jwk: str) -> PublicKey:
    """The key of a JWK that `parse_jwks` took."""
    members = json.loads(jwk)
    return KINDS[members["kty"]](members)


@lru_cache(maxsize=4096)
def algorithms(jwk: str) -> tuple[str, ...]:
    """The algorithms (RFC 7518) that may be used with such a key; a message has no say in it."""
    members = json.loads(jwk)
    allowed = _algorithms(public_key(jwk))
    return (members["alg"],) if "alg" in members else allowed


def jwks_of(key: PublicKey) -> str:
    """A JWK Set with this key; its `kid` is its thumbprint."""
    members = _members(key)
    kid = write_base64url(_thumbprint(members))
    return json.dumps({"keys": [members | {"kid": kid, "use": "sig", "alg": _algorithms(key)[0]}]})


def _parse_key(entry: object, number: int, now: datetime) -> ClientKey:
    if not isinstance(entry, dict):
        raise _wrong_key(number, "应为 JSON 对象。", "is a JSON object.")
    if any(member in entry for member in PRIVATE) or entry.get("kty") == "oct":
        raise _wrong_key(
            number,
            "含私钥或共享密钥：只交公钥。这把私钥已经离开过您的系统，请换一把新的。",
            "holds a private or a shared key: give public keys only. This one has left your system, make a new one.",
        )
    kid = entry.get("kid")
    if not isinstance(kid, str) or not KID.fullmatch(kid):
        raise _wrong_key(
            number, "应有 kid，1 至 200 个可见 ASCII 字符。", "has a kid of 1 to 200 visible ASCII characters."
        )
    try:
        key = KINDS[str(entry.get("kty"))](entry)
    except (KeyError, ValueError):
        raise _wrong_key(
            number,
            "应为 EC（P-256、P-384）、RSA（2048 至 4096 位，e = 65537）或 OKP（Ed25519）公钥。",
            "is an EC (P-256, P-384), RSA (2048 to 4096 bits, e = 65537) or OKP (Ed25519) public key.",
        ) from None
    _require_for_signatures(entry, key, number)
    members = _members(key)
    kept = members | {"kid": kid} | ({"alg": entry["alg"]} if "alg" in entry else {})
    jwk = json.dumps(kept, sort_keys=True, separators=(",", ":"))
    return ClientKey(kid=kid, thumbprint=_thumbprint(members), jwk=jwk, not_before=now)


def _require_for_signatures(entry: Mapping[str, Any], key: PublicKey, number: int) -> None:
    allowed = _algorithms(key)
    fits = (
        entry.get("use", "sig") == "sig"
        and entry.get("key_ops", ["verify"]) == ["verify"]
        and entry.get("alg", allowed[0]) in allowed
    )
    if not fits:
        raise _wrong_key(
            number,
            f"的 use 应为 sig，key_ops 应为 verify，alg 应为 {'、'.join(allowed)}（均可省略）。",
            f"has use sig, key_ops verify and alg {' or '.join(allowed)}, where it has them.",
        )


def _algorithms(key: PublicKey) -> tuple[str, ...]:
    if isinstance(key, ec.EllipticCurvePublicKey):
        return ("ES256",) if NAMES[key.curve.name] == "P-256" else ("ES384",)
    return ("PS256", "RS256") if isinstance(key, rsa.RSAPublicKey) else ("EdDSA",)


def _elliptic(entry: Mapping[str, Any]) -> ec.EllipticCurvePublicKey:
    curve, length = CURVES[str(entry.get("crv"))]
    x, y = (_bytes(entry, name, length) for name in ("x", "y"))
    return ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), curve).public_key()


def _rsa(entry: Mapping[str, Any]) -> rsa.RSAPublicKey:
    modulus, exponent = (int.from_bytes(_bytes(entry, name), "big") for name in ("n", "e"))
    if exponent != RSA_EXPONENT or not RSA_BITS[0] <= modulus.bit_length() <= RSA_BITS[1] or modulus % 2 == 0:
        raise ValueError("RSA parameters")
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def _edwards(entry: Mapping[str, Any]) -> ed25519.Ed25519PublicKey:
    if entry.get("crv") != "Ed25519":
        raise ValueError("curve")
    return ed25519.Ed25519PublicKey.from_public_bytes(_bytes(entry, "x", 32))


KINDS: Mapping[str, Callable[[Mapping[str, Any]], PublicKey]] = {"EC": _elliptic, "RSA": _rsa, "OKP": _edwards}


def _bytes(entry: Mapping[str, Any], name: str, length: int | None = None) -> bytes:
    """A member in Base64url: of a length, or without needless zeros before it (RFC 7518 sections 2 and 6)."""
    text = entry.get(name)
    data = read_base64url(text) if isinstance(text, str) else b""
    if not data or (data[0] == 0 if length is None else len(data) != length):
        raise ValueError(name)
    return data


def _members(key: PublicKey) -> dict[str, str]:
    """The members that make the key, and no others."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        point, name = key.public_numbers(), NAMES[key.curve.name]
        x, y = (write_base64url(each.to_bytes(CURVES[name][1], "big")) for each in (point.x, point.y))
        return {"kty": "EC", "crv": name, "x": x, "y": y}
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        n, e = (write_base64url(each.to_bytes((each.bit_length() + 7) // 8, "big")) for each in (numbers.n, numbers.e))
        return {"kty": "RSA", "n": n, "e": e}
    return {"kty": "OKP", "crv": "Ed25519", "x": write_base64url(key.public_bytes_raw())}


def _thumbprint(members: Mapping[str, str]) -> bytes:
    """RFC 7638: SHA-256 of the members that make the key, in order, without blanks."""
    return hashlib.sha256(json.dumps(members, sort_keys=True, separators=(",", ":")).encode("ascii")).digest()


def _wrong(zh: str, en: str) -> InvalidInput:
    return InvalidInput(f"JWKS {zh}", f"The JWK Set {en}")


def _wrong_key(number: int, zh: str, en: str) -> InvalidInput:
    return InvalidInput(f"JWKS 第 {number} 把公钥{zh}", f"Key {number} of the JWK Set {en}")
