"""Cases: one application for a licence and its permits."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

import msgspec

from certsvc.client.sending import Sender, as_shape

PATH = "/v1/cases"


class Title(msgspec.Struct, frozen=True, kw_only=True):
    """A title in both languages."""

    zh: str
    en: str


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a case: one certificate that is asked for."""

    type: str
    title: Title
    state: str
    working_days: int
    changed_at: datetime
    deadline: date | None
    late: bool
    documents_due: date | None
    certificate: str | None
    payload: Mapping[str, Any] | None = None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A case: `progress` is where the applicant follows it."""

    code: str
    opened_by: str
    opened_at: datetime
    applicant: str
    licence_type: str | None
    licence: str | None
    finished: bool
    progress: str
    parts: tuple[Part, ...]
    answers: Mapping[str, Any] | None
    erased_at: datetime | None = None


class ListedPart(msgspec.Struct, frozen=True, kw_only=True):
    """A part in a list, with the case it belongs to."""

    case: str
    applicant: str
    opened_at: datetime
    part: Part
    href: str


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """The merged form of a case: its JSON Schema, and what the licence on record says already."""

    schema: Mapping[str, Any]
    mapping: Mapping[str, Any]
    known: Mapping[str, Any]


class Cases:
    """`api.cases`."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def form(self, licence: str, permits: Sequence[str] = ()) -> Form:
        """The merged form for a licence (a type, or the code of one on record) and permits. Raises `ApiError`."""
        query = {"licence": licence, "permits": ",".join(permits)}
        return as_shape(await self._sender.read(PATH + "/form", query), Form)

    async def open(
        self,
        licence: str,
        permits: Sequence[str],
        answers: Mapping[str, Any],
        *,
        working_days: Mapping[str, int] | None = None,
        key: str | None = None,
    ) -> Case:
        """Open a case. Raises `ApiError`."""
        body = {"licence": licence, "permits": permits, "answers": answers, "working_days": working_days}
        return as_shape(await self._sender.write("POST", PATH, body, key=key), Case)

    async def read(self, code: str) -> Case:
        """A case, as far as this client sees it. Raises `ApiError`."""
        return as_shape(await self._sender.read(_one(code)), Case)

    def parts(
        self, *, part: str | None = None, state: str | None = None, due_before: date | None = None
    ) -> AsyncIterator[ListedPart]:
        """Parts to decide, what is due first comes first. Raises `ApiError`."""
        query = {"part": part, "state": state, "due_before": due_before and due_before.isoformat()}
        return self._sender.pages(PATH, query, ListedPart)

    async def decide(
        self,
        code: str,
        type_id: str,
        decision: str,
        *,
        content: Mapping[str, Any] | None = None,
        key: str | None = None,
        **ground: Any,
    ) -> Case:
        """Accept, return, refuse or grant a part; `ground` are members such as `reason`, `due`. Raises `ApiError`."""
        body = {"decision": decision, "content": content, **ground}
        return as_shape(await self._sender.write("POST", f"{_part(code, type_id)}/decisions", body, key=key), Case)

    async def correct(self, code: str, answers: Mapping[str, Any], *, key: str | None = None) -> Case:
        """Correct what was returned. Raises `ApiError`."""
        return as_shape(await self._sender.write("POST", _one(code) + "/answers", {"answers": answers}, key=key), Case)

    async def withdraw(self, code: str, type_id: str, reason: str, *, key: str | None = None) -> Case:
        """Withdraw a part. Raises `ApiError`."""
        body = {"reason": reason}
        return as_shape(await self._sender.write("POST", f"{_part(code, type_id)}/withdraw", body, key=key), Case)


def _one(code: str) -> str:
    return f"{PATH}/{quote(code, safe='')}"


def _part(code: str, type_id: str) -> str:
    return f"{_one(code)}/parts/{quote(type_id, safe='')}"
