"""`./dev bench api [ROWS]`: what the API adds to the work of issuing, in processor time of everything that takes part.

The same certificates are issued in two ways, in rounds taken in turn: by `issue()` in one process, as the command line
does, and over HTTP through office and worker. Counted are all processes of each way, with their readers of PDFs and
PostgreSQL; not who asks. While one way works the other is stopped. Then a batch is run, with the same many rows.
Figures, no judgement: nothing here passes or fails.
"""

import asyncio
import contextlib
import importlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from certsvc import app
from certsvc.client import Client
from certsvc.domain.actor import Actor
from certsvc.domain.issuing import Order
from certsvc.issuance.issue import issue
from certsvc.issuance.service import silent_walk
from certsvc.issuing import open_issuing
from certsvc.settings import Settings, load_settings

ROUNDS, EACH, WARM, BATCH_ROWS = 5, 10, 4, 10_000
ROOT = Path(__file__).resolve().parents[2]
TYPE = "food-business"
EXAMPLE = ROOT / "schemas" / TYPE / "v1" / "examples" / "good-snack-bar.json"
TICKS = os.sysconf("SC_CLK_TCK")
READY_SECONDS = 60.0
DIRECT, API = "direct", "over the API"


def main(rows: int = BATCH_ROWS) -> None:
    """Make a demonstration in a folder of its own, measure, print, and leave nothing."""
    with tempfile.TemporaryDirectory(prefix="certsvc-bench-") as folder:
        Path(folder).chmod(0o711)
        home = Path(folder) / "home"
        print("demo --once …", file=sys.stderr)
        _certsvc(home, "demo", "--once")
        settings = load_settings({"CERTSVC_HOME": str(home)})
        with app.databases(settings) as uris, _service(settings) as service, _direct(settings, uris.writer) as direct:
            asyncio.run(_measure(settings, service, direct))
    if rows:
        importlib.import_module("tests.bench.batch").main(rows)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to issue: the process that began all of its processes."""

    process: subprocess.Popen[str]
    client_id: str = ""
    key: Path = Path()
    url: str = ""

    def pause(self, *, on: bool) -> None:
        """Stop or go on: what waits must not cost the other way anything."""
        for pid in (self.process.pid, *_descendants(self.process.pid)):
            os.kill(pid, signal.SIGSTOP if on else signal.SIGCONT)


def _payload(number: int) -> dict[str, Any]:
    example: dict[str, Any] = json.loads(EXAMPLE.read_text("utf-8"))
    return example | {"address": f"云山市云岗镇石塘村东二巷{number + 1000}号"}  # one permit for each place


def _certsvc(home: Path, *arguments: object) -> str:
    environment = {"CERTSVC_HOME": str(home), "PYTHONUTF8": "1", "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "certsvc", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


@contextlib.contextmanager
def _service(settings: Settings) -> Iterator[Way]:
    home, port = settings.home, _free_port()
    url, key, jwks = f"http://127.0.0.1:{port}", home / "bench.pem", home / "bench.jwks"
    jwks.write_text(_certsvc(home, "client", "key", key), encoding="utf-8")
    added = json.loads(_certsvc(home, "client", "add", "bench", "--jwks", jwks, "--scope", "issue:* read:*", "--json"))
    environment = {
        "CERTSVC_HOME": str(home),
        "CERTSVC_OFFICE_URL": url,
        "CERTSVC_OFFICE_REQUESTS_PER_MINUTE": "1000000",
        "PYTHONUTF8": "1",
        "PATH": "/usr/bin:/bin",
    }
    command = [sys.executable, "-m", "certsvc", "serve", "--role", "all", "--port", str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **quiet)  # type: ignore[call-overload]
    try:
        _wait_until_ready(url)
        yield Way(process, added["id"], key, url)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/health", headers={"Accept": "application/json"}).status_code == 200:
                return
        time.sleep(0.2)
    sys.exit("the service is not ready in time")


@contextlib.contextmanager
def _direct(settings: Settings, uri: str) -> Iterator[Way]:
    command = [sys.executable, "-m", "tests.bench.api", "--direct", uri]
    environment = os.environ | {"CERTSVC_HOME": str(settings.home)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipes)  # type: ignore[call-overload]
    try:
        yield Way(process)
    finally:
        process.stdin.close()
        process.wait()


async def _measure(settings: Settings, service: Way, direct: Way) -> None:
    numbers = iter(range(0, 1_000_000, EACH))
    async with Client(service.url, service.client_id, key=service.key) as api:
        await _round(settings, service, direct, api, next(numbers), WARM, over_api=True)
        await _round(settings, service, direct, api, next(numbers), WARM, over_api=False)
        spent: dict[str, list[Mapping[str, float]]] = {DIRECT: [], API: []}
        for _ in range(ROUNDS):
            for name in (DIRECT, API):
                start = next(numbers)
                used = await _round(settings, service, direct, api, start, EACH, over_api=name == API)
                spent[name].append({part: seconds / EACH for part, seconds in used.items()})
    _show(spent)


async def _round(
    settings: Settings, service: Way, direct: Way, api: Client, start: int, count: int, *, over_api: bool
) -> Mapping[str, float]:
    """Processor seconds of so many certificates, by what they were spent in."""
    way, other = (service, direct) if over_api else (direct, service)
    other.pause(on=True)
    before = _seconds(settings.home, way)
    if over_api:
        for number in range(start, start + count):
            await api.certificates.issue(TYPE, _payload(number), key=f"api-{number}")
    else:
        _ask_directly(direct, start, count)
    after = _seconds(settings.home, way)
    other.pause(on=False)
    return {part: after[part] - before.get(part, 0.0) for part in after}


def _ask_directly(direct: Way, start: int, count: int) -> None:
    assert direct.process.stdin is not None and direct.process.stdout is not None
    direct.process.stdin.write(f"{start} {count}\n")
    direct.process.stdin.flush()
    direct.process.stdout.readline()


def _show(spent: Mapping[str, list[Mapping[str, float]]]) -> None:
    middles = {}
    for name, rounds in spent.items():
        totals = sorted(sum(each.values()) for each in rounds)
        parts = {part: statistics.median(each.get(part, 0.0) for each in rounds) for part in rounds[-1]}
        middles[name] = statistics.median(totals)
        said = ", ".join(f"{part} {1000 * seconds:.1f}" for part, seconds in parts.items())
        print(f"{name:14} {1000 * middles[name]:7.1f} ms CPU a certificate ({said}; slowest {1000 * totals[-1]:.1f})")
    added = 100 * (middles[API] / middles[DIRECT] - 1)
    print(f"the API adds {added:.1f} % to the work of issuing; {ROUNDS} rounds of {EACH} in turn, load {_load():.1f}")


def _load() -> float:
    return os.getloadavg()[0]


def _stat(pid: int) -> list[str]:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return []


def _descendants(root: int) -> set[int]:
    parents = {int(path.parent.name): _stat(int(path.parent.name)) for path in Path("/proc").glob("[0-9]*/stat")}
    found: set[int] = {root}
    while new := {pid for pid, stat in parents.items() if stat and int(stat[1]) in found} - found:
        found |= new
    return found - {root}


def _spent(pids: set[int]) -> float:
    """Seconds of these processes, with those of their children that have ended (proc(5))."""
    return sum(sum(map(int, stat[11:15])) for pid in pids if (stat := _stat(pid))) / TICKS


def _kind(pid: int) -> str:
    """What a process is, by its command line."""
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        for mark, kind in ((b"--with-parent", "worker"), (b"verify.worker", "readers"), (b"--direct", "issuing")):
            if mark in words:
                return kind
    return "office"


def _seconds(home: Path, way: Way) -> dict[str, float]:
    spent: dict[str, float] = {}
    for pid in {way.process.pid, *_descendants(way.process.pid)}:
        kind = _kind(pid)
        spent[kind] = spent.get(kind, 0.0) + _spent({pid})
    postmaster = int((home / "postgres/data/postmaster.pid").read_text().splitlines()[0])
    return spent | {"PostgreSQL": _spent({postmaster, *_descendants(postmaster)})}


async def _issue_directly(uri: str) -> None:
    settings, actor = load_settings(), Actor(name="bench-direct", scopes=frozenset({"issue:*"}))
    async with open_issuing(settings, uri, silent_walk, datetime.now(UTC)) as issuing:
        while line := await asyncio.to_thread(sys.stdin.readline):
            start, count = map(int, line.split())
            for number in range(start, start + count):
                order = Order(client=actor.name, key=str(number), type_id=TYPE, payload=_payload(number))
                await issue(issuing, actor, order, datetime.now(UTC))
            print("done", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--direct"]:
        asyncio.run(_issue_directly(sys.argv[2]))
    else:
        main(*map(int, sys.argv[1:]))
