"""Who calls: found by the access token of every request, before anything of its content is read."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from certsvc.domain.actor import Actor
from certsvc.domain.client import Client
from certsvc.errors import TooManyRequests, WrongCredentials
from certsvc.http.rate import Buckets
from certsvc.http.routes import Asked

BEARER = "bearer "


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls, with the scopes its token was given; `request_key` names a write."""

    client: Client
    actor: Actor
    request_key: str = ""


class Callers(Protocol):
    """Knows whom an access token stands for."""

    async def authenticate(self, bearer: str, now: datetime) -> tuple[Client, frozenset[str]]:
        """The client and the scopes granted. Raises `WrongCredentials`."""


class Doorkeeper:
    """A litestar guard: lets in who has an access token, so many times a minute."""

    def __init__(self, callers: Callers, per_minute: int) -> None:
        self._callers, self.per_minute = callers, per_minute
        self._buckets = Buckets(per_minute)

    async def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        """Find the caller.

        Raises:
            WrongCredentials: no token, or one that is not good any more.
            TooManyRequests: this client asked too often.
            RegisterUnavailable: it cannot be known now.
        """
        header = connection.headers.get("authorization", "")
        if header[: len(BEARER)].lower() != BEARER:
            raise WrongCredentials(
                "请带上访问令牌：Authorization: Bearer …。", "Send an access token: Authorization: Bearer …."
            )
        client, scopes = await self._callers.authenticate(header[len(BEARER) :].strip(), datetime.now(UTC))
        wait, left = self._buckets.take(client.id, time.monotonic())
        connection.scope["state"]["rate_limit"] = left
        if wait:
            raise TooManyRequests(
                f"每分钟最多 {self.per_minute} 次请求，请过 {wait} 秒再试。",
                f"At most {self.per_minute} requests a minute: try again in {wait} seconds.",
                retry_after=wait,
            )
        connection.scope["state"]["caller"] = Caller(client=client, actor=Actor(name=client.name, scopes=scopes))


def caller_of(request: Asked) -> Caller:
    """A litestar dependency: whom the guard let in."""
    found: Caller = request.scope["state"]["caller"]
    return found
