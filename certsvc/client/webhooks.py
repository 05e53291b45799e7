"""Being told: web-hooks, and how a receiver knows that a message is from the service (Standard Webhooks 1.0)."""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from certsvc.client.errors import SignatureWrong
from certsvc.client.sending import Sender, as_shape
from certsvc.client.shapes import Notice

PATH = "/v1/webhooks"
PREFIX = "whsec_"
TOLERANCE = 300.0
"""Seconds that the clocks of sender and receiver may be apart."""


class WebHook(msgspec.Struct, frozen=True, kw_only=True):
    """A web-hook; `secret` is there only when it was just made or changed."""

    id: str
    url: str
    kinds: tuple[str, ...] | None
    state: str
    made_at: datetime
    disabled_why: str | None
    failing_since: datetime | None
    failures: int
    old_secret_until: datetime | None
    secret: str | None = None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt to deliver: the HTTP status that came, or the `trouble` that kept it from coming; without either it
    was broken off, and may have arrived."""

    number: int
    at: datetime
    status: int | None
    trouble: str | None
    took_ms: int | None
    answer: str | None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A message on its way to a web-hook: `pending`, `delivered` or `failed`. `message_id` is its `webhook-id`."""

    id: str
    message_id: str
    type: str
    state: str
    made_at: datetime
    due_at: datetime | None
    ended_at: datetime | None
    attempts: tuple[Attempt, ...]


def verify(
    headers: Mapping[str, str], body: bytes, secret: str, *, now: float | None = None, tolerance: float = TOLERANCE
) -> Notice:
    """The notice in a message that came to a web-hook, if it was signed with this secret (`whsec_…`) a moment ago. The
    same `id` is the same notice, however often it comes. `now` is in Unix seconds.

    Raises:
        SignatureWrong: it is not from the service, too old, or changed.
        ValueError: the secret is malformed.
    """
    given = {name.lower(): value for name, value in headers.items()}
    name, at = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not at.isdecimal() or abs((time.time() if now is None else now) - int(at)) > tolerance:
        raise SignatureWrong("the message is too old, or of another time")
    expected = hmac.digest(_key(secret), f"{name}.{at}.".encode() + body, hashlib.sha256)
    found = [_digest(each) for each in given.get("webhook-signature", "").split(" ")]
    if not any(hmac.compare_digest(expected, each) for each in found):
        raise SignatureWrong("no signature is that of this secret")
    return msgspec.json.decode(body, type=Notice)


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("a secret is whsec_ and Base64") from None


def _digest(signature: str) -> bytes:
    version, _, encoded = signature.partition(",")
    try:
        return base64.b64decode(encoded, validate=True) if version == "v1" else b""
    except (binascii.Error, ValueError):
        return b""


class WebHooks:
    """`api.webhooks`."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def add(self, url: str, kinds: Sequence[str] | None = None, *, key: str | None = None) -> WebHook:
        """Be told at this address. The `secret` in the answer is shown now and never again. Raises `ApiError`."""
        return as_shape(await self._sender.write("POST", PATH, {"url": url, "kinds": kinds}, key=key), WebHook)

    def list(self) -> AsyncIterator[WebHook]:
        """The web-hooks of this client. Raises `ApiError`."""
        return self._sender.pages(PATH, {}, WebHook)

    async def read(self, webhook_id: str) -> WebHook:
        """One of them. Raises `ApiError`."""
        return as_shape(await self._sender.read(f"{PATH}/{webhook_id}"), WebHook)

    async def remove(self, webhook_id: str, *, key: str | None = None) -> None:
        """Be told no more. Raises `ApiError`."""
        await self._sender.write("DELETE", f"{PATH}/{webhook_id}", key=key)

    async def rotate(self, webhook_id: str, *, key: str | None = None) -> WebHook:
        """A new secret; for a day, messages are signed by both. Raises `ApiError`."""
        return as_shape(await self._sender.write("POST", f"{PATH}/{webhook_id}/secret", key=key), WebHook)

    async def change(
        self,
        webhook_id: str,
        *,
        url: str | None = None,
        kinds: Sequence[str] | UnsetType | None = UNSET,
        state: str | None = None,
        key: str | None = None,
    ) -> WebHook:
        """Change what is named: the address, the kinds of notice (None: all), the state (`active`, `paused`,
        `disabled`). Raises `ApiError`."""
        named = {"url": url, "state": state}
        changes: dict[str, object] = {name: value for name, value in named.items() if value is not None}
        content = msgspec.json.encode(changes if kinds is UNSET else {**changes, "kinds": kinds})
        return as_shape(await self._sender.write("PATCH", f"{PATH}/{webhook_id}", key=key, content=content), WebHook)

    def deliveries(self, webhook_id: str, state: str | None = None) -> AsyncIterator[Delivery]:
        """How deliveries fared, newest first; `state` is `pending`, `delivered` or `failed`. Raises `ApiError`."""
        return self._sender.pages(f"{PATH}/{webhook_id}/deliveries", {"state": state}, Delivery)

    async def delivery(self, webhook_id: str, delivery_id: str) -> Delivery:
        """How one fared, with its last attempts. Raises `ApiError`."""
        return as_shape(await self._sender.read(f"{PATH}/{webhook_id}/deliveries/{delivery_id}"), Delivery)

    async def replay(self, webhook_id: str, delivery_id: str, *, key: str | None = None) -> Delivery:
        """Have one message sent again, under the same `webhook-id`. Raises `ApiError`."""
        path = f"{PATH}/{webhook_id}/deliveries/{delivery_id}/replay"
        return as_shape(await self._sender.write("POST", path, key=key), Delivery)

    async def replay_since(self, webhook_id: str, since: datetime, *, key: str | None = None) -> int:
        """Have everything sent again that happened since an instant, arrived or not; how much. Raises `ApiError`."""
        query = {"since": since.isoformat()}
        answer = await self._sender.write("POST", f"{PATH}/{webhook_id}/replay", key=key, query=query)
        replayed: int = answer.json()["deliveries"]
        return replayed

    async def test(self, webhook_id: str, *, key: str | None = None) -> Delivery:
        """Have a message sent that tells nothing. Raises `ApiError`."""
        return as_shape(await self._sender.write("POST", f"{PATH}/{webhook_id}/test", key=key), Delivery)
