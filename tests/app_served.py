"""An ASGI application at a port of loopback, in a thread of the test's own process."""

import asyncio
import io
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from granian.constants import Interfaces
from granian.server.embed import Server

TRIES, PAUSE = 600, 0.05


def free_port() -> int:
    """A port that nobody uses at this moment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class _Nowhere(io.TextIOBase):
    """Takes everything; an application keeps it for as long as it lives."""

    def write(self, text: str) -> int:
        return len(text)


@contextmanager
def quietly() -> Iterator[None]:
    """Whoever makes an application meanwhile has its access log written nowhere: other tests read theirs."""
    standard, sys.stderr = sys.stderr, _Nowhere()
    try:
        yield
    finally:
        sys.stderr = standard


@contextmanager
def app_served(app: Any, port: int) -> Iterator[None]:
    """Serve until the block ends."""
    server = Server(app, address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_enabled=False)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=(server.serve(),), daemon=True)
    thread.start()
    try:
        wait_for(port)
        yield
    finally:
        loop.call_soon_threadsafe(server.stop)
        thread.join(10)
        loop.close()


def wait_for(port: int) -> None:
    """Wait until something listens there."""
    for _ in range(TRIES):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(PAUSE)
    raise AssertionError(f"nothing listens at {port}")
