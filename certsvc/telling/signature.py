"""Signatures by Standard Webhooks 1.0: HMAC-SHA256 over id, time and body, one for each secret that is in use."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime

PREFIX = "whsec_"
SECRET_BYTES = 32
"""The standard asks for 24 to 64."""


def new_secret() -> bytes:
    """A fresh secret."""
    return secrets.token_bytes(SECRET_BYTES)


def as_text(secret: bytes) -> str:
    """A secret as its owner is shown it: `whsec_` and base64."""
    return PREFIX + base64.b64encode(secret).decode("ascii")


def headers(message_id: str, body: bytes, keys: Sequence[bytes], now: datetime) -> dict[str, str]:
    """The three headers of a message that is sent now; while a secret is followed by the next, both sign."""
    at = str(int(now.timestamp()))
    signed = message_id.encode("ascii") + b"." + at.encode("ascii") + b"." + body
    signatures = (base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode("ascii") for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": at,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
