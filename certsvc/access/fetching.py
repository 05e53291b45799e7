"""Asking another service by HTTP, for what is small: no redirect, no proxy, no cookie, and over in time."""

import asyncio
import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from certsvc.errors import ProviderUnavailable

SECONDS = 5.0
"""For everything: name, connection, TLS, request, answer."""

AT_ONCE = 4
MOST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was answered."""

    status: int
    body: bytes


class Fetcher:
    """Asks with GET, or POST where there is a body. A service that does not answer keeps few waiting, each for a while:
    whoever comes beyond those is told at once."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, seconds: float = SECONDS, at_once: int = AT_ONCE) -> None:
        self._tls = tls or ssl.create_default_context()
        self._seconds, self._room = seconds, at_once

    async def fetch(self, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Fetched:
        """The answer of at most 64 KiB.

        Raises:
            ProviderUnavailable: there was none in time, or a larger one.
        """
        if self._room <= 0:
            raise not_answering()
        self._room -= 1
        work = asyncio.ensure_future(asyncio.to_thread(self._exchange, url, headers, body))
        work.add_done_callback(self._done)  # a look-up of a name goes on when nobody waits for it any more
        try:
            return await asyncio.wait_for(asyncio.shield(work), self._seconds)
        except (TimeoutError, OSError, http.client.HTTPException, ValueError):
            raise not_answering() from None

    def _done(self, work: "asyncio.Future[Fetched]") -> None:
        self._room += 1
        if not work.cancelled():
            work.exception()  # it was said, or nobody waits for it

    def _exchange(self, url: str, headers: Mapping[str, str], body: bytes | None) -> Fetched:
        where = urlsplit(url)
        host = where.hostname or ""
        connection = (
            http.client.HTTPSConnection(host, where.port, timeout=self._seconds, context=self._tls)
            if where.scheme == "https"
            else http.client.HTTPConnection(host, where.port, timeout=self._seconds)
        )
        try:
            path = (where.path or "/") + (f"?{where.query}" if where.query else "")
            connection.request("GET" if body is None else "POST", path, body, {"Accept": "application/json", **headers})
            answer = connection.getresponse()
            found = answer.read(MOST + 1)
        finally:
            connection.close()
        if len(found) > MOST:
            raise ValueError("too large")
        return Fetched(answer.status, found)


def not_answering() -> ProviderUnavailable:
    """The error, where a provider gives no answer that can be used."""
    return ProviderUnavailable(
        "统一身份认证暂时没有应答。请过一会儿再试，或用姓名、密码和动态码登录。",
        "The OpenID provider does not answer. Try again later, or sign in with name, password and code.",
    )
