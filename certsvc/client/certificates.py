"""Certificates: issue, read, search, and every act of their lives."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
from msgspec.structs import replace

from certsvc.client.errors import WaitedTooLong
from certsvc.client.sending import Sender, as_shape
from certsvc.client.shapes import Approval, Certificate, Found, History, Rehearsal

PATH = "/v1/certificates"
LOOKS_AGAIN = 0.5


class Certificates:
    """`api.certificates`."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def issue(
        self,
        type_id: str,
        payload: Mapping[str, Any],
        *,
        key: str | None = None,
        act: str = "issue",
        previous_identifier: str | None = None,
        layout: str | None = None,
        file: Mapping[str, Any] | None = None,
        issued_by: str | None = None,
        wait: float = 60.0,
    ) -> Certificate | Approval:
        """Issue a certificate, sealed when it is here; or the approval that it waits for. `key` names the request: sent
        again with the same key it is the same certificate. `wait` is how many seconds it may take to be sealed. For
        `layout` and `file` see `api.external.register`; `issued_by` is the USCC of the organ whose seal it takes, where
        several issue the type.

        Raises:
            ApiError: it was refused.
            WaitedTooLong: it is on record and will be sealed, but is not yet.
        """
        more = {"layout": layout, "file": file} if layout else {}
        more |= {"issued_by": issued_by} if issued_by else {}
        order = {"type": type_id, "payload": payload, "act": act, "previous_identifier": previous_identifier, **more}
        return await self._ordered(PATH, order, key, wait)

    async def rehearse(
        self, type_id: str, payload: Mapping[str, Any], *, act: str = "issue", issued_by: str | None = None
    ) -> Rehearsal:
        """Do everything but what needs the real key: what would be issued. Raises `ApiError`."""
        order = {"type": type_id, "payload": payload, "act": act, "dry_run": True}
        order |= {"issued_by": issued_by} if issued_by else {}
        return as_shape(await self._sender.write("POST", PATH, order), Rehearsal)

    async def read(self, code: str, *, on: date | None = None, known_at: datetime | None = None) -> Certificate:
        """A certificate with its state on a day (today), as was known at a time (now). Raises `ApiError`."""
        query = {"on": on and on.isoformat(), "known_at": known_at and known_at.isoformat()}
        return _certificate(await self._sender.read(path_of(code), query))

    async def history(self, code: str) -> History:
        """Everything that happened to a certificate. Raises `ApiError`."""
        return as_shape(await self._sender.read(path_of(code) + "/history"), History)

    async def payload(self, code: str, why: str) -> Mapping[str, Any]:
        """The whole content, persons and all; `why` goes on record. Raises `ApiError`."""
        content: Mapping[str, Any] = (await self._sender.read(path_of(code) + "/payload", {"why": why})).json()[
            "payload"
        ]
        return content

    async def document(self, code: str, layout: str | None = None, *, why: str | None = None) -> bytes:
        """A sealed PDF: that of this layout, or the first. `why` goes on record; it must be given for what this client
        did not order. Raises `ApiError`."""
        if layout is None:
            layout = (await self.read(code)).documents[0].layout
        path = f"{path_of(code)}/documents/{quote(layout, safe='')}"
        return (await self._sender.read(path, {"why": why})).content

    def search(
        self,
        *,
        type_id: str | None = None,
        number: str | None = None,
        subject: str | None = None,
        licence: str | None = None,
        status: str | None = None,
        on: date | None = None,
        issued_since: datetime | None = None,
        issued_until: datetime | None = None,
    ) -> AsyncIterator[Found]:
        """Every certificate that this client may read and that is so, page by page. Raises `ApiError`."""
        query = {"type": type_id, "number": number, "subject": subject, "licence": licence, "status": status}
        days = {
            "on": on and on.isoformat(),
            "issued_since": issued_since and issued_since.isoformat(),
            "issued_until": issued_until and issued_until.isoformat(),
        }
        return self._sender.pages(PATH, query | days, Found)

    async def held_by(self, code: str, kind: str = "001") -> AsyncIterator[Found]:
        """Every certificate of a holder that this client may read; `code` is the whole code of the holder, `kind` that
        of the code (001: of a business). Raises `ApiError`."""
        cursor: str | None = None
        while True:
            asked = {"code": code, "kind": kind, "cursor": cursor}
            page = (await self._sender.write("POST", PATH + "/held-by", asked)).json()
            for each in page["items"]:
                yield msgspec.convert(each, Found)
            if (cursor := page["next"]) is None:
                return

    async def act(
        self,
        code: str,
        act: str,
        *,
        ground: Mapping[str, Any] | None = None,
        payload: Mapping[str, Any] | None = None,
        effective: date | None = None,
        key: str | None = None,
        expects: str | None = None,
        wait: float = 60.0,
        **more: Any,
    ) -> Certificate | Approval:
        """Do an act of the state table, such as `suspend` or `revoke`: the certificate as it is then, the next version
        of it, or the approval that it waits for. `ground` says why; with `expects` (the `etag` that was read) nothing
        is done to what changed meanwhile. `more` are further members of the body.

        Raises:
            ApiError: it was refused.
            WaitedTooLong: see `issue`.
        """
        days = {"effective": effective.isoformat()} if effective else {}
        body = {"act": act, "ground": ground, "payload": payload, **days, **more}
        return await self._ordered(path_of(code) + "/acts", body, key, wait, expects)

    async def issued(self, code: str, wait: float = 60.0) -> Certificate:
        """A certificate once it is sealed and on record.

        Raises:
            ApiError: it cannot be read.
            WaitedTooLong: it is not yet.
        """
        ends = time.monotonic() + wait
        while (found := await self.read(code)).state != "issued":
            if time.monotonic() > ends:
                why = found.waiting.en if found.waiting else "It waits to be sealed."
                raise WaitedTooLong(202, "queued", f"{code}: {why}")
            await asyncio.sleep(LOOKS_AGAIN)
        return found

    async def _ordered(
        self, path: str, body: Mapping[str, Any], key: str | None, wait: float, expects: str | None = None
    ) -> Certificate | Approval:
        answer = await self._sender.write("POST", path, body, key=key, expects=expects)
        if "asked_by" in answer.json():
            return as_shape(answer, Approval)
        made = _certificate(answer)
        return made if made.state == "issued" else await self.issued(made.code, wait)


def path_of(code: str) -> str:
    """Where the service has a certificate."""
    return f"{PATH}/{quote(code, safe='')}"


def _certificate(answer: httpx.Response) -> Certificate:
    return replace(as_shape(answer, Certificate), etag=answer.headers.get("etag", ""))
