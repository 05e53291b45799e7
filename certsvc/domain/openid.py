"""Signing in at an OpenID provider: what is remembered of somebody who is there, and whose account a subject is."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from certsvc.domain.account import AccountId
from certsvc.errors import InvalidInput

FLOW_FOR = timedelta(minutes=10)
"""How long somebody may take at the provider."""

LONGEST_ISSUER, LONGEST_SUBJECT = 200, 255
ISSUER = re.compile(r"https?://[a-z0-9.-]{1,100}(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?", re.ASCII)
SUBJECT = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIdFlow:
    """Somebody who was sent to the provider. `state` and `browser` are SHA-256 of what comes back with them and of what
    their browser has; `verifier` is that of PKCE (RFC 7636), `going` where they wanted to go."""

    state: bytes
    browser: bytes
    nonce: str
    verifier: str
    going: str
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIdLink:
    """Whose account a subject of a provider is."""

    issuer: str
    subject: str
    account: AccountId
    linked_at: datetime


def parse_issuer(text: str) -> str:
    """A provider's name for itself: an address without query, exactly as its tokens have it.

    Raises:
        InvalidInput: it is none.
    """
    if len(text) > LONGEST_ISSUER or not ISSUER.fullmatch(text):
        raise InvalidInput(
            "issuer 应为 https://主机名[:端口][/路径]，与提供方写的一字不差。",
            "An issuer is https://host[:port][/path], exactly as the provider writes it.",
        )
    return text


def parse_subject(text: str) -> str:
    """A provider's name for a person (OpenID Connect Core 2: at most 255 ASCII characters).

    Raises:
        InvalidInput: it is none.
    """
    if not SUBJECT.fullmatch(text):
        raise InvalidInput(
            f"subject 应为 1 至 {LONGEST_SUBJECT} 个可见 ASCII 字符。",
            f"A subject has 1 to {LONGEST_SUBJECT} visible ASCII characters.",
        )
    return text
