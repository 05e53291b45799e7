"""Sending: with an access token, and again after what passes by, under the same key, so that a write is done once."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import msgspec

from certsvc.client.access import Access
from certsvc.client.errors import AccessRefused, ApiError, NotReached, Problem

Shape = TypeVar("Shape")
MOST_TRIES, FIRST_PAUSE, LONGEST_PAUSE = 6, 0.5, 60.0
PASSES_BY = frozenset({429, 502, 503, 504})
IN_PROGRESS = "request_in_progress"


@dataclass(frozen=True, slots=True)
class Retries:
    """How often it is tried, and how long is waited between: seconds that double, unless the service says when."""

    most: int = MOST_TRIES
    first_pause: float = FIRST_PAUSE
    longest_pause: float = LONGEST_PAUSE
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def pause(self, tried: int, asked: str | None) -> float:
        """Seconds to wait after so many tries; `asked` is a Retry-After header."""
        if asked is not None and asked.isdigit():
            return min(float(asked), self.longest_pause)
        doubled = min(self.first_pause * 2.0 ** (tried - 1), self.longest_pause)
        return doubled * random.uniform(0.5, 1.0)  # noqa: S311 - so that clients do not come back all at once


class Sender:
    """Sends requests of one client."""

    def __init__(self, http: httpx.AsyncClient, access: Access, retries: Retries) -> None:
        self._http, self._access, self._retries = http, access, retries

    async def read(self, path: str, query: Mapping[str, Any] | None = None) -> httpx.Response:
        """GET. Raises `ApiError`."""
        return await self._send("GET", path, params=_given(query or {}))

    async def write(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        query: Mapping[str, Any] | None = None,
        content: bytes | None = None,
        media_type: str = "application/json",
        expects: str | None = None,
    ) -> httpx.Response:
        """A write, under `key` or one of its own: however often it is sent, it is done once. Raises `ApiError`."""
        headers = {"Idempotency-Key": key or str(uuid.uuid4()), **({"If-Match": expects} if expects else {})}
        if body is not None:
            content = msgspec.json.encode(_given(body))
        if content is not None:
            headers["Content-Type"] = media_type
        return await self._send(method, path, params=_given(query or {}), content=content, headers=headers)

    async def pages(self, path: str, query: Mapping[str, Any], item: type[Shape]) -> AsyncIterator[Shape]:
        """Every item of a list, page by page. Raises `ApiError`."""
        cursor: str | None = None
        while True:
            page = (await self.read(path, {**query, "cursor": cursor})).json()
            for each in page["items"]:
                yield msgspec.convert(each, item)
            cursor = page["next"]
            if cursor is None:
                return

    async def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        key = more.get("headers", {}).get("Idempotency-Key")
        tried, refused = 0, None
        while True:
            tried += 1
            try:
                answer = await self._once(method, path, refused, more)
                error = _error(answer, key)
            except (httpx.TransportError, AccessRefused) as failure:
                answer, error = None, _not_reached(failure, key)
            if error is None and answer is not None:
                return answer
            if error is not None and (tried >= self._retries.most or not _passes_by(error, refused)):
                raise error
            if answer is not None and answer.status_code == 401:
                refused = answer.request.headers["Authorization"].removeprefix("Bearer ")
                continue
            asked = answer.headers.get("retry-after") if answer is not None else None
            await self._retries.sleep(self._retries.pause(tried, asked))

    async def _once(self, method: str, path: str, refused: str | None, more: Mapping[str, Any]) -> httpx.Response:
        token = await self._access.token(refused)
        headers = {**more.get("headers", {}), "Authorization": f"Bearer {token}"}
        return await self._http.request(method, path, **{**more, "headers": headers})


def _passes_by(error: ApiError, refused: str | None) -> bool:
    """Whether the same request may succeed a moment later; a new token is asked for once."""
    if error.status == 401 and not isinstance(error, AccessRefused):
        return refused is None
    return error.status in {0, *PASSES_BY} or error.code == IN_PROGRESS


def _not_reached(failure: httpx.TransportError | AccessRefused, key: str | None) -> ApiError:
    if isinstance(failure, AccessRefused):
        return failure
    return NotReached(0, "not_reached", f"{type(failure).__name__}: {failure}", request_key=key)


def _error(answer: httpx.Response, key: str | None) -> ApiError | None:
    if answer.is_success:
        return None
    try:
        said = answer.json()
        problems = tuple(msgspec.convert(said.get("problems", []), list[Problem]))
        return ApiError(answer.status_code, said["code"], said["detail"], problems=problems, request_key=key)
    except (ValueError, KeyError, AttributeError, TypeError):
        return ApiError(answer.status_code, "unreadable", "The answer is no problem document.", request_key=key)


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    """What was given; None is as good as left out."""
    return {name: value for name, value in values.items() if value is not None}


def as_shape(answer: httpx.Response, shape: type[Shape]) -> Shape:
    """The content of an answer."""
    return msgspec.json.decode(answer.content, type=shape)
