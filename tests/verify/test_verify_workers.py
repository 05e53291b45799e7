"""Hostile PDFs in real worker processes: time and memory are limited, the pool recovers, and nothing is left behind."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from asking import run
from chosen import some
from flaws import Bench
from hostile import FILES, a_billion_forms, fifty_thousand_objects
from seal_workshop import NOW
from test_verify_bit_flips import KINDS

from certsvc.errors import UnreadableFile, WorkersBusy
from certsvc.verify.inspection import Inspection
from certsvc.verify.inspector import Inspector
from certsvc.verify.report import Outcome

pytest_plugins = ["verify_fixtures"]
Result = TypeVar("Result")
SECONDS = 4.0
SLACK = 2.0


class Pool:
    """An inspector that lives in a thread of its own, so that tests share its processes."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._inspector = Inspector(workers=1, seconds=SECONDS)
        self.run(self._inspector.__aenter__())

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    def inspect(self, data: bytes, roots: tuple[bytes, ...] = ()) -> Inspection:
        return self.run(self._inspector.inspect(data, roots, NOW))

    def close(self) -> None:
        self.run(self._inspector.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    opened = Pool()
    yield opened
    opened.close()


def workers_of(parent: int) -> list[int]:
    """The worker processes of a process."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent and b"certsvc.verify.worker" in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def wait_for(what: Callable[[], object], seconds: float = 10.0) -> None:
    """Until it is so, or the test fails."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


# ---- limits ----


@pytest.mark.parametrize("make", some(FILES), ids=lambda make: make.__name__)
def test_a_hostile_file_is_unreadable_or_unsealed_and_the_next_one_is_read(
    make: Callable[[], bytes], pool: Pool, bench: Bench
) -> None:
    data, began = make(), time.monotonic()
    try:
        seen = pool.inspect(data)
    except UnreadableFile:
        seen = Inspection(unreadable="worker ended")
    assert time.monotonic() - began < SECONDS + SLACK
    assert seen.unreadable or "no_seal" in {check.reason for check in seen.checks}
    genuine = pool.inspect(bench.genuine.pdf, bench.workshop.roots)
    assert {check.outcome for check in genuine.checks} == {Outcome.PASSED}


def test_a_worker_answers_as_the_inspection_in_this_process(pool: Pool, bench: Bench) -> None:
    for kind in KINDS:
        altered = kind(bench.genuine.pdf, len(bench.genuine.pdf) // 3, random.Random(7))
        seen = pool.inspect(altered, bench.workshop.roots)
        assert seen.unreadable or any(check.outcome is not Outcome.PASSED for check in seen.checks)


def in_a_worker(code: str, *, seconds: float = 30.0, cpu_seconds: int = 1) -> subprocess.CompletedProcess[bytes]:
    """A worker of the real module whose inspection is replaced by `code`, asked once."""
    script = f"""
import msgspec, sys, io
from certsvc.limited import LENGTH
from certsvc.verify import worker
from certsvc.verify.inspection import Inspection, Request
def inspect_pdf(pdf, roots, now):
{code}
worker.inspect_pdf = inspect_pdf
worker.CPU_SECONDS = {cpu_seconds}
request = msgspec.msgpack.encode(Request(pdf=b"", roots=(), now=0.0))
out = io.BytesIO()
worker.serve(io.BytesIO(len(request).to_bytes(LENGTH, "big") + request), out)
print(msgspec.msgpack.decode(out.getvalue()[LENGTH:], type=Inspection).unreadable)
"""
    return subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=seconds, check=False)


@pytest.mark.long
def test_a_worker_that_wants_too_much_memory_says_so() -> None:
    done = in_a_worker("    bytearray(3 * 1024**3)", cpu_seconds=20)
    assert (done.returncode, done.stdout) == (0, b"MemoryError\n"), done.stderr


@pytest.mark.long
def test_a_worker_that_computes_too_long_is_ended_by_the_kernel() -> None:
    began = time.monotonic()
    done = in_a_worker("    while True: pass")
    assert done.returncode == -signal.SIGXCPU
    assert time.monotonic() - began < 10


@pytest.mark.long
def test_a_worker_can_write_no_file(tmp_path: Path) -> None:
    done = in_a_worker(f"    open({str(tmp_path / 'taken')!r}, 'wb', buffering=0).write(b'x')")
    assert done.returncode != 0
    assert not (tmp_path / "taken").exists() or (tmp_path / "taken").stat().st_size == 0


def test_a_worker_that_sends_no_answer_of_its_kind_is_unreadable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As one that a file has taken over: an endless answer, and one that is no message."""
    for answer in (b"\xff" * 8, (3).to_bytes(8, "big") + b"\xc1\xc1\xc1"):
        fake = tmp_path / "python"
        say = f"sys.stdout.buffer.write({answer!r}); sys.stdout.flush(); time.sleep(30)"
        fake.write_text(f"#!{sys.executable}\nimport sys, time\n{say}\n")
        fake.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(fake))
        with pytest.raises(UnreadableFile):
            run(inspect_once(b"%PDF-"))
        monkeypatch.undo()


async def inspect_once(data: bytes, seconds: float = SECONDS) -> Inspection:
    async with Inspector(workers=1, seconds=seconds) as inspector:
        return await inspector.inspect(data, (), NOW)


# ---- the pool ----


@pytest.mark.long
def test_too_many_callers_are_told_so_and_their_place_is_given_back() -> None:
    async def crowd() -> list[object]:
        async with Inspector(workers=1, waiting=1) as inspector:
            asking = [inspector.inspect(fifty_thousand_objects(), (), NOW) for _ in range(4)]
            first = await asyncio.gather(*asking, return_exceptions=True)
            again = await asyncio.gather(inspector.inspect(b"%PDF-", (), NOW), return_exceptions=True)
            return [*first, *again]

    *crowded, again = run(crowd())
    assert sum(isinstance(answer, WorkersBusy) for answer in crowded) == 2
    assert sum(isinstance(answer, Inspection) for answer in crowded) == 2
    assert isinstance(again, Inspection)


@pytest.mark.long
def test_callers_who_go_away_leave_their_place_in_the_line() -> None:
    async def come_and_go() -> list[Inspection]:
        async with Inspector(workers=1, waiting=2) as inspector:
            asking = [asyncio.create_task(inspector.inspect(b"%PDF-", (), NOW)) for _ in range(3)]
            await asyncio.sleep(0)
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
            return await asyncio.gather(*(inspector.inspect(b"%PDF-", (), NOW) for _ in range(3)))

    assert [bool(seen.unreadable) for seen in run(come_and_go())] == [True] * 3


@pytest.mark.long
def test_the_answer_for_a_caller_who_went_away_reaches_nobody_else(bench: Bench) -> None:
    async def swap() -> Inspection:
        async with Inspector(workers=1, seconds=10) as inspector:
            await inspector.inspect(b"%PDF-", (), NOW)
            gone = asyncio.create_task(inspector.inspect(bench.genuine.pdf, bench.workshop.roots, NOW))
            await asyncio.sleep(0.02)
            gone.cancel()
            return await inspector.inspect(b"%PDF-", (), NOW)

    assert run(swap()).unreadable


@pytest.mark.long
def test_a_worker_that_is_killed_at_work_is_replaced(pool: Pool, bench: Bench) -> None:
    def kill() -> None:
        time.sleep(0.5)
        for pid in workers_of(os.getpid()):
            os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    pool.inspect(b"%PDF-")
    killer.start()
    with pytest.raises(UnreadableFile):
        pool.inspect(a_billion_forms())
    killer.join()
    assert pool.inspect(bench.genuine.pdf, bench.workshop.roots).unreadable is None


@pytest.mark.long
def test_a_worker_that_is_killed_while_idle_costs_nobody_an_answer(pool: Pool, bench: Bench) -> None:
    pool.inspect(b"%PDF-")
    (worker,) = workers_of(os.getpid())
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: worker not in workers_of(os.getpid()))
    time.sleep(0.1)
    assert pool.inspect(bench.genuine.pdf, bench.workshop.roots).unreadable is None


# ---- what a worker has ----


@pytest.mark.long
def test_a_worker_gets_no_secret_in_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CERTSVC_PASSPHRASE", "made-up-secret")
    monkeypatch.setenv("CERTSVC_DATABASE_URI", "postgresql://made-up-secret@localhost/x")

    def environments() -> bytes:
        return b"\n".join(Path(f"/proc/{pid}/environ").read_bytes() for pid in workers_of(os.getpid()))

    async def environment() -> bytes:
        async with Inspector(workers=1) as inspector:
            await inspector.inspect(b"%PDF-", (), NOW)
            return await asyncio.to_thread(environments)

    seen = run(environment())
    assert seen
    assert b"made-up-secret" not in seen
    assert b"CERTSVC_" not in seen


@pytest.mark.long
def test_reading_files_loads_no_pdf_code_into_the_process_that_serves() -> None:
    code = "import sys, certsvc.verify.inspector; print([m for m in ('pyhanko', 'pypdfium2') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.long
def test_workers_end_with_the_process_that_started_them_even_at_work(tmp_path: Path) -> None:
    hours = tmp_path / "hours.pdf"
    hours.write_bytes(a_billion_forms())
    script = f"""
import asyncio, datetime, pathlib
from certsvc.verify.inspector import Inspector
async def main():
    async with Inspector(workers=1, seconds=60) as inspector:
        now = datetime.datetime.now(datetime.UTC)
        await inspector.inspect(b"%PDF-", (), now)
        print("ready", flush=True)
        await inspector.inspect(pathlib.Path({str(hours)!r}).read_bytes(), (), now)
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None and parent.stdout.readline() == b"ready\n"
        time.sleep(0.3)
        (worker,) = workers_of(parent.pid)
        parent.kill()
        parent.wait(10)
        wait_for(lambda: not Path(f"/proc/{worker}/cmdline").exists(), seconds=3)


@pytest.mark.long
def test_the_pool_leaves_no_process_behind() -> None:
    before = workers_of(os.getpid())
    run(inspect_once(b"%PDF-"))
    assert workers_of(os.getpid()) == before
