"""Receipts from end to end: a real authority on disk, a register in memory, both roles as applications."""

import asyncio
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

import httpx
from app_served import wait_for
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "http"))
from public_site import LINGNAN, Shelf, catalog, licence_with_permits

from certsvc.authorities import trust_services
from certsvc.authority.authority import Authority
from certsvc.authority.ceremony import hold_ceremony, open_authority, read_authority
from certsvc.custody.secret import make_secret_file
from certsvc.domain.certificate import RegisteredCertificate
from certsvc.domain.token import Claims, to_digits
from certsvc.http.application import make_application
from certsvc.http.pages import Pages
from certsvc.http.public import create_public_app, public_routes
from certsvc.http.receipts import Receipting, receipt_routes
from certsvc.http.site import Site
from certsvc.http.trust import create_trust_app
from certsvc.log import open_log
from certsvc.receipting import open_receipting
from certsvc.render.receipt_pool import ReceiptSetter
from certsvc.seal.token import sign_token
from certsvc.settings import Settings, load_settings
from certsvc.verify.anchors import AnchorFolder
from certsvc.verify.inspector import Inspector
from certsvc.verify.looker import Looker
from certsvc.verify.service import Verifying

ROOT = Path(__file__).resolve().parents[2]
PLAN = ROOT / "keys" / "ceremonies" / "demonstration.toml"
HOST = "yz.example"
PAGE, PDF, JOSE, JSON = "text/html", "application/pdf", "application/jose", "application/json"

__all__ = ["LINGNAN", "Room", "Shelf", "opened_room", "served_room"]


@dataclass
class Room:
    """The two roles over one authority. `shelf.down` makes the register one that cannot answer."""

    settings: Settings
    runner: asyncio.Runner
    shelf: Shelf
    verifying: Verifying
    receipting: Receipting
    public: Litestar
    trust: Litestar
    spent: list[str] = field(default_factory=list)

    @property
    def licence(self) -> RegisteredCertificate:
        """The first certificate on the shelf, a licence with permits."""
        return self.shelf.certificates[0]

    def authority(self) -> Authority:
        """The authority with its keys, opened anew."""
        return read_authority(self.settings.home, self.settings.secret)

    def digits(self, certificate: RegisteredCertificate) -> str:
        """The digits of its QR, signed by the quarter's key."""
        kid, key = open_authority(self.settings.home, self.settings.secret, now()).token_key(now())
        claims = Claims(
            ref=certificate.ref,
            issued_at=now(),
            expires_at=certificate.term.expires_at,
            subject=certificate.subject,
            type_number=certificate.type_number,
            version=certificate.version,
            list_index=7,
            holder_name=certificate.holder_name,
        )
        return to_digits(sign_token(claims, kid, key))

    def ask(self, app: Litestar, method: str, path: str, **more: Any) -> httpx.Response:
        """One request to a role; each comes from another address, so that no limit is met by chance."""
        self.spent.append(path)
        number = len(self.spent)
        headers = {"X-Forwarded-For": f"192.0.{number >> 8 & 255}.{number & 255}", **more.pop("headers", {})}

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=cast(Any, app), client=("127.0.0.1", 4000))
            async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
                return await client.request(method, path, headers=headers, **more)

        return self.runner.run(send())

    def receipt(self, accept: str = JSON, files: Any = None, **fields: str) -> httpx.Response:
        """Ask for a receipt as a form does."""
        return self.ask(self.trust, "POST", "/receipts", data=fields, files=files, headers={"Accept": accept})

    def made(self, **fields: str) -> tuple[dict[str, Any], str]:
        """What a receipt says, and its JWS."""
        answer = self.receipt(**fields)
        assert answer.status_code == 200, answer.text
        return answer.json()["receipt"], answer.json()["jws"]

    def verify(self, data: bytes, accept: str = JSON) -> httpx.Response:
        """Drop a file on the public page."""
        return self.ask(
            self.public, "POST", "/verify", files={"file": ("x.pdf", data, PDF)}, headers={"Accept": accept}
        )

    def paste(self, jws: str, accept: str = JSON) -> httpx.Response:
        """Paste a record into the form."""
        return self.ask(
            self.public,
            "POST",
            "/verify",
            content=urlencode({"receipt": jws}),
            headers={"Accept": accept, "Content-Type": "application/x-www-form-urlencoded"},
        )


def now() -> datetime:
    """This second."""
    return datetime.now(UTC).replace(microsecond=0)


def found(home: Path, host: str) -> Settings:
    """Hold the ceremony in `home`, for this host."""
    settings = load_settings({"CERTSVC_HOME": str(home), "CERTSVC_SERVICE_PUBLIC_URL": f"http://{host}"})
    make_secret_file(home / "secrets" / "passphrase")
    hold_ceremony(PLAN, home, settings.secret, now(), settings.public_url)
    open_authority(home, settings.secret, now())
    return settings


def site_of(settings: Settings) -> Site:
    """The site at the settings' address."""
    host = urlsplit(settings.public_url).netloc
    return Site(host, settings.public_url, settings.web, settings.public, True)


@contextmanager
def opened_room(home: Path) -> Iterator[Room]:
    """Both roles over an authority of their own."""
    settings = found(home, HOST)
    shelf, inspector = Shelf(list(licence_with_permits())), Inspector(1)
    looker, setter, trust_in = Looker(), ReceiptSetter(), AnchorFolder(settings.public)
    verifying = Verifying(catalog=catalog(), trust=trust_in, register=shelf, inspector=inspector, looker=looker)
    with asyncio.Runner() as runner:
        runner.run(inspector.__aenter__())
        runner.run(looker.__aenter__())
        runner.run(setter.__aenter__())
        receipting = open_receipting(settings, verifying, setter, now(), open_log())
        trust = create_trust_app(trust_services(settings, now(), open_log()), site_of(settings), receipting)
        public = create_public_app(verifying, site_of(settings))
        try:
            yield Room(settings, runner, shelf, verifying, receipting, public, trust)
        finally:
            runner.run(setter.__aexit__(None, None, None))
            runner.run(looker.__aexit__(None, None, None))
            runner.run(inspector.__aexit__(None, None, None))


@contextmanager
def served_room(home: Path) -> Iterator[tuple[str, Shelf]]:
    """Both roles as one application on a port of loopback, in a thread of its own; its address and its register."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    settings = found(home, f"localhost:{port}")
    site, pages, log = site_of(settings), Pages(site_of(settings)), open_log()
    shelf, stop = Shelf(list(licence_with_permits())), asyncio.Event()

    async def serve() -> None:
        async with Inspector(1) as inspector, ReceiptSetter() as setter:
            verifying = Verifying(
                catalog=catalog(), trust=AnchorFolder(settings.public), register=shelf, inspector=inspector
            )
            receipting = open_receipting(settings, verifying, setter, now(), log)
            routes = [*public_routes(verifying, site, pages, log), *receipt_routes(receipting, site, pages, log)]
            app = make_application(routes, site, pages, log)
            server = Server(app, address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_enabled=False)
            serving = asyncio.create_task(server.serve())
            await stop.wait()
            server.stop()  # type: ignore[no-untyped-call]
            await serving

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    wait_for(port)
    try:
        yield f"http://localhost:{port}", shelf
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        loop.close()
