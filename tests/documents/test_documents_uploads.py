"""Files that were sent and that nothing was made of have an end of keeping; what is used or needed stays."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from document_desk import DEPARTMENT, STRANGER, Runner
from made_up_documents import letter

from certsvc.domain.document_seal import State
from certsvc.errors import NotFound
from certsvc.issuance.documents.requests import read_sealed
from certsvc.store.blobs import FileBlobs
from certsvc.store.external import PostgresExternalFiles
from certsvc.store.uploads import PostgresUploads

pytest_plugins = ["document_fixtures"]
KEPT = timedelta(days=90)
LATER = timedelta(days=91)


class Killed(BaseException):
    """The process is gone."""


class Dying(FileBlobs):
    """Files of a process that is killed when it takes one away: before it does, or right after."""

    def __init__(self, folder: Path, *, after: bool) -> None:
        super().__init__(folder)
        self._after = after

    def remove(self, sha256: bytes) -> None:
        """Die."""
        if self._after:
            super().remove(sha256)
        raise Killed


@pytest.fixture
def blobs(folder: Path) -> FileBlobs:
    """The files of the desk."""
    return FileBlobs(folder)


@pytest.fixture
def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


def purge(desk: Runner, blobs: FileBlobs, at: datetime) -> None:
    """The chore."""
    desk.run(PostgresUploads(desk.desk.pool, blobs, KEPT).purge(at))


def on_record(desk: Runner, digest: bytes) -> list[str]:
    """Which clients are on record as having sent it."""
    rows = desk.run(desk.desk.fetch("select client from sealing_file where sha256 = $1 order by client", digest))
    return [row["client"] for row in rows]


def page(text: bytes) -> bytes:
    """A file of its own."""
    return b"%PDF-1.7\n" + text


def test_what_nothing_was_made_of_goes_when_its_time_is_over(
    desk_of_documents: Runner, blobs: FileBlobs, now: datetime
) -> None:
    desk = desk_of_documents
    digest = desk.run(desk.desk.send(page(b"unused")))
    purge(desk, blobs, now + KEPT - timedelta(minutes=1))
    assert on_record(desk, digest) == ["market-system"] and blobs.path(digest).exists()
    purge(desk, blobs, now + LATER)
    assert on_record(desk, digest) == [] and not blobs.path(digest).exists()
    purge(desk, blobs, now + LATER)
    with pytest.raises(NotFound, match="upload it first"):
        desk.run(desk.desk.office.requests.require_file(DEPARTMENT.name, digest))


def test_what_was_sent_again_is_kept_from_then_on(desk_of_documents: Runner, blobs: FileBlobs, now: datetime) -> None:
    desk = desk_of_documents
    digest = hashlib.sha256(page(b"again")).digest()
    keep = desk.desk.office.requests.keep_file
    desk.run(keep(DEPARTMENT.name, digest, 14, now - timedelta(days=89)))
    desk.run(desk.desk.send(page(b"again")))
    desk.run(keep(DEPARTMENT.name, digest, 14, now - timedelta(days=80)))  # a request that comes in late
    purge(desk, blobs, now + timedelta(days=2))
    assert on_record(desk, digest) == ["market-system"] and blobs.path(digest).exists()


@pytest.mark.long
def test_what_was_sealed_is_kept_with_what_it_was_made_of(
    desk_of_documents: Runner, blobs: FileBlobs, now: datetime
) -> None:
    desk = desk_of_documents

    async def story() -> str:
        asked = await desk.desk.ask(letter(1))
        await desk.desk.work()
        return asked.request.id

    request = desk.run(story())
    purge(desk, blobs, now + LATER)
    digest = hashlib.sha256(letter(1)).digest()
    assert on_record(desk, digest) == ["market-system"] and blobs.get(digest) == letter(1)
    assert desk.run(desk.desk.office.requests.request(request)).state is State.DONE
    assert desk.run(read_sealed(desk.desk.office, DEPARTMENT, request)).startswith(b"%PDF-")


@pytest.mark.long
def test_a_sealed_document_that_was_sent_back_is_not_lost_with_the_copy(
    desk_of_documents: Runner, blobs: FileBlobs, now: datetime
) -> None:
    """The flaw: both lie under the same digest."""
    desk = desk_of_documents

    async def story() -> tuple[str, bytes]:
        asked = await desk.desk.ask(letter(1))
        await desk.desk.work()
        sealed = await read_sealed(desk.desk.office, DEPARTMENT, asked.request.id)
        return asked.request.id, await desk.desk.send(sealed)

    request, digest = desk.run(story())
    purge(desk, blobs, now + LATER)
    assert on_record(desk, digest) == []
    assert hashlib.sha256(desk.run(read_sealed(desk.desk.office, DEPARTMENT, request))).digest() == digest


def test_another_client_s_copy_stays(desk_of_documents: Runner, blobs: FileBlobs, now: datetime) -> None:
    desk, data = desk_of_documents, page(b"two clients")
    digest = desk.run(desk.desk.send(data))
    desk.run(desk.desk.office.requests.keep_file(STRANGER.name, digest, len(data), now + timedelta(days=30)))
    purge(desk, blobs, now + LATER)
    assert on_record(desk, digest) == [STRANGER.name] and blobs.get(digest) == data


@pytest.mark.parametrize("after", [False, True], ids=["before-the-file-is-gone", "after-the-file-is-gone"])
def test_killed_while_it_takes_a_file_away_it_begins_again(
    desk_of_documents: Runner, folder: Path, blobs: FileBlobs, now: datetime, after: bool
) -> None:
    desk, data = desk_of_documents, page(b"killed %d" % after)
    digest = desk.run(desk.desk.send(data))
    with pytest.raises(Killed):
        purge(desk, Dying(folder, after=after), now + LATER)
    assert on_record(desk, digest) == ["market-system"]
    purge(desk, blobs, now + LATER)
    assert on_record(desk, digest) == [] and not blobs.path(digest).exists()
    assert desk.run(desk.desk.send(data)) == digest and blobs.get(digest) == data


def test_a_page_of_a_client_that_waits_for_a_person_is_kept(
    desk_of_documents: Runner, blobs: FileBlobs, now: datetime
) -> None:
    """What an approval or a row of a batch names is encrypted, so nothing of its client is taken away meanwhile."""
    desk, digest = desk_of_documents, hashlib.sha256(b"a page").digest()
    files = PostgresExternalFiles(desk.desk.pool)
    waiting = """insert into approval (id, client, key, digest, act, type_id, seals, area, sealed_request,
        payload_key_id, needed, asked_at)
        values ('a-waiting', 'waiting-system', 'k', $1, 'issue', 'food-business', '{}', '441900', ' ', 'k', 1, $2)"""
    for client in ("waiting-system", "idle-system"):
        desk.run(files.keep(client, digest, 6, [(210.0, 297.0)], now))
    desk.run(desk.desk.fetch(waiting, digest, now))
    purge(desk, blobs, now + LATER)
    left = desk.run(desk.desk.fetch("select client from external_file where sha256 = $1", digest))
    assert [row["client"] for row in left] == ["waiting-system"]


@pytest.mark.parametrize(
    "statement",
    [
        "delete from sealing_file where used",
        "update sealing_file set used = false where used",
        "update sealing_file set uploaded_at = uploaded_at - interval '1 day'",
        "update sealing_file set client = 'another'",
        "truncate sealing_file",
    ],
)
def test_the_database_keeps_what_was_used(desk_of_documents: Runner, statement: str) -> None:
    desk = desk_of_documents

    async def story() -> None:
        await desk.desk.ask(letter(2))
        async with desk.desk.pool.connection() as connection:
            await connection.execute(statement)

    with pytest.raises(Exception, match=r"is kept|change|append-only"):
        desk.run(story())
