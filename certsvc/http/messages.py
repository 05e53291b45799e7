"""Small binary messages: read within a limit of size and time, whatever a client calls them."""

import asyncio

from certsvc.errors import InvalidInput, MessageTooLarge, WrongMediaType
from certsvc.http.routes import Asked

SECONDS = 10.0
MOST_DRAINED = 1024 * 1024
UNNAMED = ("", "application/octet-stream", "application/x-www-form-urlencoded")
"""What clients send that do not name the kind: none, unknown, and curl's default."""


async def read_message(request: Asked, media_type: str, most: int) -> bytes:
    """The body of a request, at most `most` bytes. What is beyond is taken and thrown away: a client that is still
    sending would see a broken connection, no answer.

    Raises:
        WrongMediaType: it is said to be something else than `media_type`.
        MessageTooLarge: it is longer.
        InvalidInput: it was broken off, or did not arrive in time.
    """
    kind, _ = request.content_type
    try:
        async with asyncio.timeout(SECONDS):
            message, size = await _receive(request, most)
    except TimeoutError:
        raise InvalidInput("请求没有及时传完。", "The request did not arrive in time.") from None
    if kind not in (media_type, *UNNAMED):
        raise WrongMediaType(f"请用 Content-Type: {media_type}。", f"Use Content-Type: {media_type}.")
    if size > most:
        raise MessageTooLarge(f"请求超过 {most} 字节。", f"The request is longer than {most} bytes.")
    return message


async def _receive(request: Asked, most: int) -> tuple[bytes, int]:
    message, size, more = bytearray(), 0, True
    while more and size <= MOST_DRAINED:
        event = await request.receive()
        if event["type"] != "http.request":
            raise InvalidInput("请求中断了。", "The request was broken off.")
        size += len(event["body"])
        if size <= most:
            message += event["body"]
        more = event.get("more_body", False)
    return bytes(message), size
