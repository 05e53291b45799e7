"""Timestamps from another service (RFC 3161 over HTTP, section 3.4). A dead or slow one never stalls who asks."""

import http.client
import queue
import secrets
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from urllib.parse import urlsplit

from cryptography import x509

from certsvc import der
from certsvc.authority.timestamp_check import accept_reply
from certsvc.errors import SettingsError, TimestampUnavailable

SECONDS = 3.0
"""For everything: name, connection, TLS, request, reply."""

REST_SECONDS = 10.0
"""After a failure nobody waits for the service for so long."""

MAX_REPLY = 64 * 1024
NONCE_BITS = 64
OK = 200


class RemoteTimestamper:
    """`services.Timestamper` over HTTP or HTTPS. Safe to call from several threads."""

    def __init__(
        self,
        url: str,
        trusted: Sequence[x509.Certificate],
        token: str | None = None,
        *,
        seconds: float = SECONDS,
        rest_seconds: float = REST_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`trusted` are the roots that its certificate must lead to; `token` is what we are known by there, if at all.

        Raises:
            SettingsError: not an http or https address, or a token that no header can carry.
        """
        self._where = urlsplit(url)
        if self._where.scheme not in ("http", "https") or not self._where.hostname:
            raise SettingsError(
                f"时间戳服务地址 {url} 应为 local: 或 http(s):// 地址。",
                f"The timestamp service {url} must be local: or an http(s) address.",
            )
        if token is not None and not (token.isascii() and token.isprintable()):
            raise SettingsError("时间戳服务的口令含有不可用的字符。", "The timestamp token has unusable characters.")
        self._headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self._trusted, self._seconds = tuple(trusted), seconds
        self._rest_seconds, self._monotonic = rest_seconds, monotonic
        self._rests_until: float | None = None

    def timestamp(self, digest: bytes, now: datetime) -> bytes:
        """A DER TimeStampToken over a SHA-256 digest, checked (see `accept_reply`).

        Raises:
            TimestampUnavailable: none was had in time, or what came is not what was asked for; then, for a while, at
                once.
        """
        if self._rests_until is not None and self._monotonic() < self._rests_until:
            raise _unavailable("刚才没有答复，稍后再试", "it failed a moment ago and is left alone for a while")
        try:
            nonce = secrets.randbits(NONCE_BITS)
            token = accept_reply(self._ask(_request(digest, nonce)), digest, nonce, self._trusted, now)
        except TimestampUnavailable:
            self._rests_until = self._monotonic() + self._rest_seconds
            raise
        self._rests_until = None
        return token

    def _ask(self, message: bytes) -> bytes:
        """One exchange in a thread of its own: no time limit of a socket bounds a look-up of its name, or a server
        that sends a byte now and then."""
        kind = http.client.HTTPSConnection if self._where.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._where.hostname or "", self._where.port, timeout=self._seconds)
        results: queue.SimpleQueue[bytes | Exception] = queue.SimpleQueue()

        def exchange() -> None:
            try:
                results.put(self._exchange(connection, message))
            except Exception as error:
                results.put(error)
            finally:
                connection.close()

        threading.Thread(target=exchange, name="timestamp", daemon=True).start()
        try:
            result = results.get(timeout=self._seconds)
        except queue.Empty:
            _break_off(connection)
            raise _unavailable("没有及时答复", "it did not answer in time") from None
        if isinstance(result, TimestampUnavailable):
            raise result
        if isinstance(result, Exception):
            raise _unavailable(f"没有答复（{type(result).__name__}）", f"it did not answer ({type(result).__name__})")
        return result

    def _exchange(self, connection: http.client.HTTPConnection, message: bytes) -> bytes:
        path = (self._where.path or "/") + (f"?{self._where.query}" if self._where.query else "")
        connection.request("POST", path, message, self._headers)
        response = connection.getresponse()
        reply = response.read(MAX_REPLY + 1)
        if response.status != OK:
            raise _unavailable(f"答复为 HTTP {response.status}", f"it answered with HTTP {response.status}")
        if len(reply) > MAX_REPLY:
            raise _unavailable("答复过大", "its reply is too large")
        return reply


def _request(digest: bytes, nonce: int) -> bytes:
    """TimeStampReq (section 2.4.1) that asks for the certificates."""
    imprint = der.sequence(der.SHA256, der.octet_string(digest))
    return der.sequence(der.integer(1), imprint, der.integer(nonce), der.TRUE)


def _break_off(connection: http.client.HTTPConnection) -> None:
    with suppress(OSError, AttributeError):  # it may have no socket yet, or none any more
        connection.sock.shutdown(socket.SHUT_RDWR)


def _unavailable(zh: str, en: str) -> TimestampUnavailable:
    return TimestampUnavailable(f"时间戳服务：{zh}。", f"The timestamp service: {en}.")
