"""Migrations: once, in order, never edited, one process at a time; and sql/schema/ is what they make."""

import asyncio
import re
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
from embedded_fixture import Database, fresh_database

from certsvc.errors import RegisterUnavailable, StoreError
from certsvc.store import migrate as migrate_module
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.migrate import FOLDER, apply, migrate
from certsvc.store.programs import ENVIRONMENT, embedded_programs
from certsvc.store.queries import queries

pytest_plugins = ["store_fixtures"]

SCHEMA = FOLDER.parent / "schema"


@pytest.fixture
def empty(server: EmbeddedServer) -> Database:
    """A database without any schema."""
    return fresh_database(server, empty=True)


def apply_to(database: Database, folder: Path) -> list[str]:
    async def story() -> list[str]:
        connection = await asyncpg.connect(database.uri)
        try:
            return await apply(connection, folder)
        finally:
            await connection.close()

    return asyncio.run(story())


def execute(database: Database, statement: str) -> None:
    async def story() -> None:
        connection = await asyncpg.connect(database.uri)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(story())


def dump(database: Database, programs: Path) -> str:
    """The schema as pg_dump writes it, without the migrations' own table and the dump's random key."""
    uri = urlsplit(database.uri)
    where = ["-h", parse_qs(uri.query)["host"][0], "-U", "postgres", "-d", uri.path[1:]]
    command: list[str | Path] = [programs / "pg_dump", "--schema-only", "-T", "schema_migration", *where]
    text = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True).stdout
    return re.sub(r"^\\(un)?restrict .*$", "", text, flags=re.M)


def test_the_schema_is_what_the_migrations_make(server: EmbeddedServer, programs: Path | None) -> None:
    migrated, described = fresh_database(server), fresh_database(server, empty=True)
    for path in sorted(SCHEMA.glob("*.sql")):
        execute(described, path.read_text("utf-8"))
    folder = programs or embedded_programs()
    assert dump(described, folder) == dump(migrated, folder)


@pytest.mark.long
def test_migrating_again_does_nothing(empty: Database) -> None:
    assert asyncio.run(migrate(empty.uri)) == [path.stem for path in sorted(FOLDER.glob("*.sql"))]
    assert asyncio.run(migrate(empty.uri)) == []


@pytest.mark.long
def test_many_that_migrate_at_once_apply_each_once(empty: Database) -> None:
    async def story() -> list[list[str]]:
        return await asyncio.gather(*(migrate(empty.uri) for _ in range(5)))

    applied = [name for names in asyncio.run(story()) for name in names]
    assert applied == [path.stem for path in sorted(FOLDER.glob("*.sql"))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two migrations."""
    (tmp_path / "0001_one.sql").write_text("create table one (x integer);")
    (tmp_path / "0002_two.sql").write_text("create table two (x integer); insert into two values (1);")
    return tmp_path


def test_a_new_migration_is_applied_after_the_old(empty: Database, folder: Path) -> None:
    assert apply_to(empty, folder) == ["0001_one", "0002_two"]
    (folder / "0003_three.sql").write_text("alter table two add y integer;")
    assert apply_to(empty, folder) == ["0003_three"]


def test_an_edited_migration_is_refused(empty: Database, folder: Path) -> None:
    apply_to(empty, folder)
    (folder / "0001_one.sql").write_text("create table one (y integer);")
    with pytest.raises(StoreError, match=r"0001_one\.sql was edited"):
        apply_to(empty, folder)


def test_a_database_newer_than_the_program_is_refused(empty: Database, folder: Path) -> None:
    apply_to(empty, folder)
    (folder / "0002_two.sql").unlink()
    with pytest.raises(StoreError, match="newer than this program"):
        apply_to(empty, folder)


@pytest.mark.parametrize("name", ["0004_gap.sql", "0002_double.sql"])
def test_a_gap_or_a_double_is_refused(empty: Database, folder: Path, name: str) -> None:
    (folder / name).write_text("select 1;")
    with pytest.raises(StoreError, match="gap or a double"):
        apply_to(empty, folder)


def test_a_migration_that_fails_leaves_nothing_of_itself(empty: Database, folder: Path) -> None:
    (folder / "0003_wrong.sql").write_text("create table three (x integer); select 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        apply_to(empty, folder)
    (folder / "0003_wrong.sql").write_text("create table three (x integer);")
    assert apply_to(empty, folder) == ["0003_wrong"]


@pytest.mark.long
def test_who_waits_too_long_is_told_so(empty: Database, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate_module, "LOCK_SECONDS", 0.3)

    async def story() -> None:
        holder, waiter = await asyncpg.connect(empty.uri), await asyncpg.connect(empty.uri)
        await holder.fetchval(queries("migrate")["try_lock"])
        with pytest.raises(StoreError, match="Another process is migrating"):
            await apply(waiter, folder)
        await holder.close()
        assert await apply(waiter, folder) == ["0001_one", "0002_two"]
        await waiter.close()

    asyncio.run(story())


def test_an_old_postgresql_is_refused() -> None:
    with pytest.raises(StoreError, match="PostgreSQL 14; 15 or newer"):
        migrate_module._require_version(14)


def test_a_server_without_the_public_role_is_told_what_to_do(empty: Database) -> None:
    text = (FOLDER / "0001_register.sql").read_text("utf-8").replace("'certsvc_public'", "'nobody_here'", 1)
    with pytest.raises(asyncpg.RaiseError, match="create role certsvc_public"):
        execute(empty, text)


def test_a_database_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(RegisterUnavailable):
        asyncio.run(migrate("postgresql://certsvc@/certsvc?host=/nowhere"))


def test_every_query_says_what_it_is_for_and_is_used() -> None:
    code = "".join(path.read_text("utf-8") for path in FOLDER.parent.parent.glob("*.py"))
    for path in (FOLDER.parent / "queries").glob("*.sql"):
        assert [name for name in queries(path.stem) if f'SQL["{name}"]' not in code] == []
