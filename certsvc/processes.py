"""Processes that begin others: none is outlived by those, and one of those that ends too soon is begun anew."""

import ctypes
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

PR_SET_PDEATHSIG = 1  # Linux, prctl(2)
LOOK_SECONDS = 0.2
PAUSE_SECONDS = 2.0
"""Before a process is begun anew: one that cannot start must not eat the machine."""


def end_with_parent(how: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel send this process a signal when the one that began it ends, also while it is at work."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, how)


@contextmanager
def kept_running(
    command: Sequence[str], environment: Mapping[str, str], ended: Callable[[int], None]
) -> Iterator[None]:
    """Keep a process running beside this one until the block ends, and then end it. `ended` hears the exit status of
    one that ended by itself, which is begun anew."""
    stop = threading.Event()
    keeper = threading.Thread(target=_keep, args=(command, environment, ended, stop), name="keeper")
    keeper.start()  # the thread that begins a process lives as long as it: the kernel calls that thread its parent
    try:
        yield
    finally:
        stop.set()
        keeper.join()


def _keep(
    command: Sequence[str], environment: Mapping[str, str], ended: Callable[[int], None], stop: threading.Event
) -> None:
    while not stop.is_set():
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)  # noqa: S603 - our own
        while process.poll() is None and not stop.wait(LOOK_SECONDS):
            pass
        if process.poll() is None:
            process.terminate()
            process.wait()
        else:
            ended(process.returncode)
            stop.wait(PAUSE_SECONDS)
