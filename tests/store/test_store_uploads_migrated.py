"""Files sent before files had an end of keeping: what something was made of is known as used after the migration."""

import asyncio
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
from embedded_fixture import fresh_database

from certsvc.domain.document_seal import new_request_id
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.migrate import FOLDER, apply

pytest_plugins = ["store_fixtures"]
BEFORE = "0017"
USED, UNUSED = bytes(32), bytes([1]) * 32
REQUEST = """insert into sealing_request (id, client, key, content, reason, source, prepared, pages, requested_at,
    good_until)
    values ($1, 'one', 'k', $2, 'r', $2, $2, 1, $3, $4)"""


def test_what_was_used_before_is_kept(server: EmbeddedServer, tmp_path: Path) -> None:
    for path in FOLDER.glob("*.sql"):
        if path.name < BEFORE:
            shutil.copy(path, tmp_path)
    database, now = fresh_database(server, empty=True), datetime.now(UTC)

    async def story() -> set[tuple[str, bytes, bool]]:
        connection = await asyncpg.connect(database.uri)
        try:
            await apply(connection, tmp_path)
            for client, sha256 in (("one", USED), ("one", UNUSED), ("two", USED)):
                values = client, sha256, 1, now
                await connection.execute("insert into sealing_file values ($1, $2, $3, $4)", *values)
            await connection.execute(REQUEST, new_request_id(now), USED, now, now + timedelta(days=7))
            await apply(connection, FOLDER)
            return {tuple(row) for row in await connection.fetch("select client, sha256, used from sealing_file")}
        finally:
            await connection.close()

    assert asyncio.run(story()) == {("one", USED, True), ("one", UNUSED, False), ("two", USED, False)}
