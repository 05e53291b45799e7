"""A command that serves, started as a person would start it, and asked over HTTP."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx
from demonstration import ROOT, Home

READY_SECONDS, STOP_SECONDS = 240.0, 60.0
POLL_SECONDS = 0.1


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Served:
    """A running command and its address."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str, accept: str = "application/json") -> httpx.Response:
        """Ask; nothing is followed."""
        return httpx.get(self.url + path, headers={"Accept": accept}, timeout=30)

    def wait_until_ready(self) -> None:
        """Return when `/health` says so; fail with what the process said if it ends before."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.process.communicate()
            try:
                if self.get("/health").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(POLL_SECONDS)
        raise AssertionError("not ready in time")

    def stop(self) -> tuple[str, str]:
        """Ctrl-C; what it said on both streams."""
        self.process.send_signal(signal.SIGINT)
        return self.process.communicate(timeout=STOP_SECONDS)


def children(pid: int) -> list[int]:
    """The processes that a process began: they hold its streams, and some live on when it is killed."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")  # each thread has its own
    return [int(child) for each in lists for child in each.read_text().split()]


@contextmanager
def served(
    home: Home,
    *arguments: object,
    port: int,
    wait: Callable[[Served], None] = Served.wait_until_ready,
    said: IO[str] | int = subprocess.PIPE,
) -> Iterator[Served]:
    """Run `certsvc …` until the block ends; killed if it did not end by itself. `wait` returns when it may begin, and
    `said` is where its streams go: a pipe that nobody reads is full after some hundred requests."""
    command = [sys.executable, "-m", "certsvc", *map(str, arguments), "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=home.environment, stdout=said, stderr=said, text=True)
    try:
        running = Served(process, port)
        wait(running)
        yield running
    finally:
        if process.poll() is None:
            for child in (*children(process.pid), process.pid):
                os.kill(child, signal.SIGKILL)
            process.communicate()
