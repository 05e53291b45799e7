"""One process at a time, by a lock on an open file that the system takes back from a process that dies."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from certsvc.errors import CustodyError

WAIT = 30.0
"""Seconds: what is done under the lock takes far less, but for a token that finds the primes of a key."""
POLL = 0.005


@contextmanager
def alone(file: BinaryIO, path: Path) -> Iterator[None]:
    """Hold `file`, which was opened from `path`, against every other process of this machine.

    Raises:
        CustodyError: another one has been holding it for `WAIT` seconds.
    """
    end = time.monotonic() + WAIT
    while not _taken(file):
        if time.monotonic() > end:
            raise CustodyError(f"另一进程一直占用 {path}。", f"Another process keeps {path} to itself.")
        time.sleep(POLL)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)  # by hand: a process forked meanwhile has the file open as well


def _taken(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
