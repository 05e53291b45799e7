"""A worker that is killed anywhere loses no request and doubles none; each use of a key is on record before it."""

import asyncio
import hashlib
import io
import multiprocessing
import os
import signal
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from document_desk import DEPARTMENT, DOCUMENTS, HEALTH, Runner, make_keys, open_desk, root_of
from made_up_documents import letter

from certsvc.domain.document_seal import JOB, Output, Rule, State
from certsvc.errors import TimestampUnavailable
from certsvc.issuance.documents.requests import read_sealed
from certsvc.issuance.documents.sealing import carry_out_request
from certsvc.store.jobs import JobQueue

pytestmark = pytest.mark.long

pytest_plugins = ["document_fixtures"]

CHILDREN = multiprocessing.get_context("forkserver")
CHILD_SECONDS = 60
BOTH = ((DOCUMENTS, Rule.LAST_PAGE_BOTTOM_RIGHT), (HEALTH, Rule.LAST_PAGE_BOTTOM_RIGHT))
ARROWS = ["prepared", "use_booked", "sealed"] * 2 + ["self_checked", "stored", "published"]
OF_DIGESTS = ["use_booked", "sealed"] * 2 + ["published"]
ONE, TWO = (hashlib.sha256(text).digest() for text in (b"one", b"two"))


def _work_and_die(uri: str, folder: Path, step: int) -> None:
    """Take a job as the worker does, with keys of this process's own, and be killed at the `step`-th arrow."""
    left = iter(range(step - 1))

    def dying(arrow: str, detail: Mapping[str, Any]) -> None:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    async def story() -> None:
        async with open_desk(uri, folder) as desk:
            sealer = replace(desk.sealer, walk=dying)
            async with JobQueue(desk.pool).taken((JOB,), datetime.now(UTC)) as job:
                assert job is not None
                await carry_out_request(sealer, job.key, datetime.now(UTC))

    asyncio.run(story())


def kill_at(uri: str, folder: Path, step: int) -> None:
    """Have a worker killed."""
    child = CHILDREN.Process(target=_work_and_die, args=(uri, folder, step))
    child.start()
    child.join(CHILD_SECONDS)
    assert child.exitcode == -signal.SIGKILL


def work_on(desk: Runner) -> int:
    """Do what the killed worker left: its job is free once the server has noticed that its connection is gone."""

    async def story() -> int:
        for _ in range(600):
            if done := await desk.desk.work():
                return done
            await asyncio.sleep(0.1)
        return 0

    done: int = desk.run(story())
    return done


def test_the_arrows_of_a_request_are_these(desk_of_documents: Runner) -> None:
    passed: list[str] = []
    walk = lambda arrow, detail: passed.append(str(arrow))  # noqa: E731
    desk_of_documents.run(desk_of_documents.desk.ask(letter(1), *BOTH))
    assert desk_of_documents.run(desk_of_documents.desk.work(walk)) == 1
    assert passed == ARROWS
    passed.clear()
    desk_of_documents.run(desk_of_documents.desk.ask_signatures(ONE, TWO))
    desk_of_documents.run(desk_of_documents.desk.work(walk))
    assert passed == OF_DIGESTS


@pytest.mark.parametrize("step", [1, 2, 3, 5, 6, 8])
def test_a_worker_killed_at_any_arrow_leaves_a_document_that_is_sealed_once(
    desk_of_documents: Runner, register_uri: str, folder: Path, step: int
) -> None:
    desk = desk_of_documents
    request = desk.run(desk.desk.ask(letter(1), *BOTH)).request
    kill_at(register_uri, folder, step)
    left = desk.run(desk.desk.office.requests.request(request.id))
    assert left.state is State.WAITING
    booked = ARROWS[:step].count("use_booked")
    assert len(desk.run(desk.desk.uses(request.id))) == booked
    assert work_on(desk) == 1
    assert len(desk.run(desk.desk.uses(request.id))) == booked + 2
    found = desk.run(read_sealed(desk.desk.office, DEPARTMENT, request.id))
    with pikepdf.open(io.BytesIO(found)) as document:
        assert len(document.Root.AcroForm.Fields) == 2
    assert desk.run(desk.desk.work()) == 0


