"""Receipts (查验回执): a signed record of what was shown, when, and from which sources. What those who make them and
those who read them must agree on; tests/vectors/receipts/receipt-1.schema.json describes the same for others."""

import json
import re
import secrets
import unicodedata
from typing import Any

import msgspec

from certsvc.errors import InvalidInput

SCHEMA = "certsvc-receipt/1"
TYPE = "certsvc-receipt+jws"
"""The `typ` of the JWS (RFC 7515 section 4.1.9): application/certsvc-receipt+jws."""

ALGORITHM = "ES256"
ATTACHMENT = "receipt.jws"
"""The name of the JWS in the PDF."""

RECEIPT_SIGNING = "1.3.6.1.4.1.32473.118246390.3"
"""What the certificate of a receipt's key is for, and no other (extended key usage), under the arc of
`domain.trust.DEMONSTRATION_POLICY`."""

LONGEST_PURPOSE = 60
MOST_JWS, MOST_CERTIFICATES = 512 * 1024, 4
ID_BYTES = 16


class Answer(msgspec.Struct, frozen=True):
    """One of the three answers as it was shown."""

    question: str
    word: str
    text: str
    family: str


class Fact(msgspec.Struct, frozen=True):
    """A label and a value, masked as on the page."""

    label: str
    value: str


class Line(msgspec.Struct, frozen=True):
    """One certificate in a list, as it was shown. `age` is how old its state was, `family` its colour and shape."""

    title: str
    number: str
    issuer: str
    term: str
    tag: str
    age: str
    family: str
    notes: tuple[str, ...] = ()


class Elsewhere(msgspec.Struct, frozen=True):
    """What other departments reported, as it was shown: how many answered in time, and who did not."""

    heading: str
    complete: str
    stale: str | None
    records: tuple[Line, ...]


class Shown(msgspec.Struct, frozen=True):
    """The result page in one language; `complete` says how complete the list of permits is."""

    word: str
    qualifier: str
    at: str
    title: str | None
    holder: str | None
    answers: tuple[Answer, ...]
    reasons: tuple[Fact, ...]
    notes: tuple[str, ...]
    facts: tuple[Fact, ...]
    licence: Line | None
    permits: tuple[Line, ...]
    pending: tuple[str, ...]
    complete: str | None
    elsewhere: Elsewhere | None


class Page(msgspec.Struct, frozen=True):
    """What was shown: the name of the headline, its icon and colour family, and the words."""

    headline: str
    icon: str
    family: str
    zh: Shown
    en: Shown


class Maker(msgspec.Struct, frozen=True):
    """Who made the receipt: the authority as its certificate names it, the address, the program and its version."""

    authority: str
    url: str
    program: str
    demonstration: bool


class Asked(msgspec.Struct, frozen=True):
    """What was asked about: `by` is `qr`, `code`, `file` or `photo`; `sha256` of the digits, of the typed code, or of
    the file, whose content is nowhere in a receipt. `typed_code` is known where the register or a sound token named it.
    """

    by: str
    sha256: str
    size: int | None
    typed_code: str | None


class Receipt(msgspec.Struct, frozen=True):
    """What a receipt says. `made_at` is the instant of the verdict; `purpose` is the asker's own words; `report` is the
    machine's report of that instant; `timestamp` and `log` have room for proofs and are null in this version."""

    schema: str
    id: str
    made_at: str
    by: Maker
    asked: Asked
    purpose: str | None
    report: dict[str, Any]
    shown: Page
    timestamp: dict[str, Any] | None = None
    log: dict[str, Any] | None = None


def new_receipt_id() -> str:
    """128 random bits in hexadecimal."""
    return secrets.token_hex(ID_BYTES)


def parse_purpose(text: str) -> str | None:
    """What the asker wants printed, such as a reference of its own; None where that is nothing.

    Raises:
        InvalidInput: over 60 characters, or a character that cannot be seen.
    """
    said = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text[: 10 * LONGEST_PURPOSE])).strip()
    if len(said) > LONGEST_PURPOSE:
        raise InvalidInput(
            f"用途最多 {LONGEST_PURPOSE} 个字。", f"The purpose has at most {LONGEST_PURPOSE} characters."
        )
    if not said.isprintable():
        raise InvalidInput("用途里有看不见的字符。", "The purpose has characters that cannot be seen.")
    return said or None


def canonical(value: object) -> bytes:
    """JSON in the one way there is to spell it: RFC 8785, of which numbers here are integers only."""
    return json.dumps(
        msgspec.to_builtins(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode()


def read_canonical(data: bytes) -> dict[str, Any]:
    """A JSON object that is spelt as `canonical` spells it: no member twice, no blank, no fraction.

    Raises:
        ValueError: it is anything else.
    """
    try:
        value = json.loads(data.decode("utf-8"), parse_float=_refuse, parse_constant=_refuse)
        if not isinstance(value, dict) or canonical(value) != data:
            raise ValueError("another spelling")
    except RecursionError:
        raise ValueError("too deep") from None
    return value


def seal_reason(receipt_id: str, jws_sha256: str) -> str:
    """The reason in the seal under the printed receipt: it names the record that belongs to the page."""
    return f"查验回执 {receipt_id} SHA-256 {jws_sha256}"


def _refuse(text: str) -> None:
    raise ValueError(text)
