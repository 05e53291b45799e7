"""Composition root: the parts of the service put behind their protocols. Parts are imported where they are needed, so
that the public role never loads key code. `issuing.py` does the same for issuing, `authorities.py` for keys and trust
services, `departments.py` for the API, `workers.py` for the worker; `serving.py` joins them to roles, `commands/` to
the command line."""

import asyncio
import functools
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from certsvc.catalog import load_catalog
from certsvc.errors import MachineProblem
from certsvc.render.redraw_pool import Redrawer
from certsvc.settings import Settings
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.history import PostgresHistory
from certsvc.store.migrate import migrate
from certsvc.store.pool import open_pool
from certsvc.store.reader import PostgresReader
from certsvc.store.records import PostgresRecordReader
from certsvc.verify.anchors import AnchorFolder
from certsvc.verify.inspector import Inspector
from certsvc.verify.looker import Looker
from certsvc.verify.recognition import RecognisedFolder
from certsvc.verify.service import Verifying

EMBEDDED = "embedded:"
FREE_BYTES_NEEDED = 400 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Databases:
    """Where the register is: for who writes, for who only reads, and for who takes what strangers write."""

    writer: str
    reader: str
    desk: str


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
        yield Databases(settings.database.uri, settings.database.public_uri, settings.database.desk_uri)
        return
    server = EmbeddedServer(settings.home)
    server.start()
    try:
        yield Databases(*map(server.uri, ("certsvc", "certsvc_public", "certsvc_desk")))
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
    drawer = Redrawer(settings.schemas, settings.public_url, settings.fonts.extra)
    async with Inspector(settings.verify.workers) as inspector, Looker() as looker, drawer:
        bundle = functools.partial(
            Verifying,
            catalog=load_catalog(settings.schemas),
            trust=trust,
            inspector=inspector,
            recognised=RecognisedFolder(settings.public, trust),
            looker=looker,
            drawer=drawer,
            hosts=frozenset({urlsplit(settings.public_url).netloc, *settings.verify.hosts}),
        )
        if not reader_uri:
            yield bundle(register=None)
            return
        async with open_pool(reader_uri, read_only=True) as pool:
            yield bundle(
                register=PostgresReader(pool),
                records=PostgresRecordReader(pool),
                histories=PostgresHistory(pool),
            )
