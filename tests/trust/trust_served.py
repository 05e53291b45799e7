"""The trust role as a server process on loopback."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from trust_app import FOLDER, PER_MINUTE, ROOT

READY_SECONDS = 60.0
POLL_SECONDS = 0.05
SERVE = """\
import sys
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

Granian(
    "trust_app:trust_app", address="127.0.0.1", port=int(sys.argv[1]), interface=Interfaces.ASGI, workers=1,
    websockets=False, log_level=LogLevels.warning, factory=True,
).serve()
"""


def free_loopback_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served_trust(folder: Path, port: int, *, per_minute: int = 1000, log: Path | None = None) -> Iterator[str]:
    """Serve the authority in `folder` until the block ends; its address. `log` gets what it writes on stderr."""
    with trust_process(folder, port, per_minute=per_minute, log=log):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def trust_process(
    folder: Path, port: int, *, per_minute: int, log: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """The same; the server's process, whose worker is its child."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(Path(__file__).parent), str(ROOT))),
        FOLDER: str(folder),
        PER_MINUTE: str(per_minute),
    }
    with (log or Path(os.devnull)).open("w") as stderr:
        process = subprocess.Popen([sys.executable, "-c", SERVE, str(port)], env=environment, stderr=stderr)
        try:
            _wait_until_it_answers(process, f"http://127.0.0.1:{port}")
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_it_answers(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended"
        try:
            httpx.get(url + "/health", timeout=10)
        except httpx.TransportError:
            time.sleep(POLL_SECONDS)
        else:
            return
    raise AssertionError("not ready in time")
