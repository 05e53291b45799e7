"""Processes that begin others: none is outlived by those, and one of those that ends too soon is begun anew.

Run as a program (`begun_by_this`) it becomes another one that ends with its parent. It needs nothing but Python itself.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

PR_SET_PDEATHSIG = 1  # Linux, prctl(2)
LOOK_SECONDS = 0.2
PAUSE_SECONDS = 2.0
"""Before a process is begun anew: one that cannot start must not eat the machine."""


def end_with_parent(how: signal.Signals = signal.SIGKILL, parent: int | None = None) -> None:
    """Have the kernel send this process a signal when the one that began it ends, also while it is at work; and send it
    now if that has happened already. `parent` is the process that began it; one that `multiprocessing` began knows."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, how)
    begun_by = _process_that_began_this() if parent is None else parent
    if begun_by is not None and begun_by != os.getppid():
        os.kill(os.getpid(), how)


def _process_that_began_this() -> int | None:
    """Of a process begun by `fork` or `spawn`, not by a fork server: the kernel calls that its parent."""
    from multiprocessing import parent_process

    began = parent_process()
    return began.pid if began else None


def begun_by_this(command: Sequence[str], how: signal.Signals = signal.SIGTERM) -> list[str]:
    """The command for a process of ours that ends with this one from its first moment, before its program is loaded.
    Its program need not know of it."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(int(how)), *command]


@contextmanager
def kept_running(
    command: Sequence[str],
    environment: Mapping[str, str],
    ended: Callable[[int], None],
    failed: Callable[[OSError], None] | None = None,
) -> Iterator[None]:
    """Keep a process running beside this one until the block ends, and then end it; it ends with this one, too. `ended`
    hears the exit status of one that ended by itself, `failed` why none could be begun (it is told on standard error
    where nobody hears it); then one is begun anew."""
    stop = threading.Event()
    told = failed or _tell
    keeper = threading.Thread(target=_keep, args=(command, environment, ended, told, stop), name="keeper")
    keeper.start()  # the thread that begins a process lives as long as it: the kernel calls that thread its parent
    try:
        yield
    finally:
        stop.set()
        keeper.join()


def _keep(
    command: Sequence[str],
    environment: Mapping[str, str],
    ended: Callable[[int], None],
    failed: Callable[[OSError], None],
    stop: threading.Event,
) -> None:
    while not stop.is_set():
        with suppress(OSError):  # a log that cannot be written is no reason to stop
            try:
                process = subprocess.Popen(  # noqa: S603 - our own
                    begun_by_this(command), env=environment, stdin=subprocess.DEVNULL
                )
            except OSError as error:
                failed(error)
            else:
                _watch(process, ended, stop)
        stop.wait(PAUSE_SECONDS)


def _watch(process: subprocess.Popen[bytes], ended: Callable[[int], None], stop: threading.Event) -> None:
    """Until it ends, or is to end."""
    while process.poll() is None and not stop.wait(LOOK_SECONDS):
        pass
    if process.poll() is None:
        process.terminate()
        process.wait()
    else:
        ended(process.returncode)


def _tell(error: OSError) -> None:
    print(f"进程没有起动，稍后再试：{error}。A process could not be begun, next try soon: {error}.", file=sys.stderr)


if __name__ == "__main__":
    end_with_parent(signal.Signals(int(sys.argv[2])), int(sys.argv[1]))
    os.execvp(sys.argv[3], sys.argv[3:])  # noqa: S606 - our own; what the kernel was told stays
