"""The embedded server: on any machine, as root or not, through kills and races."""

import asyncio
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from certsvc.errors import MachineProblem
from certsvc.store import embedded
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.postmaster import Postmaster, State
from certsvc.store.programs import embedded_programs, explain

FORK = multiprocessing.get_context("fork")
AS_ROOT = pytest.mark.needs("root")
"""Only root becomes another account."""

NOBODY = 65534


@pytest.fixture
def new_home() -> Iterator[Path]:
    """A data folder to be, on a short path that other accounts can reach, and no server in it afterwards."""
    with tempfile.TemporaryDirectory(prefix="certsvc-") as folder:
        Path(folder).chmod(0o711)
        home = Path(folder) / "home"
        yield home
        stop_whatever_runs(home)


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A data folder with a cluster in it, to be copied."""
    with tempfile.TemporaryDirectory(prefix="certsvc-") as folder:
        Path(folder).chmod(0o711)
        server = EmbeddedServer(Path(folder) / "home")
        server.start()
        server.stop()
        yield Path(folder) / "home"


@pytest.fixture
def home(made: Path) -> Iterator[Path]:
    """A data folder that was used before, shared by tests that do it no harm."""
    yield made
    stop_whatever_runs(made)


@pytest.fixture
def spare(made: Path, new_home: Path) -> Path:
    """A data folder that was used before, to be damaged."""
    return copied(made, new_home)


def copied(made: Path, to: Path) -> Path:
    """A copy of a data folder with its owners and modes."""
    to.parent.mkdir(parents=True, exist_ok=True)
    to.parent.chmod(0o711)
    subprocess.run(["cp", "-a", made, to], check=True)
    return to


def stop_whatever_runs(home: Path) -> None:
    data = home / "postgres" / "data"
    if data.exists():
        Postmaster(data, home / "postgres" / "log").end()


def ask(server: EmbeddedServer, statement: str, role: str = "certsvc") -> object:
    async def story() -> object:
        connection = await asyncpg.connect(server.uri(role), timeout=10)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(story())


def state(home: Path) -> State:
    return Postmaster(home.resolve() / "postgres" / "data", home / "log").state()


def postmaster_pid(home: Path) -> int:
    return int((home / "postgres" / "data" / "postmaster.pid").read_text().split()[0])


def socket_folder(server: EmbeddedServer) -> Path:
    return Path(parse_qs(urlsplit(server.uri("certsvc")).query)["host"][0])


def in_child(story: Callable[[], None]) -> int:
    """Run `story` in a forked process; its exit status."""
    child = FORK.Process(target=story)
    child.start()
    child.join(60)
    return child.exitcode if child.exitcode is not None else 99


def test_what_was_committed_is_there_after_a_restart(home: Path) -> None:
    for expected in (1, 2, 3):
        server = EmbeddedServer(home)
        server.start()
        ask(server, "create table if not exists seen (n serial)")
        ask(server, "insert into seen default values")
        assert ask(server, "select count(*) from seen") == expected
        assert ask(server, "show fsync") == "on"
        assert ask(server, "show server_encoding") == "UTF8"
        server.stop()
        assert state(home) is State.GONE


@pytest.mark.long
@pytest.mark.parametrize("reaped", [True, False], ids=["reaped", "zombie"])
def test_a_killed_server_starts_again(home: Path, reaped: bool) -> None:
    first, second = EmbeddedServer(home), EmbeddedServer(home)
    first.start()
    ask(first, "drop table if exists kept")
    ask(first, "create table kept as select 'here' as word")
    pid = postmaster_pid(home)
    os.kill(pid, signal.SIGKILL)
    if reaped:
        os.waitpid(pid, 0)
    else:
        wait_for(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z")
    second.start()
    assert ask(second, "select word from kept") == "here"
    first.stop()
    second.stop()


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.long
def test_a_process_that_got_the_number_of_a_dead_server_is_no_server(home: Path) -> None:
    server = EmbeddedServer(home)
    server.start()
    files = home / "postgres" / "data" / "postmaster.pid", home / "postgres" / "socket" / ".s.PGSQL.5432.lock"
    pid, texts = str(postmaster_pid(home)), [file.read_text() for file in files]
    server.stop()
    for file, text in zip(files, texts, strict=True):
        file.write_text(text.replace(pid, str(os.getpid())))
    server.start()
    assert ask(server, "select 1") == 1
    server.stop()


@pytest.mark.long
def test_many_that_start_at_once_share_one_server(new_home: Path) -> None:
    def story() -> None:
        server = EmbeddedServer(new_home)
        server.start()
        assert ask(server, "select current_user::text") == "certsvc"
        server.stop()

    children = [FORK.Process(target=story) for _ in range(5)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0] * 5
    assert state(new_home) is State.GONE


def test_the_last_to_leave_stops_it(home: Path) -> None:
    short, long = EmbeddedServer(home), EmbeddedServer(home)
    short.start()  # say `verify`, which found no server
    long.start()  # and `demo`, which came while it ran
    short.stop()
    short.stop()
    assert ask(long, "select 1") == 1
    long.stop()
    assert state(home) is State.GONE


@pytest.mark.long
def test_a_server_left_behind_by_a_kill_is_stopped_by_the_next_to_leave(home: Path) -> None:
    def killed() -> None:
        EmbeddedServer(home).start()
        os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(killed) == -signal.SIGKILL
    assert state(home) is State.READY
    server = EmbeddedServer(home)
    server.start()
    assert ask(server, "select 1") == 1
    server.stop()
    assert state(home) is State.GONE


@pytest.mark.long
def test_a_making_that_was_cut_short_is_made_again(spare: Path) -> None:
    server = EmbeddedServer(spare)
    (spare / "postgres" / "data").rename(spare / "postgres" / "unfinished")
    (spare / "postgres" / "unfinished" / "PG_VERSION").unlink()
    server.start()
    assert ask(server, "select 1") == 1
    server.stop()


def test_only_its_account_gets_to_the_socket(home: Path) -> None:
    server = EmbeddedServer(home)
    server.start()
    folders = home, home / "postgres", home / "postgres" / "socket", home / "postgres" / "data"
    assert [folder.stat().st_mode & 0o777 for folder in folders] == [0o700] * 4
    assert (home / "postgres" / "socket" / ".s.PGSQL.5432").stat().st_mode & 0o777 == 0o700
    assert ask(server, "show listen_addresses") == ""
    server.stop()


@AS_ROOT
def test_another_account_cannot_connect(home: Path) -> None:
    server = EmbeddedServer(home)
    server.start()
    path = str(socket_folder(server) / ".s.PGSQL.5432")

    def stranger() -> None:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        with socket.socket(socket.AF_UNIX) as client, pytest.raises(PermissionError):
            client.connect(path)

    assert in_child(stranger) == 0
    server.stop()


@pytest.mark.long
def test_a_path_too_long_for_a_socket_gets_a_private_folder_elsewhere(made: Path, new_home: Path) -> None:
    deep = copied(made, new_home / ("云山" * 12) / ("x" * 60))
    server = EmbeddedServer(deep)
    server.start()
    sockets = socket_folder(server)
    assert len(os.fsencode(sockets / ".s.PGSQL.5432")) <= 107
    assert sockets.stat().st_mode & 0o777 == 0o700
    assert ask(server, "select 1") == 1
    server.stop()
    stop_whatever_runs(deep)
    shutil.rmtree(sockets)


def test_a_folder_that_someone_else_put_there_is_refused(new_home: Path) -> None:
    deep = new_home / ("x" * 100)
    server = EmbeddedServer(deep)
    sockets = socket_folder(server)
    sockets.mkdir(mode=0o777)
    sockets.chmod(0o777)
    with pytest.raises(MachineProblem, match=sockets.name):
        server.start()
    sockets.rmdir()


@pytest.mark.long
def test_odd_characters_in_the_path_do_no_harm(made: Path, new_home: Path) -> None:
    server = EmbeddedServer(copied(made, new_home / "a 'b\", $(c)%20云"))
    server.start()
    assert ask(server, "select 1") == 1
    server.stop()
    shutil.rmtree(socket_folder(server))


@AS_ROOT
def test_a_closed_folder_above_is_named_with_the_remedy(new_home: Path) -> None:
    closed = new_home.parent / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(MachineProblem) as caught:
        EmbeddedServer(closed / "below" / "home").start()
    assert str(closed) in caught.value.en and "CERTSVC_HOME" in caught.value.en and "\n" not in caught.value.en
    assert str(closed / "below") not in caught.value.en
    assert str(closed) in caught.value.zh


@pytest.mark.long
@AS_ROOT
def test_programs_under_a_closed_folder_are_named_with_the_remedy(new_home: Path) -> None:
    closed = new_home.parent / "closed"
    closed.mkdir(mode=0o700)
    (closed / "bin").mkdir()
    (closed / "bin" / "postgres").symlink_to(embedded_programs() / "postgres")
    with pytest.raises(MachineProblem) as caught:
        EmbeddedServer(new_home, closed / "bin").start()
    assert str(closed) in caught.value.en and "/opt" in caught.value.en


@pytest.mark.long
@AS_ROOT
def test_an_ordinary_user_in_locale_c_with_a_confusing_environment(new_home: Path) -> None:
    new_home.mkdir(mode=0o700)
    os.chown(new_home, NOBODY, NOBODY)

    def ordinary() -> None:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        os.environ.update(LC_ALL="C", PGDATA="/nowhere", PGPORT="1", PGUSER="x", PGOPTIONS="-c nonsense=1", TZ="x")
        server = EmbeddedServer(new_home)
        server.start()
        assert ask(server, "select count(*) from pg_database where datname = 'certsvc'") == 1
        assert ask(server, "select '张' < '李' ") is True  # by code point, not by pinyin
        server.stop()

    assert in_child(ordinary) == 0
    server = EmbeddedServer(new_home)  # root, later, runs it as the account that owns it
    server.start()
    assert Path(f"/proc/{postmaster_pid(new_home)}").stat().st_uid == NOBODY
    server.stop()


def test_a_damaged_cluster_is_one_clear_line(spare: Path) -> None:
    server = EmbeddedServer(spare)
    (spare / "postgres" / "data" / "global" / "pg_control").unlink()
    with pytest.raises(MachineProblem) as caught:
        server.start()
    assert "pg_control" in caught.value.en and "\n" not in caught.value.en
    assert state(spare) is State.GONE


@pytest.mark.long
def test_a_server_that_never_gets_ready_is_given_up(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "START_SECONDS", 0.2)
    monkeypatch.setattr(Postmaster, "state", lambda _: State.BUSY)
    with pytest.raises(MachineProblem, match=r"not ready after 0\.2 s"):
        EmbeddedServer(home).start()
    monkeypatch.undo()


def test_a_full_disk_is_said_in_plain_words() -> None:
    said = 'x\ninitdb: error: could not write to file "/x": No space left on device\ninitdb: removing contents\n'
    problem = explain("initdb", said)
    assert "disk is full" in problem.en and "磁盘已满" in problem.zh and "CERTSVC_HOME" in problem.en
    assert explain("postgres", "LOG:  a\nFATAL:  b\nLOG:  c\n").en.endswith("FATAL:  b")
    assert explain("postgres", "").en.endswith("it said nothing")


def test_a_server_whose_file_is_gone_a_moment_before_it_is_still_ended(tmp_path: Path) -> None:
    postmaster = Postmaster(tmp_path / "data", tmp_path / "log")
    stand_in = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_DFL); print(flush=True); time.sleep(60)"
    postmaster._child = subprocess.Popen([sys.executable, "-c", stand_in], stdout=subprocess.PIPE)
    assert postmaster._child.stdout is not None
    postmaster._child.stdout.readline()  # only now would a signal end it, also where the tests run in the background
    assert postmaster.state() is State.BUSY
    postmaster.end()
    assert postmaster.state() is State.GONE