def test_a_worker_killed_after_the_end_leaves_nothing_to_do(
    desk_of_documents: Runner, register_uri: str, folder: Path
) -> None:
    desk = desk_of_documents
    request = desk.run(desk.desk.ask(letter(1), *BOTH)).request
    kill_at(register_uri, folder, len(ARROWS))
    assert desk.run(desk.desk.office.requests.request(request.id)).state is State.DONE
    assert work_on(desk) == 1  # the job was left, and finds nothing to do
    assert len(desk.run(desk.desk.uses(request.id))) == 2


@pytest.mark.parametrize("step", range(1, len(OF_DIGESTS)))
def test_a_worker_killed_between_digests_signs_them_all_again_and_books_each_use(
    desk_of_documents: Runner, register_uri: str, folder: Path, step: int
) -> None:
    desk = desk_of_documents
    request = desk.run(desk.desk.ask_signatures(ONE, TWO, output=Output.RAW)).request
    kill_at(register_uri, folder, step)
    booked = OF_DIGESTS[:step].count("use_booked")
    assert len(desk.run(desk.desk.uses(request.id))) == booked
    assert work_on(desk) == 1
    assert len(desk.run(desk.desk.uses(request.id))) == booked + 2
    assert len(desk.run(desk.desk.office.requests.request(request.id)).signatures) == 2


def test_two_workers_at_once_seal_a_document_once(desk_of_documents: Runner) -> None:
    desk = desk_of_documents

    async def story() -> None:
        request = (await desk.desk.ask(letter(1))).request
        done = await asyncio.gather(desk.desk.work(), desk.desk.work(), desk.desk.work())
        assert sum(done) == 1
        assert len(await desk.desk.uses(request.id)) == 1

    desk.run(story())


def test_without_a_timestamp_a_document_waits_and_is_sealed_when_there_is_one(
    desk_of_documents: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = desk_of_documents
    request = desk.run(desk.desk.ask(letter(1))).request

    class Away:
        def timestamp(self, digest: bytes, now: datetime) -> bytes:
            raise TimestampUnavailable("时间戳服务不应答", "no timestamp authority answers")

    with monkeypatch.context() as patched:
        patched.setattr(desk.desk.keys, "_timestamper", Away())
        with pytest.raises(TimestampUnavailable):
            desk.run(desk.desk.work())
    assert desk.run(desk.desk.office.requests.request(request.id)).state is State.WAITING
    assert desk.run(desk.desk.work()) == 1
    assert desk.run(desk.desk.office.requests.request(request.id)).state is State.DONE


def test_what_does_not_pass_our_own_check_is_never_handed_out(
    desk_of_documents: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The roots that count are others than those of the key: the request fails for good, and nobody gets the file."""
    desk = desk_of_documents
    request = desk.run(desk.desk.ask(letter(1))).request
    others = root_of(make_keys(datetime.now(UTC))).public_bytes(Encoding.DER)
    sealer = replace(desk.desk.sealer, roots=lambda: (others,))
    desk.run(carry_out_request(sealer, request.id, datetime.now(UTC)))
    found = desk.run(desk.desk.office.requests.request(request.id))
    assert (found.state, found.sealed) == (State.FAILED, None)
    assert found.failure.code == "self_check_failed" and "not_our_anchor" in found.failure.en
    desk.run(desk.desk.work())
    notices = desk.run(
        desk.desk.fetch("select kind, client, data ->> 'request' as request from notice order by id desc limit 1")
    )
    assert notices == [{"kind": "seal_request.failed", "client": DEPARTMENT.name, "request": request.id}]
