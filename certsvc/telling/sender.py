"""One message to one receiver: resolved by us, judged, connected to that very address, and over in fifteen seconds.

No proxy, no redirect, no cookie, no connection kept: of an answer its status counts, and its beginning is kept to show.
"""

import asyncio
import ssl
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from certsvc.domain.webhook import Answer, Trouble
from certsvc.errors import InvalidInput
from certsvc.telling.address import HookUrl, Network, allowed, parse_hook_url
from certsvc.telling.answer import MOST_HEAD, AnswerMalformed, Head, beginning_of, is_whole, parse_head
from certsvc.telling.resolver import Resolve, Resolver

SECONDS = 15.0
"""For everything: name, connection, TLS, message, answer."""

BODY_SECONDS = 2.0
"""For the beginning of the answer's body, once its status is known."""

MOST_BODY = 4096
MOST_ADDRESSES = 4
ADDRESS_SECONDS = 5.0
"""For a connection to one of several addresses."""


class NotSent(Exception):
    """There was no answer; why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble)
        self.trouble = trouble


@dataclass(frozen=True, slots=True)
class _Received:
    head: Head
    beginning: str


class Sender:
    """Sends messages, to the public internet and into the `networks` that the operator allows."""

    def __init__(
        self,
        *,
        networks: Sequence[Network] = (),
        tls: ssl.SSLContext | None = None,
        resolve: Resolve | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self._networks, self._seconds = networks, seconds
        self._tls = tls or ssl.create_default_context()
        self._resolve = resolve or Resolver()

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send once. Whatever goes wrong is an answer too."""
        started = time.monotonic()
        try:
            received = await self._exchange(parse_hook_url(url, self._networks), headers, body)
        except NotSent as error:
            return Answer(took=_since(started), trouble=error.trouble)
        except InvalidInput:
            return Answer(took=_since(started), trouble=Trouble.ADDRESS)
        except AnswerMalformed:
            return Answer(took=_since(started), trouble=Trouble.ANSWER)
        except TimeoutError:
            return Answer(took=_since(started), trouble=Trouble.TIME)
        except (ssl.SSLError, ssl.CertificateError):
            return Answer(took=_since(started), trouble=Trouble.TLS)
        except OSError:
            return Answer(took=_since(started), trouble=Trouble.CONNECTION)
        head = received.head
        return Answer(
            took=_since(started), status=head.status, beginning=received.beginning, retry_after=head.retry_after
        )

    async def _exchange(self, url: HookUrl, headers: Mapping[str, str], body: bytes) -> _Received:
        deadline = asyncio.get_running_loop().time() + self._seconds
        async with asyncio.timeout_at(deadline):
            reader, writer = await self._connect(url)
        try:
            async with asyncio.timeout_at(deadline):
                writer.write(_request(url, headers, body))
                await writer.drain()
                head = await _read_head(reader)
            return _Received(head, beginning_of(await _read_body(reader, head, deadline), head))
        finally:
            writer.transport.abort()  # a receiver that reads no more would keep us from closing

    async def _connect(self, url: HookUrl) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """To an address that was judged; the name is what its X.509 certificate must have."""
        tls, name = (self._tls, url.host) if url.scheme == "https" else (None, None)
        last: Exception = NotSent(Trouble.NAME)
        for address in (await self._addresses(url))[:MOST_ADDRESSES]:
            try:
                async with asyncio.timeout(ADDRESS_SECONDS):
                    return await asyncio.open_connection(
                        address, url.port, limit=MOST_HEAD, ssl=tls, server_hostname=name
                    )
            except OSError as error:
                last = error
        raise last

    async def _addresses(self, url: HookUrl) -> tuple[str, ...]:
        try:
            found = await self._resolve(url.host, url.port)
        except (OSError, UnicodeError):
            raise NotSent(Trouble.NAME) from None
        if not found:
            raise NotSent(Trouble.NAME)
        if not (judged := allowed(found, url.scheme, self._networks)):
            raise NotSent(Trouble.ADDRESS)
        return judged


def _request(url: HookUrl, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [
        f"POST {url.target} HTTP/1.1",
        f"Host: {url.authority}",
        "User-Agent: certsvc-webhooks/1",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Accept-Encoding: identity",
        "Connection: close",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


async def _read_head(reader: asyncio.StreamReader) -> Head:
    """The final answer's head; informational ones (1xx) are passed over."""
    left = MOST_HEAD
    while left > 0:
        try:
            raw = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            raise AnswerMalformed from None
        head, left = parse_head(raw), left - len(raw)
        if head.status >= 200:
            return head
    raise AnswerMalformed


async def _read_body(reader: asyncio.StreamReader, head: Head, deadline: float) -> bytes:
    """What comes soon of the body, up to a limit: the status is what counts, and it is known."""
    body = b""
    soon = asyncio.get_running_loop().time() + BODY_SECONDS
    with suppress(TimeoutError, OSError):
        async with asyncio.timeout_at(min(soon, deadline)):
            while len(body) < MOST_BODY and not is_whole(body, head):
                if not (more := await reader.read(MOST_BODY - len(body))):
                    break
                body += more
    return body


def _since(started: float) -> timedelta:
    return timedelta(seconds=time.monotonic() - started)
