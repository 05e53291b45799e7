"""Bodies of requests: read within limits of size, time and depth, and in one way only.

What two readers would read differently (a member twice, NaN) is refused, and so is what is compressed: it is never
inflated.
"""

import asyncio
from typing import Any, cast

import msgspec
from litestar.connection import ASGIConnection
from litestar.exceptions import InternalServerException
from litestar.handlers.base import BaseRouteHandler

from certsvc.access.strict import Flaw, read_object
from certsvc.errors import InvalidInput, WrongMediaType
from certsvc.http.negotiation import JSON
from certsvc.http.routes import Asked

SECONDS = 30.0
DEEPEST = 32
Connection = ASGIConnection[Any, Any, Any, Any]


async def plain_body(connection: Connection, _: BaseRouteHandler) -> None:
    """A litestar guard: nothing compressed.

    Raises:
        WrongMediaType: it has a Content-Encoding.
    """
    if connection.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise WrongMediaType("请不要压缩请求的内容。", "Send the body as it is, without Content-Encoding.")


async def json_body(connection: Connection, handler: BaseRouteHandler) -> None:
    """A litestar guard: a JSON object that can be read in one way only, kept for who reads it next.

    Raises:
        WrongMediaType: it is called something else, or compressed.
        InvalidInput: it is no such object, or was broken off.
        TimeoutError: it did not arrive in time.
    """
    await plain_body(connection, handler)
    request = cast(Asked, connection)
    kind, _ = request.content_type
    if kind != JSON and not kind.endswith("+json"):
        raise WrongMediaType(f"请用 Content-Type: {JSON}。", f"Use Content-Type: {JSON}.")
    require_plain_object(await _received(request))


async def _received(request: Asked) -> bytes:
    try:
        async with asyncio.timeout(SECONDS):
            return await request.body()
    except InternalServerException:
        raise InvalidInput("请求中断了。", "The request was broken off.") from None


def require_plain_object(body: bytes) -> None:
    """Only a JSON object, UTF-8, no member twice, not nested deeper than any of ours.

    Raises:
        InvalidInput: it is anything else.
    """
    try:
        value = read_object(body)
        msgspec.json.decode(body)  # as it is read next: half a surrogate is no text to it
    except (Flaw, msgspec.DecodeError, RecursionError):
        raise InvalidInput(
            "内容应为一个 JSON 对象（UTF-8），成员不得重复。",
            "The body must be one JSON object (UTF-8), with no member twice.",
        ) from None
    level, depth = [value], 0
    while level := [child for each in level for child in _children(each)]:
        depth += 1
        if depth > DEEPEST:
            raise InvalidInput("JSON 嵌套过深。", f"The JSON is nested deeper than {DEEPEST} levels.")


def _children(value: Any) -> Any:
    found = value.values() if isinstance(value, dict) else value
    return [each for each in found if isinstance(each, dict | list)]
