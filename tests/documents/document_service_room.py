"""The routes for documents and the CSC API over real HTTP, with a worker beside; made-up tokens tell who calls."""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from document_desk import DEPARTMENT, STRANGER, DocumentDesk, open_desk
from granian.constants import Interfaces
from granian.server.embed import Server

from certsvc.domain.actor import Actor
from certsvc.domain.client import Client, ClientKind, ClientState, new_client_id
from certsvc.domain.document_seal import JOB as KIND
from certsvc.errors import WrongCredentials
from certsvc.http.application import make_application
from certsvc.http.csc.routes import csc_routes
from certsvc.http.office.caller import Doorkeeper, caller_of
from certsvc.http.office.once import Once
from certsvc.http.office.operation import Operations
from certsvc.http.office.seal_requests import seal_request_routes
from certsvc.http.pages import Pages
from certsvc.http.site import Site
from certsvc.issuance.documents.sealing import carry_out_request
from certsvc.jobs.queue import do_jobs
from certsvc.log import open_log
from certsvc.settings import REPOSITORY
from certsvc.store.answers import PostgresAnswers
from certsvc.store.bell import DONE, JOB, open_bell
from certsvc.store.jobs import JobQueue
from certsvc.store.outcomes import PostgresOutcomes
from certsvc.store.pool import open_pool

TOKENS = {
    "department": DEPARTMENT,
    "stranger": STRANGER,
    "elsewhere": Actor(name="elsewhere-system", scopes=frozenset({"document:*:*:4403"})),
    "nobody": Actor(name="no-scopes"),
}
IDS = {word: new_client_id() for word in TOKENS}
HARD_LIMIT = 100_000


class MadeUpCallers:
    """`Callers` for tokens that are words."""

    async def authenticate(self, bearer: str, now: datetime) -> tuple[Client, frozenset[str]]:
        """Whom the word stands for."""
        actor = TOKENS.get(bearer)
        if actor is None:
            raise WrongCredentials("没有这个客户端", "no such client")
        client = Client(
            id=IDS[bearer],
            name=actor.name,
            kind=ClientKind.SYSTEM,
            scopes=actor.scopes,
            organisation=None,
            state=ClientState.ACTIVE,
            registered_at=now,
        )
        return client, actor.scopes


@dataclass
class ServiceRoom:
    """A running service and the desk behind it."""

    url: str
    desk: DocumentDesk
    http: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=60))

    async def csc(
        self, method: str, body: Any, token: str | None = "department", version: str = "v2"
    ) -> httpx.Response:
        """Ask a method of the CSC API."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await self.http.post(f"{self.url}/csc/{version}/{method}", json=body, headers=headers)

    async def post(self, path: str, token: str = "department", **more: Any) -> httpx.Response:
        """Write."""
        headers = {
            "Authorization": f"Bearer {token}",
            "Idempotency-Key": secrets.token_hex(8),
            **more.pop("headers", {}),
        }
        return await self.http.post(self.url + path, headers=headers, **more)

    async def get(self, path: str, token: str = "department") -> httpx.Response:
        """Read."""
        return await self.http.get(self.url + path, headers={"Authorization": f"Bearer {token}"})


@asynccontextmanager
async def open_service(uri: str, folder: Path, *, working: bool = True) -> AsyncIterator[ServiceRoom]:
    """Serve on a port of the loopback; with `working` a worker does the jobs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    site = Site(f"127.0.0.1:{port}", url, REPOSITORY / "verifier_web", folder, True)
    async with (
        open_desk(uri, folder) as desk,
        open_pool(uri, seconds=120, most=3) as queue_pool,
        open_bell(uri, DONE) as done,
        open_bell(uri, JOB) as woken,
    ):
        desk.office = replace(desk.office, outcomes=PostgresOutcomes(done, desk.pool))
        doorkeeper, log, pages = Doorkeeper(MadeUpCallers(), HARD_LIMIT), open_log(), Pages(site)
        operations = Operations(Once(PostgresAnswers(desk.pool), pages), doorkeeper, caller_of)
        routes = [
            *seal_request_routes(operations, desk.office),
            *csc_routes(desk.office, desk.keys, doorkeeper, url, "documents", log),
        ]
        app = make_application(routes, site, pages, log, per_minute=HARD_LIMIT)
        server = Server(app, port=port, interface=Interfaces.ASGI, websockets=False, log_enabled=False)
        serving = asyncio.create_task(server.serve())
        stop = asyncio.Event()

        async def handle(key: str, now: datetime) -> None:
            await carry_out_request(desk.sealer, key, now)

        clock = lambda: datetime.now(UTC)  # noqa: E731
        handlers = {KIND: handle} if working else {}
        jobs = asyncio.create_task(do_jobs(JobQueue(queue_pool), handlers, woken, clock, stop, log, at_once=2))
        room = ServiceRoom(url, desk)
        try:
            await _until_ready(room)
            yield room
        finally:
            stop.set()
            server.stop()  # type: ignore[no-untyped-call]
            await asyncio.gather(jobs, serving, return_exceptions=True)
            await room.http.aclose()


async def _until_ready(room: ServiceRoom) -> None:
    for _ in range(200):
        try:
            await room.csc("info", {})
        except httpx.TransportError:
            await asyncio.sleep(0.05)
        else:
            return
    raise AssertionError("not ready in time")
