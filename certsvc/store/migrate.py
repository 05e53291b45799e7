"""Migrations: `sql/migrations/NNNN_name.sql`, applied in order, each in one transaction, never edited afterwards."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from certsvc.errors import StoreError
from certsvc.store.pool import Connection, answering
from certsvc.store.queries import queries

FOLDER = Path(__file__).parent / "sql" / "migrations"
OLDEST_POSTGRES = 15
CONNECT_SECONDS = 10.0
LOCK_SECONDS, POLL_SECONDS = 60.0, 0.1
SQL = queries("migrate")


async def migrate(uri: str) -> list[str]:
    """Bring the database at `uri` to this program's schema; the names of what was applied now.

    Raises:
        RegisterUnavailable: the database does not answer.
        StoreError: it is older than PostgreSQL 15, or what was applied is not what lies in our folder.
    """
    with answering():
        connection = await asyncpg.connect(uri, timeout=CONNECT_SECONDS)
        try:
            return await apply(connection)
        finally:
            connection.terminate()


async def apply(connection: Connection, folder: Path = FOLDER) -> list[str]:
    """The migrations in `folder` that this database has not seen; one process at a time does this.

    Raises:
        StoreError: see `migrate`; or two have one number, a number is missing, or one was edited.
    """
    _require_version(connection.get_server_version().major)
    migrations = _migrations(folder)
    async with _lock(connection):
        await connection.execute(SQL["create_history"])
        applied = {row["version"]: row["sha256"] for row in await connection.fetch(SQL["history"])}
        _require_same_past(applied, migrations)
        pending = {version: path for version, path in migrations.items() if version not in applied}
        for version, path in pending.items():
            async with connection.transaction():
                await connection.execute(path.read_text("utf-8"))
                await connection.execute(SQL["record"], version, path.stem, _digest(path))
    return [path.stem for path in pending.values()]


@asynccontextmanager
async def _lock(connection: Connection) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(LOCK_SECONDS):
            while not await connection.fetchval(SQL["try_lock"]):  # noqa: ASYNC110 - the event is in another process
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise StoreError(
            f"另一个进程正在更新数据库结构，{LOCK_SECONDS:.0f} 秒内没有完成。",
            f"Another process is migrating the database and did not end within {LOCK_SECONDS:.0f} s.",
        ) from None
    try:
        yield
    finally:
        await connection.execute(SQL["unlock"])


def _require_version(major: int) -> None:
    if major < OLDEST_POSTGRES:
        raise StoreError(
            f"数据库是 PostgreSQL {major}，需要 {OLDEST_POSTGRES} 或更新的版本。",
            f"The database is PostgreSQL {major}; {OLDEST_POSTGRES} or newer is needed.",
        )


def _migrations(folder: Path) -> dict[int, Path]:
    paths = sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    numbers = [int(path.name[:4]) for path in paths]
    if numbers != list(range(1, len(numbers) + 1)):
        raise StoreError(f"迁移文件的编号有缺或有重：{numbers}", f"Migration numbers have a gap or a double: {numbers}")
    return dict(zip(numbers, paths, strict=True))


def _require_same_past(applied: dict[int, bytes], migrations: dict[int, Path]) -> None:
    if unknown := sorted(applied.keys() - migrations.keys()):
        raise StoreError(
            f"数据库比本程序新（迁移 {unknown[0]:04}）：请更新程序。",
            f"The database is newer than this program (migration {unknown[0]:04}): update the program.",
        )
    if edited := [
        path.name for version, path in migrations.items() if applied.get(version, b"") not in (b"", _digest(path))
    ]:
        raise StoreError(f"{edited[0]} 在应用之后被改过。", f"{edited[0]} was edited after it was applied.")


def _digest(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()
