"""The office and a worker over one register, asked over HTTP by clients that are on record."""

import asyncio
import json
import secrets
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from desk import Desk
from litestar import Litestar

from certsvc.access.jwks import parse_jwks
from certsvc.authorities import open_keys
from certsvc.departments import open_office
from certsvc.domain.acts import Act
from certsvc.domain.client import Client, ClientKind, ClientState, new_client_id
from certsvc.http.office.app import create_office_app
from certsvc.http.office.bundle import Office
from certsvc.http.pages import Pages
from certsvc.http.site import Site
from certsvc.issuance.documents.service import DocumentProcesses
from certsvc.issuance.service import Issuing
from certsvc.jobs.queue import do_jobs
from certsvc.log import open_log
from certsvc.settings import Settings
from certsvc.store.bell import JOB, open_bell
from certsvc.store.clients import PostgresClients
from certsvc.store.jobs import JobQueue
from certsvc.store.pool import open_pool
from certsvc.workers import Worker, make_worker

EVERY_ACT = frozenset(f"{act}:*" for act in Act)
READS = frozenset({"read:*", "view:*", "notify:*"})


class Caller:
    """A client with its key, that asks with an access token of its own."""

    def __init__(self, client: Client, key: ec.EllipticCurvePrivateKey, app: Litestar, url: str) -> None:
        self.client, self._key, self._url = client, key, url
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # two spellings of ASGI
        self.http = httpx.AsyncClient(transport=transport, base_url=url, timeout=60)

    def assertion(self) -> str:
        """A fresh assertion (RFC 7523), by a library that is not ours."""
        now = datetime.now(UTC)
        claims = {"iss": self.client.id, "sub": self.client.id, "aud": self._url, "jti": str(uuid.uuid4())}
        times = {"iat": now, "exp": now + timedelta(minutes=2)}
        return jwt.encode(claims | times, self._key, algorithm="ES256", headers={"kid": "one"})

    async def sign_in(self) -> None:
        """Get an access token for everything that is registered."""
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": self.assertion(),
        }
        answer = await self.http.post("/oauth/token", data=form)
        assert answer.status_code == 200, answer.text
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    async def get(self, path: str, **more: Any) -> httpx.Response:
        """Read."""
        return await self.http.get(path, **more)

    async def post(self, path: str, body: Any, key: str | None = None, **headers: str) -> httpx.Response:
        """Write, under a key of its own unless one is given."""
        named = {"Idempotency-Key": key or secrets.token_hex(8), **{k.replace("_", "-"): v for k, v in headers.items()}}
        return await self.http.post(path, json=body, headers=named)


@dataclass(frozen=True, slots=True)
class Room:
    """What is open during a test; the worker runs in the same loop."""

    settings: Settings
    office: Office
    app: Litestar
    clients: PostgresClients
    worker: Worker

    @property
    def issuing(self) -> Issuing:
        """The worker's: with keys."""
        return self.worker.issuing

    async def caller(self, name: str, scopes: frozenset[str], kind: ClientKind = ClientKind.SYSTEM) -> Caller:
        """A client that is registered and signed in."""
        key = ec.generate_private_key(ec.SECP256R1())
        jwk = {**jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "one"}
        now = datetime.now(UTC)
        client = Client(
            id=new_client_id(),
            name=name,
            kind=kind,
            scopes=scopes,
            organisation=None,
            state=ClientState.ACTIVE,
            registered_at=now,
        )
        keys = parse_jwks(json.dumps({"keys": [jwk]}).encode(), now)
        await self.clients.register(client, keys, "test", None)
        caller = Caller(client, key, self.app, self.settings.office_url)
        await caller.sign_in()
        return caller


@asynccontextmanager
async def open_room(settings: Settings, uri: str, desk: Desk) -> AsyncIterator[Room]:
    """The office as it is served, and a worker that does its jobs."""
    now = datetime.now(UTC)
    site = Site("localhost", settings.public_url, settings.web, settings.public, True)
    async with (
        open_office(settings, uri, site, Pages(site), now) as office,
        desk.issuing(settings, uri) as issuing,
        open_pool(uri) as pool,
        open_pool(uri, seconds=120, most=3) as queue_pool,
        open_bell(uri, JOB) as bell,
        DocumentProcesses() as reader,
    ):
        authority = open_keys(settings, now)
        clock = lambda: datetime.now(UTC)  # noqa: E731
        worker = make_worker(settings, authority, issuing, pool, reader, clock)
        stop = asyncio.Event()
        handlers = {**worker.handlers(), **worker.senders()}
        jobs = do_jobs(JobQueue(queue_pool), handlers, bell, clock, stop, open_log(), at_once=2)
        working = asyncio.create_task(jobs)
        try:
            yield Room(settings, office, create_office_app(office), PostgresClients(pool), worker)
        finally:
            stop.set()
            await working
