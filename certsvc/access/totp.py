"""One-time codes of an authenticator: RFC 6238 with HMAC-SHA-1, 30 seconds and six digits, which every app knows."""

import base64
import hmac
import re
import secrets
import struct
from datetime import datetime
from urllib.parse import quote, urlencode

SECRET, SECONDS, DIGITS = 20, 30, 6
DRIFT = 1
"""Clocks may differ by so many steps, back and forth."""

CODE = re.compile(rf"[0-9]{{{DIGITS}}}", re.ASCII)


def new_totp_secret() -> bytes:
    """160 random bits (RFC 4226 section 4)."""
    return secrets.token_bytes(SECRET)


def code_at(secret: bytes, step: int) -> str:
    """The code of a step (RFC 4226 section 5.3)."""
    digest = hmac.digest(secret, struct.pack(">Q", step), "sha1")
    (number,) = struct.unpack_from(">I", digest, digest[-1] & 15)
    return f"{(number & 0x7FFFFFFF) % 10**DIGITS:0{DIGITS}}"


def matching_step(secret: bytes, typed: str, now: datetime, after: int) -> int | None:
    """The step whose code was typed, later than `after`; None if it is no code of now. Blanks are ignored."""
    code = re.sub(r"\s", "", typed[: 4 * DIGITS])
    if not CODE.fullmatch(code):
        return None
    current = int(now.timestamp()) // SECONDS
    near = range(current - DRIFT, current + DRIFT + 1)
    found = [step for step in near if hmac.compare_digest(code_at(secret, step), code) and step > after]
    return found[0] if found else None


def as_text(secret: bytes) -> str:
    """The secret as an app takes it when it is typed: base32."""
    return base64.b32encode(secret).decode("ascii").rstrip("=")


def address_of_secret(secret: bytes, name: str, host: str) -> str:
    """The address that an app reads from a QR (otpauth, Key Uri Format)."""
    issuer = host.partition(":")[0]
    label = quote(f"{issuer}:{name}", safe=":")
    return f"otpauth://totp/{label}?" + urlencode({"secret": as_text(secret), "issuer": issuer})
