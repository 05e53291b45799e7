"""Accounts over a real database: persons, a passkey device of software, and the pages as a browser meets them."""

import asyncio
import base64
import json
import re
import secrets
import sys
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import sha256
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from app_served import quietly
from embedded_fixture import Database

from certsvc.access.passwords import Cost, hash_password
from certsvc.access.sign_in import SignIn, Typed, Visitor
from certsvc.access.totp import SECONDS, code_at
from certsvc.custody.payloads import open_payload_cipher
from certsvc.domain.account import Account, AccountId, SignedIn
from certsvc.http.application import make_application
from certsvc.http.pages import Pages
from certsvc.http.shared import shared_routes
from certsvc.http.site import Site
from certsvc.http.village.account import account_routes
from certsvc.http.village.session import Sessions, SigningIn
from certsvc.http.village.sign_in import sign_in_routes
from certsvc.log import open_log
from certsvc.signing_in import open_signing_in
from certsvc.store.account_register import PostgresAccountRegister
from certsvc.store.pool import Pool, open_pool

ROOT = Path(__file__).resolve().parents[2]
CHEAP = Cost(memory=64, passes=1, lanes=1)
"""What is tried a hundred times here is cheap; one test compares what the real thing is made with."""

HOST = "yz.example"
PASSWORD = "石塘村口有三棵老榕树"
NOW = datetime(2026, 11, 27, 2, 0, tzinfo=UTC)
FLAG = AuthenticatorData.FLAG
GOOD = FLAG.UP | FLAG.UV
Result = TypeVar("Result")


@dataclass
class Room:
    """Sign-in over one database; everything runs in one loop, in a thread of its own."""

    database: Database
    folder: Path
    thread: ThreadPoolExecutor
    url: str = f"https://{HOST}"
    runner: asyncio.Runner = field(default_factory=asyncio.Runner)
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    def __post_init__(self) -> None:
        self.pool: Pool = self.run(self.stack.enter_async_context(open_pool(self.database.uri)))
        self.cipher = open_payload_cipher(self.folder, {})
        self.village = self.village_at(self.url)
        self.register = PostgresAccountRegister(self.pool)

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do something in the room's loop."""
        return self.thread.submit(self.runner.run, work).result()

    @property
    def sign_in(self) -> SignIn:
        """Signing in, beneath the pages."""
        return self.village.sign_in

    def village_at(self, url: str, pool: Pool | None = None) -> SigningIn:
        """The same at another address."""
        host = url.partition("://")[2]
        site = Site(host, url, ROOT / "verifier_web", self.folder, is_demonstration=True)
        return open_signing_in(pool or self.pool, self.cipher, site, Pages(site), cost=CHEAP)

    def app(self, village: SigningIn | None = None, more: Sequence[HTTPRouteHandler] = ()) -> Litestar:
        """The pages as an application, and `more` beside them."""
        chosen = village or self.village
        sessions = Sessions(chosen)
        routes = [
            *sign_in_routes(chosen, sessions),
            *account_routes(chosen, sessions),
            *shared_routes(chosen.site, chosen.pages),
            *more,
        ]
        with quietly():
            return make_application(routes, chosen.site, chosen.pages, open_log())

    def person(self, name: str, password: str = PASSWORD, *, is_demonstration: bool = True) -> Account:
        """Somebody with an account; of a demonstration, so that the password need not be changed first."""
        kept = hash_password(password, CHEAP)
        return self.run(self.register.add(name, kept, "test", NOW, is_demonstration=is_demonstration))

    def enter(self, name: str, code: str = "", password: str = PASSWORD, now: datetime = NOW) -> tuple[str, SignedIn]:
        """Sign in, beneath the pages."""
        return self.run(self.sign_in.by_password(name, Typed(password=password, code=code), visitor(), now))

    def with_totp(self, name: str, now: datetime = NOW) -> bytes:
        """Set up one-time codes for somebody; the secret. The code of the step of `now` is used up by it."""
        _, signed = self.enter(name, now=now)
        self.run(self.village.own.begin_totp(signed, Typed(password=PASSWORD), visitor(), now))
        secret = self.run(self.village.own.pending_secret(signed))
        assert secret is not None
        self.run(self.village.own.finish_totp(signed, code(secret, now), now))
        return secret

    def with_passkey(self, signed: SignedIn, device: "Device", now: datetime = NOW) -> None:
        """Add a passkey of a device to somebody's account, who has no one-time codes."""
        options = self.run(self.village.own.passkey_options(signed, Typed(password=PASSWORD), visitor(), now))
        self.run(self.village.own.add_passkey(signed, "手机", device.make(options), now))

    def rows(self, statement: str, *values: object) -> list[asyncpg.Record]:
        """Ask, or write past our code, as the owner of the tables."""

        async def story() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(self.database.uri)
            try:
                return await connection.fetch(statement, *values)
            finally:
                await connection.close()

        return self.run(story())

    def close(self) -> None:
        """End the pool and the loop."""
        self.run(self.stack.aclose())
        self.thread.submit(self.runner.close).result()


