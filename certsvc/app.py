"""Composition root: the only file that knows every part. Parts are imported where a role needs them, so that the
public role never loads key code."""

import asyncio
import functools
import importlib
import os
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from certsvc.catalog import load_catalog
from certsvc.errors import MachineProblem, SettingsError
from certsvc.settings import Settings, load_settings
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.migrate import migrate
from certsvc.store.pool import open_pool
from certsvc.store.reader import PostgresReader
from certsvc.verify.anchors import AnchorFolder, AnchorSource
from certsvc.verify.inspector import Inspector
from certsvc.verify.service import Verifying

if TYPE_CHECKING:
    from litestar.types import Receive, Scope, Send

    from certsvc.issuance.act_command import ActCommand
    from certsvc.issuance.service import Issuing
    from certsvc.services import Walk

ROLES = {"public": "certsvc.http.public"}
"""What each role loads beyond this file."""

EMBEDDED = "embedded:"
FREE_BYTES_NEEDED = 400 * 1024 * 1024
LOOPBACK = "127.0.0.1"
WORKERS = 1
"""Server processes of the public role; each has its own connections and its own readers of PDFs."""


@dataclass(frozen=True, slots=True)
class Databases:
    """Where the register is, for who writes and for who only reads."""

    writer: str
    reader: str


def make_home(settings: Settings) -> None:
    """The data folder, mode 0700.

    Raises:
        MachineProblem: it cannot be made, or the disk is nearly full.
    """
    home = settings.home
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        home.chmod(0o700)
        free = shutil.disk_usage(home).free
    except OSError as error:
        raise MachineProblem(
            f"数据目录 {home} 无法使用：{error.strerror}。请用 CERTSVC_HOME 指定别的目录。",
            f"The data folder {home} cannot be used: {error.strerror}. Name another one with CERTSVC_HOME.",
        ) from None
    if free < FREE_BYTES_NEEDED and not (home / "postgres").exists():
        raise MachineProblem(
            f"{home} 所在磁盘只剩 {free >> 20} MiB，首次使用需要 400 MiB。",
            f"The disk of {home} has {free >> 20} MiB left; a first start needs 400 MiB.",
        )


@contextmanager
def databases(settings: Settings) -> Iterator[Databases]:
    """The register's addresses; the embedded server runs meanwhile if it is the one meant."""
    if settings.database.uri != EMBEDDED:
        yield Databases(settings.database.uri, settings.database.public_uri)
        return
    server = EmbeddedServer(settings.home)
    server.start()
    try:
        yield Databases(server.uri("certsvc"), server.uri("certsvc_public"))
    finally:
        server.stop()


def migrate_database(settings: Settings) -> list[str]:
    """Bring the register's database to this program's schema; the names of what was applied."""
    make_home(settings)
    with databases(settings) as uris:
        return asyncio.run(migrate(uris.writer))


def hold_ceremony(settings: Settings, plan: Path, now: datetime) -> Path:
    """Hold the key ceremony that `plan` describes; the path of the transcript. Its addresses are the public URL's.

    Raises:
        CeremonyError: the plan is wrong, or another ceremony was held here.
        CustodyError: the passphrase cannot be had.
    """
    from certsvc.authority import ceremony
    from certsvc.custody.secret import make_secret_file

    make_home(settings)
    if not settings.authority.secret:
        make_secret_file(settings.own_secret)
    return ceremony.hold_ceremony(plan, settings.home, settings.secret, now, settings.public_url)


@asynccontextmanager
async def verifying(settings: Settings, reader_uri: str | None) -> AsyncIterator[Verifying]:
    """What verifying needs; without `reader_uri` the register is not asked."""
    trust = AnchorFolder(settings.anchors)
    trust.current()
    async with Inspector(settings.verify.workers) as inspector:
        bundle = functools.partial(Verifying, catalog=load_catalog(settings.schemas), trust=trust, inspector=inspector)
        if not reader_uri:
            yield bundle(register=None)
            return
        async with open_pool(reader_uri, read_only=True) as pool:
            yield bundle(register=PostgresReader(pool))


@asynccontextmanager
async def issuing(settings: Settings, writer_uri: str, walk: "Walk", now: datetime) -> AsyncIterator["Issuing"]:
    """What issuing needs: keys, register, renderer, and the checks a stranger runs.

    Raises:
        CeremonyError: no ceremony was held here.
        CustodyError: a key does not open.
    """
    from certsvc.authority.authority import throw_away_authority
    from certsvc.authority.ceremony import open_authority
    from certsvc.custody.payloads import open_payload_cipher
    from certsvc.issuance.service import Issuing
    from certsvc.render.pages import Renderer
    from certsvc.store.blobs import FileBlobs
    from certsvc.store.register import PostgresRegister
    from certsvc.verify.anchors import AnchorFiles
    from certsvc.verify.file import check_file

    authority = open_authority(settings.home, settings.secret, now)
    catalog, lint_anchors = load_catalog(settings.schemas), AnchorFiles()
    lint_authority = throw_away_authority(authority.plan, now, lint_anchors.put)
    async with AsyncExitStack() as stack:
        inspector = await stack.enter_async_context(Inspector(settings.verify.workers))
        register = PostgresRegister(await stack.enter_async_context(open_pool(writer_uri)))
        await register.enrol_seals(authority.seals, now)

        def checker(trust: AnchorSource) -> Any:
            bundle = Verifying(catalog=catalog, trust=trust, register=None, inspector=inspector)
            return functools.partial(check_file, bundle)

        yield Issuing(
            catalog=catalog,
            register=register,
            blobs=FileBlobs(settings.home / "blobs"),
            renderer=Renderer(settings.schemas, settings.fonts.extra),
            cipher=open_payload_cipher(settings.home / "secrets"),
            keys=authority,
            check_file=checker(AnchorFolder(settings.anchors)),
            lint_keys=lint_authority,
            lint_file=checker(lint_anchors),
            public_url=settings.public_url,
            area=authority.area,
            walk=walk,
        )


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
        SettingsError: the role has no database of its own kind.
    """
    require_free_port(settings.service.port)
    with databases(settings) as uris:
        serve_database(settings, role, uris, announce)


def serve_database(settings: Settings, role: str, uris: Databases, announce: Callable[[str], None]) -> None:
    """As `serve_role`, with a database that runs already. Server processes are told where to read, never to write."""
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    if not uris.reader:
        raise SettingsError(
            "缺少设置 database.public_uri：公开查验只用只读账号 certsvc_public 连接数据库。",
            "The setting database.public_uri is missing: the public role connects only as certsvc_public.",
        )
    os.environ |= {
        "CERTSVC_HOME": str(settings.home),
        "CERTSVC_DATABASE_PUBLIC_URI": uris.reader,
        "CERTSVC_SERVICE_PUBLIC_URL": settings.public_url,
    }
    server = Granian(
        f"certsvc.app:{role}_app",
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


def load_role(role: str) -> Any:
    """The module with a role's routes, and with it everything that the role loads."""
    return importlib.import_module(ROLES[role])


