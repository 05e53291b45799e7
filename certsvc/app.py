"""Composition root: the parts of the service put behind their protocols. Parts are imported where they are needed, so
that the public role never loads key code. `authorities.py` does the same for keys and trust services, `serving.py`
joins them to roles, `commands/` to the command line."""

import asyncio
import functools
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certsvc.catalog import Catalog, load_catalog
from certsvc.errors import MachineProblem
from certsvc.settings import Settings
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.migrate import migrate
from certsvc.store.pool import Pool, open_pool
from certsvc.store.reader import PostgresReader
from certsvc.verify.anchors import AnchorFolder, AnchorSource
from certsvc.verify.inspector import Inspector
from certsvc.verify.service import Verifying

if TYPE_CHECKING:
    from certsvc.authority.authority import Authority
    from certsvc.issuance.service import Issuing
    from certsvc.services import Walk

EMBEDDED = "embedded:"
FREE_BYTES_NEEDED = 400 * 1024 * 1024


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


def hold_ceremony(settings: Settings, plan: Path, now: datetime, roots: Path | None = None) -> Path:
    """Hold the key ceremony that `plan` describes; the path of the transcript. Its addresses are the public URL's.
    `roots` is where the roots' keys are, for a later ceremony.

    Raises:
        CeremonyError: the plan is wrong, or another ceremony was held here.
        InvalidInput, MissingGlyph: a seal in the plan cannot be drawn; no key was made.
        CustodyError: the passphrase cannot be had.
    """
    from certsvc.authority import ceremony, later
    from certsvc.authority.plan import load_plan
    from certsvc.custody.secret import make_secret_file
    from certsvc.render.seal_picture import draw_seal

    make_home(settings)
    if later.is_later_plan(plan):
        return later.hold_later(later.load_later_plan(plan), settings.home, settings.secret, now, roots)
    for planned in (found := load_plan(plan)).seals:
        draw_seal(planned.seal(demonstration=found.demonstration).design, settings.fonts.extra)
    if not settings.authority.secret:
        make_secret_file(settings.own_secret)
    return ceremony.hold_ceremony(plan, settings.home, settings.secret, now, settings.public_url)


@asynccontextmanager
async def verifying(settings: Settings, reader_uri: str | None) -> AsyncIterator[Verifying]:
    """What verifying needs; without `reader_uri` the register is not asked."""
    trust = AnchorFolder(settings.public)
    trust.current()
    async with Inspector(settings.verify.workers) as inspector:
        bundle = functools.partial(Verifying, catalog=load_catalog(settings.schemas), trust=trust, inspector=inspector)
        if not reader_uri:
            yield bundle(register=None)
            return
        async with open_pool(reader_uri, read_only=True) as pool:
            yield bundle(register=PostgresReader(pool))


@asynccontextmanager
async def issuing(
    settings: Settings, writer_uri: str, walk: "Walk", now: datetime, authority: "Authority | None" = None
) -> AsyncIterator["Issuing"]:
    """What issuing needs: keys (opened unless they are given), register, renderer, and the checks a stranger runs.

    Raises:
        CeremonyError: no ceremony was held here.
        CustodyError: a data key is missing.
    """
    from certsvc.authorities import open_keys

    async with open_pool(writer_uri) as pool, Inspector(settings.verify.workers) as inspector:
        keys = authority or open_keys(settings, now)
        yield await join_issuing(settings, load_catalog(settings.schemas), keys, pool, inspector, walk, now)


async def join_issuing(
    settings: Settings,
    catalog: Catalog,
    authority: "Authority",
    pool: Pool,
    inspector: Inspector,
    walk: "Walk",
    now: datetime,
) -> "Issuing":
    """The parts of issuing, put together.

    Raises:
        SettingsError: `seals.lt_types` names what is no type of one seal.
    """
    from certsvc.authority.founding import throw_away_authority
    from certsvc.custody.payloads import LivingPayloadCipher
    from certsvc.issuance.data_keys import open_cipher
    from certsvc.issuance.service import Issuing
    from certsvc.render.pages import Renderer
    from certsvc.store.blobs import FileBlobs
    from certsvc.store.data_keys import DataKeys
    from certsvc.store.register import PostgresRegister
    from certsvc.store.seals import PostgresSeals
    from certsvc.verify.anchors import AnchorFiles

    lt_types = settings.seals.lt_types_among({kind.id: len(kind.layouts[0].seals) for kind in catalog})
    register, lint_anchors, secrets = PostgresRegister(pool), AnchorFiles(), settings.home / "secrets"
    await register.enrol_seals(authority.seals, now)
    authority.take_seals(await PostgresSeals(pool).with_keys())
    lint_authority = throw_away_authority(authority.plan, now, lint_anchors.put, authority.seals)
    return Issuing(
        catalog=catalog,
        register=register,
        blobs=FileBlobs(settings.home / "blobs"),
        renderer=Renderer(settings.schemas, settings.fonts.extra),
        cipher=LivingPayloadCipher(secrets, await open_cipher(secrets, DataKeys(pool), now)),
        keys=authority,
        check_file=_checker(catalog, AnchorFolder(settings.public), inspector),
        lint_keys=lint_authority,
        lint_file=_checker(catalog, lint_anchors, inspector),
        public_url=settings.public_url,
        area=authority.area,
        walk=walk,
        lt_types=lt_types,
    )


def _checker(catalog: Catalog, trust: AnchorSource, inspector: Inspector) -> Any:
    """The checks on a file alone, against one set of anchors."""
    from certsvc.verify.file import check_file

    return functools.partial(check_file, Verifying(catalog=catalog, trust=trust, register=None, inspector=inspector))
