"""Roles: which parts a server process has, and how it is started."""

import asyncio
import importlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from certsvc.app import Databases, databases, verifying
from certsvc.errors import CertsvcError, MachineProblem, SettingsError
from certsvc.processes import end_with_parent, kept_running
from certsvc.settings import Settings, load_settings
from certsvc.store.migrate import migrate
from certsvc.verify.service import Verifying

if TYPE_CHECKING:
    from litestar.types import Receive, Scope, Send

    from certsvc.http.site import Site

    Asgi: TypeAlias = Callable[[Scope, Receive, Send], Any]

WORKER = "worker"
ROLES = {
    "public": "certsvc.http.public",
    "trust": "certsvc.http.trust",
    "desk": "certsvc.http.desk.app",
    "office": "certsvc.http.office.app",
    "all": "certsvc.http.everything",
}
"""What each role that serves loads beyond this file."""

WITH_TIMESTAMPS = ("trust", "all")
"""The roles that know who may ask them for timestamps."""

THAT_WRITE = ("office", "all")
"""The roles that take requests to issue and to act. They have no key that seals: a worker does."""

WITH_DESK = ("desk", "all")
"""The roles that take what strangers write."""

LOOPBACK = "127.0.0.1"
WORKERS = 1
"""Server processes of the public role; each has its own connections and its own readers of PDFs."""


def require_free_port(port: int) -> None:
    """Say before any work that a port is taken.

    Raises:
        MachineProblem: it is.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise MachineProblem(
                f"端口 {port} 不能用（{error.strerror}）：请用 --port 换一个。",
                f"Port {port} cannot be used ({error.strerror}): choose another with --port.",
            ) from None


def serve_role(settings: Settings, role: str, announce: Callable[[str], None]) -> None:
    """Serve a role on loopback until SIGINT or SIGTERM; `announce` gets the address once it can be opened.

    Raises:
        MachineProblem: the port is taken.
        SettingsError: the role has no database of its own kind, the file of timestamp clients is wrong, or there are
            accounts of a demonstration, and this is none.
        CustodyError: that file cannot be read.
    """
    require_free_port(settings.service.port)
    if role in WITH_TIMESTAMPS:
        _require_gate(settings)
    if role == "trust":  # for receipts it reads the register that the settings name, and starts none
        _serve(settings, role, {}, announce)
        return
    with databases(settings) as uris:
        if role in THAT_WRITE:
            asyncio.run(migrate(uris.writer))
            asyncio.run(_require_no_demonstration_accounts(settings, uris.writer))
        serve_database(settings, role, uris, announce)


def _require_gate(settings: Settings) -> None:
    """Said here once, and not by server processes that end again and again."""
    from certsvc.authorities import open_gate

    open_gate(settings)


async def _require_no_demonstration_accounts(settings: Settings, writer: str) -> None:
    """Said here once, for the same reason; where nobody can tell what this is, it is no demonstration."""
    from certsvc.store.account_register import require_no_demonstration_accounts
    from certsvc.store.pool import open_pool
    from certsvc.verify.anchors import AnchorFolder

    try:
        is_demonstration = AnchorFolder(settings.public).current().is_demonstration
    except CertsvcError:
        is_demonstration = False
    if not is_demonstration:
        async with open_pool(writer, most=1) as pool:
            await require_no_demonstration_accounts(pool)


def serve_database(settings: Settings, role: str, uris: Databases, announce: Callable[[str], None]) -> None:
    """As `serve_role`, with a database that runs already; for `all`, a worker runs beside. Server processes are told
    where to read; where to write, only those of roles that do.

    Raises:
        SettingsError: an address of the database that the role connects with is missing.
    """
    if not uris.reader:
        raise SettingsError(
            "缺少设置 database.public_uri：公开查验只用只读账号 certsvc_public 连接数据库。",
            "The setting database.public_uri is missing: the public role connects only as certsvc_public.",
        )
    if role in WITH_DESK and not uris.desk:
        raise SettingsError(
            "缺少设置 database.desk_uri：收报告和订阅的，只用账号 certsvc_desk 连接数据库。",
            "The setting database.desk_uri is missing: the desk writes only as certsvc_desk.",
        )
    with _worker_beside(settings) if role == "all" else nullcontext():
        writer = {"CERTSVC_DATABASE_URI": uris.writer} if role in THAT_WRITE else {}
        desk = {"CERTSVC_DATABASE_DESK_URI": uris.desk} if role in WITH_DESK else {}
        _serve(settings, role, {"CERTSVC_DATABASE_PUBLIC_URI": uris.reader, **writer, **desk}, announce)


def _serve(settings: Settings, role: str, database: Mapping[str, str], announce: Callable[[str], None]) -> None:
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    os.environ |= {
        "CERTSVC_HOME": str(settings.home),
        "CERTSVC_SERVICE_PUBLIC_URL": settings.public_url,
        **database,
    }
    server = Granian(
        f"certsvc.serving:{role}_app",
        address=LOOPBACK,
        port=settings.service.port,
        interface=Interfaces.ASGI,
        workers=WORKERS,
        websockets=False,
        log_level=LogLevels.warning,
        factory=True,
        respawn_failed_workers=True,
    )
    server.on_startup(lambda: announce(f"http://localhost:{settings.service.port}"))
    server.serve()


def _worker_beside(settings: Settings) -> AbstractContextManager[None]:
    """A worker in a process of its own: it has the keys that seal and issue, which no server process has."""
    command = [sys.executable, "-m", "certsvc", "serve", "--role", WORKER, "--with-parent"]
    environment = os.environ | {"CERTSVC_HOME": str(settings.home), "CERTSVC_SERVICE_PUBLIC_URL": settings.public_url}
    return kept_running(command, environment, _log_end_of_worker, _log_no_worker)


def _log_end_of_worker(status: int) -> None:
    from certsvc.log import open_log

    open_log().error("worker_ended", status=status)


def _log_no_worker(error: OSError) -> None:
    from certsvc.log import open_log

    open_log().error("worker_not_begun", error=error.strerror)


def run_worker(settings: Settings, *, with_parent: bool) -> None:
    """Do the worker's chores until SIGINT or SIGTERM; `with_parent` until the process that began it ends, too.

    Raises:
        CeremonyError: no ceremony was held here.
        RegisterUnavailable: the register does not answer at the start.
    """
    from certsvc.workers import do_everything, open_worker

    async def run(writer: str) -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        if with_parent:
            end_with_parent(signal.SIGTERM)
        async with open_worker(settings, writer, now) as worker:
            await do_everything(worker, writer, stop, now)

    with databases(settings) as uris:
        asyncio.run(migrate(uris.writer))
        asyncio.run(run(uris.writer))


def now() -> datetime:
    """This moment: where time comes in."""
    return datetime.now(UTC)


def load_role(role: str) -> Any:
    """The module with a role's routes, and with it everything that the role loads."""
    return importlib.import_module(ROLES[role])