def public_app() -> Callable[["Scope", "Receive", "Send"], Any]:
    """The public role as an ASGI application; what it needs is opened when the server starts it."""
    from certsvc.http.lifespan import Opened
    from certsvc.http.site import Site

    settings = load_settings()

    @asynccontextmanager
    async def opened() -> AsyncIterator[Any]:
        async with verifying(settings, settings.database.public_uri) as bundle:
            host = urlsplit(settings.public_url).netloc
            site = Site(host, settings.public_url, settings.web, settings.public, bundle.anchors.is_demonstration)
            yield load_role("public").create_public_app(bundle, site)

    return Opened(opened)


def verify_files(
    settings: Settings, files: Sequence[Path], show: Callable[[dict[str, Any]], None], *, offline: bool
) -> None:
    """Verify PDFs one after the other as a stranger would; `show` gets the report of each as soon as it is made.

    The register is asked unless `offline` says otherwise or there is none on this machine.
    """
    from certsvc.verify.path import verify_path

    async def verify(reader_uri: str | None) -> None:
        async with verifying(settings, reader_uri) as bundle:
            for path in files:
                show(await verify_path(bundle, path, datetime.now(UTC)))

    embedded = settings.database.uri == EMBEDDED
    if offline or (embedded and not EmbeddedServer(settings.home).exists):
        asyncio.run(verify(None))
        return
    with databases(settings) as uris:
        asyncio.run(verify(uris.reader or uris.writer))


def issue_file(settings: Settings, type_id: str, payload_file: Path, key: str | None) -> dict[str, Any]:
    """Issue one certificate of the payload in a JSON file; `key` names the order, without one its content does.

    Raises:
        PayloadInvalid: the file is no JSON object, or the payload has problems.
        KeyReused: the key was used with other content.
    """
    from certsvc.issuance.command import issue_payload, read_payload
    from certsvc.issuance.service import silent_walk

    payload = read_payload(payload_file)
    with databases(settings) as uris:
        asyncio.run(migrate(uris.writer))

        async def issue() -> dict[str, Any]:
            async with issuing(settings, uris.writer, silent_walk, datetime.now(UTC)) as bundle:
                return await issue_payload(bundle, type_id, payload, key, settings.papers, datetime.now(UTC))

        return asyncio.run(issue())


def act_on(settings: Settings, typed: "ActCommand") -> dict[str, Any]:
    """Do an act from the command line; keys are opened only for one that makes a sheet.

    Raises:
        see `issuance.act_command`.
    """
    from certsvc.domain.acts import ACTS, Makes
    from certsvc.issuance.act_command import do_act, make_version
    from certsvc.issuance.service import silent_walk
    from certsvc.store.register import PostgresRegister

    async def run(writer_uri: str) -> dict[str, Any]:
        if ACTS[typed.act].makes is Makes.NOTHING:
            async with open_pool(writer_uri) as pool:
                return await do_act(PostgresRegister(pool), load_catalog(settings.schemas), typed, datetime.now(UTC))
        async with issuing(settings, writer_uri, silent_walk, datetime.now(UTC)) as bundle:
            return await make_version(bundle, typed, settings.papers, datetime.now(UTC))

    with databases(settings) as uris:
        asyncio.run(migrate(uris.writer))
        return asyncio.run(run(uris.writer))


def show_holder(settings: Settings, code_kind: str, code: str) -> dict[str, Any]:
    """What a holder has, for a program to read.

    Raises:
        InvalidIdentifier: it is no code of that kind.
    """
    from certsvc.custody.payloads import open_payload_cipher
    from certsvc.issuance.holders import business_json, find_business
    from certsvc.store.register import PostgresRegister

    async def run(writer_uri: str) -> dict[str, Any]:
        cipher = open_payload_cipher(settings.home / "secrets")
        async with open_pool(writer_uri) as pool:
            found = (PostgresRegister(pool), load_catalog(settings.schemas), cipher, code_kind, code, datetime.now(UTC))
            return business_json(await find_business(*found))

    with databases(settings) as uris:
        asyncio.run(migrate(uris.writer))
        return asyncio.run(run(uris.writer))
