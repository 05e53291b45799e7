"""A batch from its first byte to its manifest: rows a second, how busy both cores are, and whether memory stays flat.

`python -m tests.bench.batch ROWS [PROCESSES [AT_ONCE]]`, or `main(rows)` from another bench.
"""

import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from certsvc import app
from certsvc.domain.actor import Actor
from certsvc.domain.acts import Act
from certsvc.domain.batch import Batch, BatchRequest, BatchState, Form, RowState
from certsvc.issuance.batches.requests import BatchOffice, conclude, receive
from certsvc.issuance.batches.work import BatchWorker
from certsvc.issuance.service import silent_walk
from certsvc.issuing import open_issuing
from certsvc.jobs.batches import do_batches
from certsvc.log import open_log
from certsvc.settings import Settings, load_settings
from certsvc.store.batch_work import BatchWork
from certsvc.store.batches import PostgresBatches
from certsvc.store.manifests import FileManifests
from certsvc.store.pool import open_pool

ROWS, PROCESSES, AT_ONCE = 300, 1, 4
TYPE, SENDER = "food-business", "bench"
SCOPES = frozenset({"issue:*"})
EXAMPLE = Path(__file__).resolve().parents[2] / "schemas" / TYPE / "v1" / "examples" / "good-snack-bar.json"
TICKS, PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGESIZE")
LOOKS, TELLS = 1.0, 60.0
"""Seconds between looks; between lines on standard error that say how far it has come."""

GOING = frozenset({BatchState.CHECKING, BatchState.RUNNING})


def main(rows: int = ROWS, processes: int = PROCESSES, at_once: int = AT_ONCE) -> None:
    """Measure, print, and leave nothing."""
    with tempfile.TemporaryDirectory(prefix="certsvc-bench-") as folder:
        Path(folder).chmod(0o711)
        home = Path(folder) / "home"
        print("demo --once …", file=sys.stderr)
        environment = {"CERTSVC_HOME": str(home), "PYTHONUTF8": "1", "PATH": "/usr/bin:/bin"}
        command = [sys.executable, "-m", "certsvc", "demo", "--once"]
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        settings = load_settings({"CERTSVC_HOME": str(home)})
        with app.databases(settings) as uris:
            asyncio.run(_measure(settings, uris.writer, rows, processes, at_once))


async def _measure(settings: Settings, uri: str, rows: int, processes: int, at_once: int) -> None:
    async with open_issuing(settings, uri, silent_walk, datetime.now(UTC)) as issuing, open_pool(uri) as pool:
        manifests = FileManifests(settings.home / "manifests")
        office = BatchOffice(batches=PostgresBatches(pool), issuing=issuing, manifests=manifests)
        began = time.perf_counter()
        batch = await _send(office, rows)
        print(
            f"{rows} rows, {(batch.size or 0) >> 10} KiB, taken in at {rows / (time.perf_counter() - began):.0f} rows/s"
        )
        command = [sys.executable, "-m", "tests.bench.batch", "--worker", uri, str(at_once)]
        environment = os.environ | {"CERTSVC_HOME": str(settings.home)}
        workers = [subprocess.Popen(command, env=environment) for _ in range(processes)]  # noqa: ASYNC220
        try:
            await _watch(office, batch, rows, settings.home)
        finally:
            for worker in workers:
                worker.terminate()
            for worker in workers:
                worker.wait()


async def _send(office: BatchOffice, rows: int) -> Batch:
    payload = json.loads(EXAMPLE.read_text("utf-8"))

    async def lines() -> AsyncIterator[bytes]:
        for row in range(1, rows + 1):
            one = {
                "payload": payload | {"address": f"云山市云岗镇石塘村东二巷{row + 1000}号"}
            }  # one permit for each place
            yield json.dumps(one, ensure_ascii=False).encode() + b"\n"

    request = BatchRequest(client=SENDER, key="bench", act=Act.ISSUE, type_id=TYPE, form=Form.NDJSON, scopes=SCOPES)
    receipt = await receive(office, Actor(name=SENDER, scopes=SCOPES), request, lines(), datetime.now(UTC))
    return await conclude(office, receipt, request, datetime.now(UTC))


