"""Once: a write is done once, however often it is sent, and answered each time alike."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import Response

from certsvc.domain.answer import ABANDONED, Answer, parse_request_key
from certsvc.errors import CertsvcError, RegisterUnavailable, WorkersBusy
from certsvc.http.negotiation import JSON
from certsvc.http.office.caller import Caller
from certsvc.http.pages import Pages
from certsvc.http.problems import show
from certsvc.http.routes import Asked
from certsvc.services import Answers

LOOKS_AGAIN = 0.5
LONGEST = 50.0
"""Seconds a write may take: less than after which it counts as broken off."""

NOT_KEPT = frozenset({401, 403, 408, 413, 429})
"""Refusals that came before the work: the same request may succeed a moment later."""

KEPT_HEADERS = ("content-type", "location", "etag", "retry-after", "content-language")
REPLAYED = "Idempotency-Replayed"
Work = Callable[[Caller], Awaitable[Response[Any]]]


class Once:
    """Does writes, and keeps their answers."""

    def __init__(self, answers: Answers, pages: Pages) -> None:
        self._answers, self._pages = answers, pages
        self._running: set[asyncio.Task[Any]] = set()

    async def run(self, request: Asked, caller: Caller, body: bytes, work: Work) -> Response[bytes]:
        """The answer to a write with this body.

        Raises:
            see `run_digested`.
        """
        return await self.run_digested(request, caller, hashlib.sha256(body).digest(), work)

    async def run_digested(self, request: Asked, caller: Caller, body_digest: bytes, work: Work) -> Response[bytes]:
        """The answer to a write whose body has this SHA-256: what was answered before, or what `work` answers now. It
        goes on when the client is gone, and is there when it asks again.

        Raises:
            InvalidInput: no key, or a malformed one.
            KeyReused, RequestInProgress, RegisterUnavailable: see `Answers.begin`.
        """
        key = parse_request_key(request.headers.get("idempotency-key"))
        caller = replace(caller, request_key=key)
        task = asyncio.create_task(self._once(request, caller, _fingerprint(request, body_digest), work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _once(self, request: Asked, caller: Caller, fingerprint: bytes, work: Work) -> Response[bytes]:
        client, key = caller.client.id, caller.request_key
        begun = await self._answers.begin(client, key, fingerprint, datetime.now(UTC))
        if isinstance(begun, Answer):
            return _replayed(begun)
        try:
            response = await self._done(request, caller, work)
            answer = _answer(response)
            if answer.status not in NOT_KEPT and answer.status < 500:
                await self._answers.keep(client, key, begun, answer)
                return response
        except BaseException:  # done or not: the work goes by the same key, and is found again
            await self._forget(client, key, begun)
            raise
        await self._forget(client, key, begun)
        return response

    async def _forget(self, client: str, key: str, begun: datetime) -> None:
        """Free the key; when the register is gone, as soon as it is back, and not only once it counts as broken off."""
        try:
            await self._answers.forget(client, key, begun)
        except RegisterUnavailable:
            task = asyncio.create_task(self._forget_later(client, key, begun))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _forget_later(self, client: str, key: str, begun: datetime) -> None:
        while datetime.now(UTC) < begun + ABANDONED:
            await asyncio.sleep(LOOKS_AGAIN)
            with suppress(CertsvcError):
                await self._answers.forget(client, key, begun)
                return

    async def _done(self, request: Asked, caller: Caller, work: Work) -> Response[bytes]:
        try:
            async with asyncio.timeout(LONGEST):
                return _as_bytes(await work(caller))
        except TimeoutError:
            raise WorkersBusy("正忙，请用同一编号再发一次。", "Busy: send it again with the same key.") from None
        except CertsvcError as error:
            if error.status >= 500:
                raise
            return self._pages.problem(request, show(error, self._pages.language(request)))


def _fingerprint(request: Asked, body_digest: bytes) -> bytes:
    """SHA-256 of method, path with its query, and the body's digest."""
    scope = request.scope
    parts = scope["method"].encode(), scope["raw_path"], scope["query_string"], body_digest
    return hashlib.sha256(b"\0".join(parts)).digest()


def _as_bytes(response: Response[Any]) -> Response[bytes]:
    if isinstance(response.content, bytes):
        return response
    content = b"" if response.content is None else msgspec.json.encode(response.content)
    headers = {name: value for name, value in response.headers.items() if name.lower() != "content-type"}
    return Response(content, status_code=response.status_code or 200, headers=headers, media_type=JSON)


def _answer(response: Response[bytes]) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    headers.setdefault("content-type", str(response.media_type or JSON))
    kept = {name: value for name, value in headers.items() if name in KEPT_HEADERS}
    return Answer(status=response.status_code or 200, headers=kept, body=response.content)


def _replayed(answer: Answer) -> Response[bytes]:
    headers = dict(answer.headers)
    media_type = headers.pop("content-type", JSON)
    return Response(
        answer.body, status_code=answer.status, headers={**headers, REPLAYED: "true"}, media_type=media_type
    )
