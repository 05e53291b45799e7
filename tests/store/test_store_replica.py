"""A read replica: it answers a scan, and says how old its answer may be."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from embedded_fixture import running_server
from made_up import NOW, TODAY, issue, licence, permit

from certsvc.domain.certificate import RegisteredCertificate
from certsvc.domain.states import Status
from certsvc.ids import Ref
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.pool import open_pool
from certsvc.store.postmaster import Postmaster, State
from certsvc.store.programs import account_for, embedded_programs, run
from certsvc.store.reader import PostgresReader
from certsvc.store.register import PostgresRegister

pytestmark = pytest.mark.long


@pytest.fixture
def pair() -> Iterator[tuple[EmbeddedServer, str]]:
    """A primary, and the address of its replica for the public role."""
    with tempfile.TemporaryDirectory(prefix="certsvc-") as folder:
        Path(folder).chmod(0o711)
        with running_server(Path(folder) / "home") as primary:
            copy = Path(folder) / "home" / "postgres" / "copy"
            yield from with_replica(primary, Path(folder) / "home", copy)


def with_replica(primary: EmbeddedServer, home: Path, copy: Path) -> Iterator[tuple[EmbeddedServer, str]]:
    account, programs = account_for(home), embedded_programs()
    where = parse_qs(urlsplit(primary.uri("certsvc")).query)["host"][0]
    run(account, programs / "pg_basebackup", "-h", where, "-U", "postgres", "-D", copy, "-R", "-c", "fast")
    sockets = home / "postgres" / "replica"
    run(account, Path("/bin/mkdir"), sockets)
    replica = Postmaster(copy, home / "postgres" / "replica.log")
    replica.launch(account, programs, sockets)
    try:
        wait_until_up(replica)
        yield primary, primary.uri("certsvc_public").replace(where, str(sockets))
    finally:
        replica.end()


def wait_until_up(replica: Postmaster) -> None:
    deadline = time.monotonic() + 20
    while replica.state() is not State.READY:
        assert replica.state() is not State.GONE, replica.last_words()
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def seen(reader: PostgresReader, ref: Ref) -> RegisteredCertificate:
    """What the replica says of `ref`, as soon as it has heard of it."""
    for _ in range(500):
        gathered = await reader.gather(ref, TODAY, NOW)
        if gathered is not None:
            return gathered.certificate
        await asyncio.sleep(0.01)
    raise AssertionError("the replica never heard of it")


def test_a_replica_answers_and_says_how_old_its_answer_may_be(pair: tuple[EmbeddedServer, str]) -> None:
    primary, replica_uri = pair

    async def story() -> None:
        async with open_pool(primary.uri("certsvc")) as writing, open_pool(replica_uri, read_only=True) as reading:
            register, reader = PostgresRegister(writing), PostgresReader(reading)
            assert (await seen(register, await issue(register, licence()))).status_age_s == 0
            certificate = await seen(reader, await issue(register, permit()))
            assert certificate.status is Status.VALID
            assert 0 <= certificate.status_age_s <= 5
            await asyncio.sleep(1.1)
            assert (await seen(reader, certificate.ref)).status_age_s > certificate.status_age_s

    asyncio.run(story())