async def _watch(office: BatchOffice, batch: Batch, rows: int, home: Path) -> None:
    """Until it is finished; measured is what lies between the first tenth of the rows and the last row."""
    seen: list[tuple[float, int, Mapping[str, float], float]] = []
    told = time.perf_counter()
    while (batch := await office.batches.batch(batch.id)).state in GOING:
        done = batch.counts[RowState.DONE]
        if time.perf_counter() - told >= TELLS:
            told += TELLS
            checked = rows - batch.counts[RowState.RECEIVED]
            print(
                f"{checked} rows checked, {done} of {rows} done, {_resident(home):.0f} MiB", file=sys.stderr, flush=True
            )
        if done >= rows // 10 and batch.counts[RowState.READY]:
            seen.append((time.perf_counter(), done, _seconds(home), _resident(home)))
        await asyncio.sleep(LOOKS)
    print(
        f"counts: {json.dumps({state.value: count for state, count in batch.counts.items() if count})}, {batch.state}"
    )
    if len(seen) < 3:
        print("too few rows to tell")
        return
    (began, first, before, _), (ended, last, after, _) = seen[0], seen[-1]
    cores, wall, count = os.cpu_count() or 1, ended - began, max(1, last - first)
    spent = {name: after.get(name, 0.0) - before.get(name, 0.0) for name in after}
    busy = 100 * sum(spent.values()) / wall / cores
    print(f"{count / wall:.2f} rows/s; {busy:.0f} % of {cores} cores busy with it")
    print("CPU a row: " + ", ".join(f"{name} {1000 * seconds / count:.0f} ms" for name, seconds in spent.items()))
    fifth = max(1, len(seen) // 5)
    early, late = (statistics.mean(one[3] for one in part) for part in (seen[:fifth], seen[-fifth:]))
    print(f"memory of all its processes: {early:.0f} MiB in the first fifth, {late:.0f} MiB in the last")


def _ours(home: Path) -> Mapping[str, set[int]]:
    """The processes at work (proc(5)): the workers, their readers of PDFs, and PostgreSQL."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    workers = {pid for pid, parent in parents.items() if parent == os.getpid() and b"--worker" in _command(pid)}
    readers = {pid for pid, parent in parents.items() if parent in workers}
    postmaster = int((home / "postgres/data/postmaster.pid").read_text().splitlines()[0])
    servers = {pid for pid, parent in parents.items() if postmaster in (pid, parent)}
    return {"workers": workers, "readers": readers, "PostgreSQL": servers}


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _seconds(home: Path) -> Mapping[str, float]:
    """Processor time so far. What ended of a worker's children were readers."""
    spent = dict.fromkeys(("workers", "readers", "PostgreSQL"), 0.0)
    for name, pids in _ours(home).items():
        for stat in filter(None, map(_stat, pids)):
            own, ended = (sum(map(int, stat[first : first + 2])) / TICKS for first in (11, 13))
            spent[name] += own
            spent["readers" if name == "workers" else name] += ended
    return spent


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _resident(home: Path) -> float:
    """MiB of workers and readers, without what processes share (proc(5) statm)."""
    total = 0
    for pid in (found := _ours(home))["workers"] | found["readers"]:
        with contextlib.suppress(OSError, ValueError):
            _, resident, shared = Path(f"/proc/{pid}/statm").read_text().split()[:3]
            total += int(resident) - int(shared)
    return total * PAGE / 1024**2


async def _work(uri: str, at_once: int) -> None:
    async def anybody(name: str, scopes: frozenset[str]) -> Actor:
        return Actor(name=name, scopes=scopes)

    def unexpected(row: str, error: Exception) -> None:
        raise error

    settings = load_settings()
    async with (
        open_issuing(settings, uri, silent_walk, datetime.now(UTC)) as issuing,
        open_pool(uri, seconds=300, most=2 * at_once + 4) as pool,
    ):
        worker = BatchWorker(
            work=BatchWork(pool),
            issuing=issuing,
            manifests=FileManifests(settings.home / "manifests"),
            actor_of=anybody,
            unexpected=unexpected,
        )
        await do_batches(worker, asyncio.Event(), open_log(), at_once=at_once)


def _arguments() -> list[Any]:
    return [int(argument) for argument in sys.argv[1:]]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        asyncio.run(_work(sys.argv[2], int(sys.argv[3])))
    else:
        main(*_arguments())