def public_app() -> "Asgi":
    """The public role as an ASGI application; what it needs is opened when the server starts it."""
    end_with_parent()
    return _opened(lambda site, bundle: load_role("public").create_public_app(bundle, site))


def all_app() -> "Asgi":
    """Public, trust, desk and office role in one; no key that seals, but those of OCSP, timestamps and receipts."""
    from certsvc.authorities import trust_services
    from certsvc.departments import open_office
    from certsvc.desks import open_desk
    from certsvc.http.lifespan import Opened
    from certsvc.http.pages import Pages
    from certsvc.log import open_log
    from certsvc.receipting import open_receipting
    from certsvc.render.receipt_pool import ReceiptSetter

    end_with_parent()
    settings, log = load_settings(), open_log()
    services = trust_services(settings, now(), log)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Any]:
        async with verifying(settings, settings.database.public_uri) as bundle:
            site = _site(settings, bundle.anchors.is_demonstration)
            pages = Pages(site)
            async with (
                ReceiptSetter(settings.fonts.extra) as setter,
                open_desk(settings, site, pages) as desk,
                open_office(settings, settings.database.uri, site, pages, now()) as office,
            ):
                receipting = open_receipting(settings, bundle, setter, now(), log)
                yield load_role("all").create_all_app(bundle, services, receipting, desk, office, site, pages)

    return Opened(opened)


def desk_app() -> "Asgi":
    """The desk as an ASGI application; no key that signs or seals."""
    from certsvc.desks import open_desk
    from certsvc.http.lifespan import Opened
    from certsvc.http.pages import Pages
    from certsvc.verify.anchors import AnchorFolder

    end_with_parent()
    settings = load_settings()
    site = _site(settings, AnchorFolder(settings.public).current().is_demonstration)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Any]:
        async with open_desk(settings, site, Pages(site)) as desk:
            yield load_role("desk").create_desk_app(desk)

    return Opened(opened)


def office_app() -> "Asgi":
    """The office role as an ASGI application; no key that seals."""
    from certsvc.departments import open_office
    from certsvc.http.lifespan import Opened
    from certsvc.http.pages import Pages
    from certsvc.verify.anchors import AnchorFolder

    end_with_parent()
    settings = load_settings()
    site = _site(settings, AnchorFolder(settings.public).current().is_demonstration)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Any]:
        pages = Pages(site)
        async with open_office(settings, settings.database.uri, site, pages, now()) as office:
            yield load_role("office").create_office_app(office)

    return Opened(opened)


def trust_app() -> "Asgi":
    """The trust role: OCSP, timestamps, the files of trust and, where it may read the register, receipts."""
    from certsvc.authorities import trust_services
    from certsvc.http.lifespan import Opened
    from certsvc.log import open_log
    from certsvc.receipting import open_receipting
    from certsvc.render.receipt_pool import ReceiptSetter
    from certsvc.verify.anchors import AnchorFolder

    end_with_parent()
    settings, log = load_settings(), open_log()
    services = trust_services(settings, now(), log)
    site = _site(settings, AnchorFolder(settings.public).current().is_demonstration)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Any]:
        create = load_role("trust").create_trust_app
        if not settings.database.public_uri:
            log.warning("no_receipts", setting="database.public_uri")
            yield create(services, site)
            return
        async with (
            verifying(settings, settings.database.public_uri) as bundle,
            ReceiptSetter(settings.fonts.extra) as setter,
        ):
            yield create(services, site, open_receipting(settings, bundle, setter, now(), log))

    return Opened(opened)


def _opened(create: Callable[["Site", Verifying], Any]) -> "Asgi":
    from certsvc.http.lifespan import Opened

    settings = load_settings()

    @asynccontextmanager
    async def opened() -> AsyncIterator[Any]:
        async with verifying(settings, settings.database.public_uri) as bundle:
            yield create(_site(settings, bundle.anchors.is_demonstration), bundle)

    return Opened(opened)


def _site(settings: Settings, is_demonstration: bool) -> "Site":
    from certsvc.http.site import Site

    host = urlsplit(settings.public_url).netloc
    works_offline = settings.offline.worker
    return Site(host, settings.public_url, settings.web, settings.public, is_demonstration, works_offline)
