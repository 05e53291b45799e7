"""A receiver of web-hooks on this machine that answers as its path says, and remembers what came."""

import asyncio
import base64
import contextlib
import hashlib
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

REASONS = {200: "OK", 204: "No Content", 302: "Found", 410: "Gone", 429: "Too Many Requests", 500: "Error"}


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def message_id(self) -> str:
        """Its `webhook-id`."""
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """Where it listens, and what came. `answers` are raw bytes by path, taken in turn and the last one for ever."""

    port: int = 0
    scheme: str = "http"
    received: list[Received] = field(default_factory=list)
    answers: dict[str, list[bytes]] = field(default_factory=dict)
    poison: set[str] = field(default_factory=set)
    """Message ids that are always answered with 500."""
    connections: int = 0
    open_now: int = 0
    most_open: int = 0

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        """An address here."""
        return f"{self.scheme}://{host}:{self.port}{path}"

    def ids(self, path: str = "/hook") -> list[str]:
        """The message ids that came to a path."""
        return [one.message_id for one in self.received if one.path == path]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            line, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, value in (one.split(": ", 1) for one in lines)}
            body = await reader.readexactly(int(headers["content-length"]))
            path = line.split(" ")[1]
            self.received.append(Received(path, headers, body))
            await self._answer(path if headers["webhook-id"] not in self.poison else "/poison", writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open_now -= 1
            writer.close()

    async def _answer(self, path: str, writer: asyncio.StreamWriter) -> None:
        if path == "/never":
            await asyncio.sleep(3600)
        scripted = self.answers.get(path, [answer(500 if path == "/poison" else 200, b"thanks")])
        data = scripted.pop(0) if len(scripted) > 1 else scripted[0]
        if path == "/drip":
            for byte in data:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.2)
        writer.write(data)
        await writer.drain()
        if path == "/open":
            await asyncio.sleep(3600)


def answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    """An answer as bytes."""
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, '')}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def receiving(tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A receiver that listens on this machine."""
    receiver = Receiver(scheme="https" if tls else "http")
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(asyncio.CancelledError):
            await receiver.serve(reader, writer)
        tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def hmac_sha256(key: bytes, text: bytes) -> bytes:
    """RFC 2104 as it is written, so that what we send is not checked by what made it."""
    key = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    inner = hashlib.sha256(bytes(one ^ 0x36 for one in key) + text).digest()
    return hashlib.sha256(bytes(one ^ 0x5C for one in key) + inner).digest()


def verifies(secret: str, headers: Mapping[str, str], body: bytes, at: float | None = None) -> bool:
    """Whether a receiver that goes by Standard Webhooks believes a message: any of its signatures is by this secret,
    and it is at most five minutes old at `at`."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    expected = "v1," + base64.b64encode(hmac_sha256(key, signed)).decode()
    fresh = at is None or abs(int(headers["webhook-timestamp"]) - at) <= 300
    return fresh and expected in headers["webhook-signature"].split(" ")
