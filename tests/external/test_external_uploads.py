"""Pages that were sent: on record before they are kept, and not taken away as long as a certificate needs them."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from external_walks import Walks, files_of, order, own, sent, with_issuing
from foreign_pages import a_page

from certsvc.issuance.external.files import take_file
from certsvc.issuance.service import Issuing
from certsvc.store.blobs import FileBlobs
from certsvc.store.documents import PostgresDocuments
from certsvc.store.pool import open_pool
from certsvc.store.uploads import PostgresUploads

pytest_plugins = ["walk_fixtures"]
KEPT, LATER = timedelta(days=90), timedelta(days=91)
NOW = datetime.now(UTC)


class Full(FileBlobs):
    """Files on a disk that takes no more."""

    def put(self, data: bytes) -> bytes:
        """Not any more."""
        raise OSError("no space left")


def blobs_of(walks: Walks) -> FileBlobs:
    """The files of the register."""
    return FileBlobs(walks.settings.home / "blobs")


async def sent_to_be_sealed_and_purged(walks: Walks, data: bytes) -> None:
    """Somebody sends a file as a document of their own, nothing is made of it, and its time is over."""
    digest = hashlib.sha256(data).digest()
    async with open_pool(walks.uri) as pool:
        await PostgresDocuments(pool).keep_file("somebody", digest, len(data), NOW)
        await PostgresUploads(pool, blobs_of(walks), KEPT).purge(NOW + LATER)
        async with pool.connection() as connection:
            assert not await connection.fetch("select from sealing_file where sha256 = $1", digest)


def test_a_sealed_certificate_that_was_sent_back_is_not_lost_with_the_copy(walks: Walks) -> None:
    """The flaw: both lie under the same digest."""
    sealed = files_of(walks, walks.issue(own(order(601))))
    for data in sealed.values():
        walks.desk.run(sent_to_be_sealed_and_purged(walks, data))
        assert blobs_of(walks).get(hashlib.sha256(data).digest()) == data


@pytest.mark.long
def test_the_page_that_a_certificate_was_made_of_stays_even_where_nobody_is_on_record_as_its_sender(
    walks: Walks,
) -> None:
    page = a_page(b"0 0 0 rg 60 60 9 9 re f")
    walks.issue(order(602, sent(walks, page)))

    async def forget_the_sender() -> None:
        connection = await asyncpg.connect(walks.server.uri("postgres"))
        try:
            await connection.execute("set session_replication_role = replica")
            digest = hashlib.sha256(page).digest()
            assert await connection.execute("delete from external_file where sha256 = $1", digest) == "DELETE 1"
        finally:
            await connection.close()

    walks.desk.run(forget_the_sender())
    walks.desk.run(sent_to_be_sealed_and_purged(walks, page))
    assert blobs_of(walks).get(hashlib.sha256(page).digest()) == page


@pytest.mark.long
def test_a_page_that_could_not_be_kept_is_on_record_and_so_is_not_forgotten(walks: Walks) -> None:
    """On record first: else what was killed in between leaves a file that nobody takes away."""
    page = a_page(b"0 0 0 rg 70 70 9 9 re f")

    async def work(issuing: Issuing) -> None:
        full = replace(issuing, blobs=Full(walks.settings.home / "blobs"))
        with pytest.raises(OSError, match="space"):
            await take_file(full, "a client", page, NOW)

    with_issuing(walks, work)
    digest = hashlib.sha256(page).digest()
    assert [row["client"] for row in walks.rows("select client from external_file where sha256 = $1", digest)] == [
        "a client"
    ]
    assert sent(walks, page, client="a client").sha256 == digest and blobs_of(walks).get(digest) == page
