"""Reports of problems: what the public finds wrong, and what a department answers."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec

from certsvc.client.sending import Sender, as_shape

PATH = "/v1/reports"


class Department(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers."""

    name: str
    uscc: str | None


class Deadline(msgspec.Struct, frozen=True, kw_only=True):
    """By when, when it was done, and what was said of it in public."""

    due: datetime
    at: datetime | None
    late: bool
    said: str | None


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """The entry in the life of a certificate that is the correction."""

    certificate: str
    event: int


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """What was written, until it is erased."""

    words: str
    contact: str | None
    typed: str | None
    digits: str | None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A report; `reported` comes when one is read, and not in lists."""

    number: str
    state: str
    kind: str
    opened_at: datetime
    checked_by: str
    certificate: str | None
    file_sha256: str | None
    claimed: str | None
    claimed_at: datetime | None
    department: Department | None
    contact: Deadline
    answer: Deadline
    calendar_known: bool
    outcome: str | None
    forwarded_to: str | None
    correction: Correction | None
    erased_at: datetime | None
    href: str
    reported: Reported | None = None


class Reports:
    """`api.reports`."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def list(self, *, state: str | None = None) -> AsyncIterator[Report]:
        """Reports to answer, what is due first comes first; without `state` all that are not closed. Raises
        `ApiError`."""
        return self._sender.pages(PATH, {"state": state}, Report)

    async def read(self, number: str) -> Report:
        """One report, with what was written; that it was read is on record. Raises `ApiError`."""
        return as_shape(await self._sender.read(_one(number)), Report)

    async def acknowledge(self, number: str, said: str | None = None, *, key: str | None = None) -> Report:
        """The first contact was made; what is `said` is public. Raises `ApiError`."""
        answer = await self._sender.write("POST", _one(number) + "/acknowledge", {"said": said}, key=key)
        return as_shape(answer, Report)

    async def close(self, number: str, outcome: str, said: str, *, key: str | None = None, **named: Any) -> Report:
        """Answer it; `named` are `certificate` and `event` of a correction, or `forwarded_to`. Raises `ApiError`."""
        body = {"outcome": outcome, "said": said, **named}
        return as_shape(await self._sender.write("POST", _one(number) + "/close", body, key=key), Report)


def _one(number: str) -> str:
    return f"{PATH}/{quote(number, safe='')}"
