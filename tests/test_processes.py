"""Processes that begin others: nothing outlives who began it, however early that one is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from certsvc import processes
from certsvc.processes import begun_by_this, kept_running

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 30.0
CHILD = """\
import os, sys, time
with open(sys.argv[1] + ".new", "w") as file:
    file.write(str(os.getpid()))
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(120)
"""
PARENT = """\
import os, sys, time
from certsvc.processes import kept_running
with kept_running([sys.executable, "-c", sys.argv[1], sys.argv[2]], os.environ, print):
    time.sleep(120)
"""
FORKED = """\
import multiprocessing, os, pathlib, sys, time
from certsvc.processes import end_with_parent

def child(folder, parent):
    folder.joinpath("begun").write_text(str(os.getpid()))
    while os.getppid() == parent:
        time.sleep(0.01)
    time.sleep(0.2)
    end_with_parent()
    folder.joinpath("outlived").touch()

if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[2])
    multiprocessing.get_context(sys.argv[1]).Process(target=child, args=(folder, os.getpid())).start()
    time.sleep(120)
"""


def wait_for(what: Callable[[], object]) -> None:
    """Until it is so, or the test fails."""
    end = time.monotonic() + SECONDS
    while not what():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process runs: one that has ended and was not asked after is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def said(file: Path) -> Callable[[], bool]:
    """Whether a child has said its number."""
    return lambda: file.exists() and file.stat().st_size > 0


@pytest.fixture
def begun() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that a test begins, killed after it."""
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        process.kill()
        process.wait()


def environment() -> Mapping[str, str]:
    """One in which this tree is found."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def test_who_knows_nothing_of_it_ends_with_its_parent(tmp_path: Path, begun: list[subprocess.Popen[bytes]]) -> None:
    file = tmp_path / "pid"
    begun.append(subprocess.Popen([sys.executable, "-c", PARENT, CHILD, str(file)], env=environment()))
    wait_for(said(file))
    child = int(file.read_text())
    assert is_alive(child)
    begun[0].kill()
    wait_for(lambda: not is_alive(child))


def test_who_finds_its_parent_gone_never_begins(tmp_path: Path) -> None:
    """The parent here is a shell that has ended, which another process has taken the place of."""
    file = tmp_path / "pid"
    command = begun_by_this([sys.executable, "-c", CHILD, str(file)])
    quoted = [word if word != str(os.getpid()) else "1" for word in command]
    assert quoted != command
    done = subprocess.run(quoted, timeout=SECONDS, check=False)
    assert done.returncode == -signal.SIGTERM
    assert not file.exists()


def test_what_is_begun_has_the_environment_and_the_arguments_it_was_given() -> None:
    code = "import json, os, sys; print(json.dumps([sys.argv, os.environ['ODD'], 'NEVER' in os.environ]))"
    command = begun_by_this([sys.executable, "-c", code, "-x", "--", "云 山", ""])
    given = {**os.environ, "ODD": "a=b\n山"}
    done = subprocess.run(command, env=given, capture_output=True, text=True, check=True, timeout=SECONDS)
    assert done.stdout == '[["-c", "-x", "--", "\\u4e91 \\u5c71", ""], "a=b\\n\\u5c71", false]\n'


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_server_process_whose_server_is_gone_when_it_asks_to_end_with_it_ends(
    method: str, tmp_path: Path, begun: list[subprocess.Popen[bytes]]
) -> None:
    (tmp_path / "forked.py").write_text(FORKED, encoding="utf-8")
    command = [sys.executable, str(tmp_path / "forked.py"), method, str(tmp_path)]
    begun.append(subprocess.Popen(command, env=environment()))
    wait_for(said(tmp_path / "begun"))
    begun[0].kill()
    begun[0].wait()
    child = int((tmp_path / "begun").read_text())
    wait_for(lambda: not is_alive(child))
    assert not (tmp_path / "outlived").exists()


def failing(times: int) -> Any:
    """`Popen`, which fails so many times first."""
    real, left = subprocess.Popen, [OSError(11, "Resource temporarily unavailable")] * times

    def begin(*arguments: Any, **options: Any) -> Any:
        if left:
            raise left.pop()
        return real(*arguments, **options)

    return begin


def test_what_cannot_be_begun_is_said_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(processes, "PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(subprocess, "Popen", failing(2))
    file, told = tmp_path / "pid", list[OSError]()
    with kept_running([sys.executable, "-c", CHILD, str(file)], os.environ, lambda status: None, told.append):
        wait_for(said(file))
    assert [error.errno for error in told] == [11, 11]
    monkeypatch.setattr(subprocess, "Popen", failing(1))
    file.unlink()
    with kept_running([sys.executable, "-c", CHILD, str(file)], os.environ, lambda status: None):
        wait_for(said(file))
    assert "Resource temporarily unavailable" in capfd.readouterr().err


def test_a_log_that_cannot_be_written_does_not_end_the_keeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PAUSE_SECONDS", 0.05)
    heard = []

    def ended(status: int) -> None:
        heard.append(status)
        raise OSError(28, "No space left on device")

    with kept_running([sys.executable, "-c", "raise SystemExit(3)"], os.environ, ended):
        wait_for(lambda: len(heard) >= 2)
    assert set(heard) == {3}


def test_one_that_ended_is_begun_anew_and_all_end_with_the_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "PAUSE_SECONDS", 0.05)
    file, heard = tmp_path / "pid", list[int]()
    with kept_running([sys.executable, "-c", CHILD, str(file)], os.environ, heard.append):
        wait_for(said(file))
        first = int(file.read_text())
        file.unlink()
        os.kill(first, signal.SIGKILL)
        wait_for(said(file))
        second = int(file.read_text())
    assert heard == [-signal.SIGKILL]
    assert first != second and not is_alive(second)
