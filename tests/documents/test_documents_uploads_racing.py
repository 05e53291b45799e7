"""What comes in while unused files are taken away: nothing that somebody needs goes with them."""

import asyncio
import hashlib
from collections.abc import Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from document_desk import DEPARTMENT, STRANGER, DocumentDesk, Runner

from certsvc.domain.acts import Act
from certsvc.domain.batch import BatchMove, BatchRequest, Form
from certsvc.issuance.documents.requests import take_file
from certsvc.store import uploads as uploads_module
from certsvc.store.batches import PostgresBatches
from certsvc.store.blobs import FileBlobs
from certsvc.store.external import PostgresExternalFiles
from certsvc.store.pool import Connection
from certsvc.store.uploads import PostgresUploads, lock_upload

pytest_plugins = ["document_fixtures"]

CLIENT = DEPARTMENT.name
KEPT, LATER = timedelta(days=90), timedelta(days=91)
NOW = datetime.now(UTC)
KINDS = ["sealing_file", "external_file"]
WAITERS = "select exists (select from pg_locks where locktype = 'advisory' and not granted)"


@pytest.fixture
def blobs(folder: Path) -> FileBlobs:
    """The files of the desk."""
    return FileBlobs(folder)


async def keep(desk: DocumentDesk, table: str, client: str, digest: bytes, at: datetime) -> None:
    """Put on record that a client has sent a file."""
    if table == "sealing_file":
        await desk.office.requests.keep_file(client, digest, 9, at)
    else:
        await PostgresExternalFiles(desk.pool).keep(client, digest, 9, [(210.0, 297.0)], at)


async def senders(desk: DocumentDesk, table: str, digest: bytes) -> list[str]:
    """Who is on record as having sent it."""
    rows = await desk.fetch(f"select client from {table} where sha256 = $1 order by client", digest)
    return [row["client"] for row in rows]


@pytest.mark.parametrize("table", KINDS)
def test_what_is_sent_again_just_before_it_is_taken_away_stays(
    desk_of_documents: Runner, blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    desk, digest = desk_of_documents.desk, blobs.put(b"%PDF- again " + table.encode())

    async def sent_again(connection: Connection, sha256: bytes) -> None:
        await keep(desk, table, CLIENT, digest, NOW + LATER)
        await lock_upload(connection, sha256)

    async def story() -> list[str]:
        await keep(desk, table, CLIENT, digest, NOW)
        with monkeypatch.context() as patched:
            patched.setattr(uploads_module, "lock_upload", sent_again)
            await PostgresUploads(desk.pool, blobs, KEPT).purge(NOW + LATER)
        return await senders(desk, table, digest)

    assert desk_of_documents.run(story()) == [CLIENT] and blobs.path(digest).exists()


async def waits(desk: DocumentDesk, work: Coroutine[Any, Any, None], digest: bytes) -> bool:
    """Whether something waits as long as somebody else has to do with this file; it is done afterwards."""
    async with desk.pool.transaction() as connection:
        await lock_upload(connection, digest)
        task = asyncio.create_task(work)
        while not task.done() and not (await desk.fetch(WAITERS))[0]["exists"]:  # noqa: ASYNC110 - in the database
            await asyncio.sleep(0.01)
        waited = not task.done()
    await task
    return waited


@pytest.mark.parametrize("table", KINDS)
def test_a_file_is_put_on_record_or_taken_away_by_one_at_a_time(
    desk_of_documents: Runner, blobs: FileBlobs, table: str
) -> None:
    """Else one client's file goes with the other's: it is on record a moment after it was looked for."""
    desk, digest = desk_of_documents.desk, blobs.put(b"%PDF- one at a time " + table.encode())

    async def story() -> None:
        assert await waits(desk, keep(desk, table, CLIENT, digest, NOW), digest)
        assert await waits(desk, PostgresUploads(desk.pool, blobs, KEPT).purge(NOW + LATER), digest)
        assert await senders(desk, table, digest) == []

    desk_of_documents.run(story())
    assert not blobs.path(digest).exists()


@pytest.mark.parametrize(("mine", "other"), [KINDS, KINDS[::-1]])
def test_a_file_sent_in_two_ways_stays_as_long_as_one_of_them_is_on_record(
    desk_of_documents: Runner, blobs: FileBlobs, mine: str, other: str
) -> None:
    desk, digest = desk_of_documents.desk, blobs.put(b"%PDF- two ways " + mine.encode())

    async def story() -> tuple[list[str], list[str]]:
        await keep(desk, mine, CLIENT, digest, NOW)
        await keep(desk, other, STRANGER.name, digest, NOW + timedelta(days=30))
        await PostgresUploads(desk.pool, blobs, KEPT).purge(NOW + LATER)
        return await senders(desk, mine, digest), await senders(desk, other, digest)

    assert desk_of_documents.run(story()) == ([], [STRANGER.name]) and blobs.path(digest).exists()


def test_a_page_of_a_client_with_an_open_batch_is_kept_until_the_batch_is_closed(
    desk_of_documents: Runner, blobs: FileBlobs
) -> None:
    """What a row names is encrypted, so nothing of its client is taken away meanwhile."""
    desk, digest = desk_of_documents.desk, blobs.put(b"%PDF- of a batch")
    batches, uploads = PostgresBatches(desk.pool), PostgresUploads(desk.pool, blobs, KEPT)
    asked = BatchRequest(client="batch-system", key="k", act=Act.ISSUE, type_id="food-business", form=Form.NDJSON)

    async def story() -> None:
        await keep(desk, "external_file", asked.client, digest, NOW)
        batch, _ = await batches.begin(asked, 0, NOW)
        await uploads.purge(NOW + LATER)
        assert await senders(desk, "external_file", digest) == [asked.client]
        values = batch.number, BatchMove.ABANDON, asked.client, NOW
        await desk.fetch("insert into batch_event (batch, move, by, at, state) values ($1, $2, $3, $4, '')", *values)
        await desk.fetch("update batch set closed = true where number = $1", batch.number)
        await uploads.purge(NOW + LATER)
        assert await senders(desk, "external_file", digest) == []

    desk_of_documents.run(story())
    assert not blobs.path(digest).exists()


class Full(FileBlobs):
    """Files on a disk that takes no more."""

    def put(self, data: bytes) -> bytes:
        """Not any more."""
        raise OSError("no space left")


def test_a_file_that_could_not_be_kept_is_on_record_and_so_is_not_forgotten(
    desk_of_documents: Runner, blobs: FileBlobs, folder: Path
) -> None:
    """On record first: else what was killed in between leaves a file that nobody takes away."""
    desk, data = desk_of_documents.desk, b"%PDF- on record first"
    digest = hashlib.sha256(data).digest()

    async def story() -> None:
        with pytest.raises(OSError, match="space"):
            await take_file(replace(desk.office, blobs=Full(folder)), DEPARTMENT, data, NOW)
        assert await senders(desk, "sealing_file", digest) == [CLIENT]
        assert await take_file(desk.office, DEPARTMENT, data, NOW) == digest and blobs.get(digest) == data

    desk_of_documents.run(story())
