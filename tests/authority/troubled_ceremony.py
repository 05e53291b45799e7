"""A ceremony killed at every step it takes on disk, and several at once. A program of its own, so that it may fork.

`python troubled_ceremony.py killed|at-once FOLDER EVERY` (every which step is deadly) prints what it did as JSON.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ceremonies import NOW, hold, make_home, open_held
from cryptography import x509

ON_DISK = {"open", "os.link", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod"}
ROUNDS, RIVALS = 8, 4


def start(work: Callable[[], None]) -> int:
    """Begin the work in a child process; its id."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            os._exit(1)
        os._exit(0)
    return child


def ended(child: int) -> int:
    """The wait status of a child, once it has ended."""
    return os.waitpid(child, 0)[1]


def die_at(step: int, home: Path) -> None:
    """Kill this process just before it takes a given step on disk in `home`."""
    left = step

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event not in ON_DISK or not str(arguments[0]).startswith(str(home)):
            return
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    sys.addaudithook(count)


def hold_and_open(home: Path, plan: Path) -> None:
    """The ceremony, and what comes after it: opening, publishing, the first token key."""
    hold(home, plan)
    open_held(home).token_key(NOW)


def killed(folder: Path, every: int) -> dict[str, int]:
    """Kill at one step after another until nothing is left to kill; after each, all must come right by itself."""
    outcomes = {"nothing-held": 0, "held": 0}
    step = 0
    while True:
        home, plan = make_home(folder)

        def work(step: int = step, home: Path = home, plan: Path = plan) -> None:
            die_at(step, home)
            hold_and_open(home, plan)

        status = ended(start(work))
        if status == 0:
            return {**outcomes, "steps": step}
        assert os.WTERMSIG(status) == signal.SIGKILL, status
        held = (home / "authority").exists()
        outcomes["held" if held else "nothing-held"] += 1
        before = (home / "authority" / "transcript.txt").read_bytes() if held else None
        require_whole(home / "public")
        hold_and_open(home, plan)
        require_whole(home / "public")
        require_complete(home, before)
        shutil.rmtree(home)
        step += every


def require_whole(public: Path) -> None:
    """No published file is half written."""
    readers = {
        ".pem": x509.load_pem_x509_certificate,
        ".cer": x509.load_der_x509_certificate,
        ".crl": x509.load_der_x509_crl,
    }
    for path in (path for path in public.rglob("[!.]*.*") if path.is_file()):
        readers[path.suffix](path.read_bytes())


def require_complete(home: Path, transcript: bytes | None) -> None:
    """The authority is there, nothing unfinished is, and what was held before was kept."""
    assert sorted(path.name for path in home.iterdir()) == ["authority", "public", "secret"]
    certificates = {path.stem for path in (home / "authority" / "certificates").glob("[!.]*")}
    assert certificates == {
        "root",
        "issuing",
        "timestamp",
        "ocsp",
        "list",
        "status",
        "receipt",
        "seal-fire",
        "token-2026q4",
    }
    assert transcript in (None, (home / "authority" / "transcript.txt").read_bytes())


def at_once(folder: Path, _every: int) -> dict[str, int]:
    """Rivals hold the same ceremony at the same time: all end well, with one and the same authority."""
    for _ in range(ROUNDS):
        home, plan = make_home(folder)
        work = partial(hold_and_open, home, plan)
        statuses = [ended(child) for child in [start(work) for _ in range(RIVALS)]]
        assert statuses == [0] * RIVALS
        require_complete(home, None)
        open_held(home)
        shutil.rmtree(home)
    return {"rounds": ROUNDS, "rivals": RIVALS}


if __name__ == "__main__":
    print(json.dumps({"killed": killed, "at-once": at_once}[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))))
