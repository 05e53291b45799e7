"""One PostgreSQL server process: is it there, launch it, end it."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from enum import Enum
from pathlib import Path

from certsvc.store.programs import Account, closed_to, explain

STOP_SECONDS = 30
POLL_SECONDS = 0.02
LOG_TAIL_BYTES = 64 * 1024

SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "200",  # all roles on one machine may have up to 90, and commands run beside them
    "shared_buffers": "128MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "timezone": "UTC",
    "logging_collector": "off",
    "log_statement": "none",
    "log_error_verbosity": "terse",  # no DETAIL lines: they quote rows
    "log_min_error_statement": "panic",
}


class State(Enum):
    """What is known of the server; `BUSY` is on its way up or down."""

    GONE = "gone"
    BUSY = "busy"
    READY = "ready"


class Postmaster:
    """The server over the cluster `data`; what it says goes to `log`."""

    def __init__(self, data: Path, log: Path) -> None:
        self._data = data
        self._log = log
        self._child: subprocess.Popen[bytes] | None = None

    def state(self) -> State:
        """What `postmaster.pid` says, believed only if that process serves this cluster."""
        lines = self._pid_file()
        if self._child is not None and self._child.poll() is None and not lines:
            return State.BUSY
        if not lines or not self._serves(lines[0]):
            return State.GONE
        return State.READY if len(lines) > 7 and lines[7].strip() == "ready" else State.BUSY

    def socket_folder(self) -> Path | None:
        """Where the running server listens; None when none runs."""
        lines = self._pid_file()
        return Path(lines[4]) if len(lines) > 4 else None

    def launch(self, account: Account, programs: Path, sockets: Path) -> None:
        """Start the process; `state` tells how it goes.

        Raises:
            MachineProblem: the program cannot be reached.
        """
        # A dead server whose process nobody reaps, or whose number another one got, still counts as alive for
        # PostgreSQL, which then refuses. A second server beside living backends is not to be feared: it finds their
        # shared memory by the inode of `data`.
        for left in (self._data / "postmaster.pid", sockets / ".s.PGSQL.5432.lock"):
            left.unlink(missing_ok=True)
        settings = SETTINGS | {"unix_socket_directories": '"' + str(sockets).replace('"', '""') + '"'}
        options = [f"--{name}={value}" for name, value in settings.items()]
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        with open(os.open(self._log, flags, 0o600), "wb") as log:
            try:
                self._child = subprocess.Popen(  # noqa: S603 - no shell, and the program is ours
                    [str(programs / "postgres"), "-D", str(self._data), *options],
                    **account.options,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C is for us, not for it
                )
            except PermissionError:
                raise closed_to(account, programs / "postgres") from None

    def last_words(self) -> str:
        """The end of its log."""
        with self._log.open("rb") as log:
            log.seek(max(0, self._log.stat().st_size - LOG_TAIL_BYTES))
            return log.read().decode("utf-8", "replace")

    def end(self) -> None:
        """Stop it: first with a checkpoint, then at once; what is committed stays either way.

        Raises:
            MachineProblem: it does not end.
        """
        for kind in (signal.SIGINT, signal.SIGQUIT):
            if self.state() is not State.GONE:
                self._signal(kind)
                self._wait_until_gone()
        if self.state() is not State.GONE:
            raise explain("postgres", "it does not end")

    def _signal(self, kind: signal.Signals) -> None:
        """Its file comes a moment after the process and goes a moment before it; then who launched it knows it."""
        if lines := self._pid_file():
            with suppress(ProcessLookupError):
                os.kill(int(lines[0]), kind)
        elif self._child is not None:
            self._child.send_signal(kind)

    def _wait_until_gone(self) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        while self.state() is not State.GONE and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)

    def _pid_file(self) -> list[str]:
        try:
            return (self._data / "postmaster.pid").read_text("utf-8").splitlines()
        except FileNotFoundError:
            return []

    def _serves(self, pid: str) -> bool:
        """A zombie has no command line, and a process that only got the same number has another one."""
        try:
            command = Path(f"/proc/{int(pid)}/cmdline").read_bytes()
        except (OSError, ValueError):
            return False
        return os.fsencode(self._data) in command.split(b"\0")
