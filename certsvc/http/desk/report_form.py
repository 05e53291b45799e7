"""The form of a report: what a page hands on to it, and what is sent with it, each within its limit."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from certsvc.domain.problem_report import CheckedBy, ClaimedVerdict
from certsvc.errors import InvalidInput
from certsvc.http.messages import read_message
from certsvc.http.negotiation import JSON
from certsvc.http.routes import Asked
from certsvc.issuance.problem_reports.taking import Carried

MOST_BYTES = 32 * 1024
TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)
DIGITS, SHA256 = re.compile(r"[0-9]{1,700}", re.ASCII), re.compile(r"[0-9a-f]{64}", re.ASCII)
FIELDS = ("kind", "words", "contact", "department", "token", "by", "code", "qr", "file", "said", "at")
LONGEST = {"words": 4000, "qr": 700, "contact": 1000}
LONGEST_FIELD = 100


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it was sent: what was typed, each field at most a little longer than is taken."""

    values: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")

    @property
    def carried(self) -> Carried:
        """What was handed on. What is malformed there is no mistake of who fills in the form, and is left out."""
        digits, sha256 = self["qr"], self["file"].lower()
        return Carried(
            by=CheckedBy(self["by"]) if self["by"] in list(CheckedBy) else self._guessed(),
            code=self["code"].strip(),
            digits=digits if DIGITS.fullmatch(digits) else "",
            file_sha256=bytes.fromhex(sha256) if SHA256.fullmatch(sha256) else None,
            claimed=ClaimedVerdict(self["said"]) if self["said"] in list(ClaimedVerdict) else None,
            claimed_at=_instant(self["at"]),
        )

    def _guessed(self) -> CheckedBy:
        given = {"qr": CheckedBy.QR, "file": CheckedBy.FILE, "code": CheckedBy.CODE}
        return next((by for name, by in given.items() if self[name].strip()), CheckedBy.NOTHING)


def new_token() -> str:
    """A token for a form that is shown: it makes what is sent twice one report."""
    return secrets.token_urlsafe(18)


def asked_form(request: Asked) -> Filled:
    """What the address of an empty form hands on."""
    return Filled({name: _cut(name, request.query_params.get(name, "")) for name in FIELDS[5:]})


async def sent_form(request: Asked) -> tuple[Filled, str]:
    """A form that was sent, as a form or as JSON, and its token: a program gives it as `Idempotency-Key`.

    Raises:
        InvalidInput: it is malformed, or has no token.
        MessageTooLarge, WrongMediaType: see `read_message`.
    """
    body = await read_message(request, JSON, MOST_BYTES)
    sent = _json(body) if request.content_type[0] == JSON else _form(body)
    filled = Filled({name: _cut(name, sent.get(name, "")) for name in FIELDS})
    token = filled["token"] or request.headers.get("idempotency-key", "")
    if not TOKEN.fullmatch(token):
        raise InvalidInput(
            "缺少表单标识。请重新打开报告页；程序请带 Idempotency-Key（16 至 64 位字母、数字、_ 或 -）。",
            "The form has no token: open the page anew. A program sends `Idempotency-Key`: 16 to 64 letters, digits, _ "
            "or -.",
        )
    return filled, token


def _form(body: bytes) -> Mapping[str, str]:
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=40))
    except ValueError:
        raise InvalidInput("表单不合格式。", "The form is malformed.") from None


def _json(body: bytes) -> Mapping[str, str]:
    try:
        return msgspec.json.decode(body, type=dict[str, str])
    except (msgspec.DecodeError, RecursionError):
        raise InvalidInput(
            "JSON 不合格式：字段都应为文字。", "The JSON is malformed: every member is a text."
        ) from None


def _cut(name: str, text: Any) -> str:
    return str(text)[: LONGEST.get(name, LONGEST_FIELD)]


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None and 2000 < found.year < 3000 else None