@dataclass
class Device:
    """An authenticator of software, with one passkey; what it says can be made wrong."""

    origin: str = f"https://{HOST}"
    rp: str = HOST
    count: int = 0
    flags: FLAG = GOOD
    cross_origin: bool = False
    type_of_get: str = "webauthn.get"
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.user = b""

    def make(self, options: Mapping[str, Any]) -> str:
        """A passkey, as the page's script sends it."""
        self.user = unpacked(options["user"]["id"])
        public = ES256.from_cryptography_key(self.key.public_key())  # type: ignore[no-untyped-call]
        credential = AttestedCredentialData.create(Aaguid.NONE, self.id, public)
        said = AuthenticatorData.create(sha256(self.rp.encode()), self.flags | FLAG.AT, self.count, credential)
        client = self._client("webauthn.create", options)
        parts = {"clientDataJSON": client, "attestationObject": AttestationObject.create("none", said, {})}
        return self._answer(parts)

    def sign(self, options: Mapping[str, Any]) -> str:
        """A signature over a challenge, as the page's script sends it."""
        said = AuthenticatorData.create(sha256(self.rp.encode()), self.flags, self.count)
        client = self._client(self.type_of_get, options)
        signature = self.key.sign(said + sha256(client), ec.ECDSA(hashes.SHA256()))
        parts = {
            "clientDataJSON": client,
            "authenticatorData": said,
            "signature": signature,
            "userHandle": self.user,
        }
        return self._answer(parts)

    def _client(self, kind: str, options: Mapping[str, Any]) -> bytes:
        return CollectedClientData.create(kind, options["challenge"], self.origin, self.cross_origin)

    def _answer(self, parts: Mapping[str, bytes]) -> str:
        named = {name: packed(value) for name, value in parts.items()}
        return json.dumps({"id": packed(self.id), "rawId": packed(self.id), "type": "public-key", "response": named})


class Browser:
    """A browser of one person: keeps cookies, and sends forms as browsers do."""

    def __init__(self, app: Litestar, url: str = f"https://{HOST}") -> None:
        self._app, self.url = app, url
        self.cookies = httpx.Cookies()

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """Open a page."""
        return await self._send("GET", path, None, {"Accept": "text/html", "Sec-Fetch-Site": "none", **headers})

    async def post(self, path: str, fields: Mapping[str, str], **headers: str) -> httpx.Response:
        """Send a form of this site."""
        return await self.post_as(path, fields, {"Sec-Fetch-Site": "same-origin", "Origin": self.url, **headers})

    async def post_as(self, path: str, fields: Mapping[str, str], headers: Mapping[str, str]) -> httpx.Response:
        """Send a form with these headers and no others."""
        return await self._send("POST", path, fields, {"Accept": "text/html", **headers})

    async def enter(self, name: str, code: str = "", password: str = PASSWORD) -> httpx.Response:
        """Sign in."""
        return await self.post("/village/sign-in", {"name": name, "password": password, "code": code})

    async def form_token(self) -> str:
        """The token in the forms of this session."""
        found = re.search(r'name="form_token" value="([^"]+)"', (await self.get("/village/account")).text)
        assert found is not None
        return found[1]

    async def _send(
        self, method: str, path: str, fields: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> httpx.Response:
        transport = httpx.ASGITransport(app=self._app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url=self.url, cookies=self.cookies) as client:
            answer = await client.request(method, path, data=fields, headers=headers)
            self.cookies = httpx.Cookies(client.cookies)
        return answer


def visitor(address: str = "198.51.100.7", token: str | None = None) -> Visitor:
    """Where somebody comes from."""
    return Visitor(address=address, token=token, agent="Chrome, Android")


def code(secret: bytes, now: datetime, later: int = 0) -> str:
    """What an app shows, so many steps later."""
    return code_at(secret, int(now.timestamp()) // SECONDS + later)


def packed(raw: bytes) -> str:
    """Base64url as browsers write it."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unpacked(text: str) -> bytes:
    """And read."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def account_id(room: Room, name: str) -> AccountId:
    """The id of somebody's account."""
    (row,) = room.rows("select id from account where name = $1", name)
    return AccountId(row["id"])
