"""Composition root: the only file that knows every part. Parts are imported where a role needs them, so that the
public role never loads key code."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certsvc.catalog import load_catalog
from certsvc.errors import MachineProblem
from certsvc.settings import Settings
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.pool import open_pool
from certsvc.store.reader import PostgresReader
from certsvc.verify.anchors import load_anchors
from certsvc.verify.inspector import Inspector
from certsvc.verify.service import Verifying

if TYPE_CHECKING:
    from certsvc.issuance.service import Issuing
    from certsvc.services import Walk

ROLES = {"public": ("certsvc.http.public",)}
"""What each role loads beyond this file."""

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
    if settings.database.uri != "embedded:":
        yield Databases(settings.database.uri, settings.database.public_uri or settings.database.uri)
        return
    server = EmbeddedServer(settings.home)
    server.start()
    try:
        yield Databases(server.uri("certsvc"), server.uri("certsvc_public"))
    finally:
        server.stop()


def migrate_database(settings: Settings) -> list[str]:
    """Bring the register's database to this program's schema; the names of what was applied."""
    from certsvc.store.migrate import migrate

    make_home(settings)
    with databases(settings) as uris:
        return asyncio.run(migrate(uris.writer))


def list_types(settings: Settings, folder: Path | None) -> list[dict[str, Any]]:
    """Every certificate type, checked with its examples.

    Raises:
        CatalogError: a type is wrong, with file and field.
    """
    return [
        {
            "type_number": kind.type_number,
            "id": kind.id,
            "version": kind.version,
            "category": kind.category.value,
            "zh": kind.zh,
            "en": kind.en,
        }
        for kind in load_catalog(folder or settings.schemas)
    ]


@asynccontextmanager
async def verifying(settings: Settings, reader_uri: str | None) -> AsyncIterator[Verifying]:
    """What verifying needs; without `reader_uri` the register is not asked."""
    catalog = load_catalog(settings.schemas)
    anchors = load_anchors(settings.public / "anchors")
    async with Inspector(anchors, workers=settings.verify.workers) as inspector:
        if reader_uri is None:
            yield Verifying(catalog=catalog, anchors=anchors, register=None, inspector=inspector)
            return
        async with open_pool(reader_uri, read_only=True) as pool:
            yield Verifying(catalog=catalog, anchors=anchors, register=PostgresReader(pool), inspector=inspector)


@asynccontextmanager
async def issuing(settings: Settings, writer_uri: str, walk: "Walk") -> AsyncIterator["Issuing"]:
    """What issuing needs: keys, register, renderer, and the checks a stranger runs."""
    from certsvc.issuance.compose import compose  # key code: never in the public role

    async with open_pool(writer_uri) as pool:
        yield compose(settings, pool, walk)
