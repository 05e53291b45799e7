"""Uses of keys are counted before they are made: never too few, by whatever processes, however they end."""

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certsvc.custody.keys import CustodyKey, generate_key
from certsvc.custody.usage import BLOCK, UsageBook, count_uses
from certsvc.errors import CustodyError, KeyLimitReached


class Recorded:
    """A key that says how often it was asked, and whether it fails."""

    def __init__(self, fails: bool = False) -> None:
        self._key, self._fails, self.signed = generate_key(), fails, 0

    @property
    def public_key(self) -> Any:
        return self._key.public_key

    def sign(self, data: bytes) -> bytes:
        self.signed += 1
        if self._fails:
            raise CustodyError("失败", "failed")
        return self._key.sign(data)

    def sign_digest(self, digest: bytes) -> bytes:
        self.signed += 1
        return self._key.sign_digest(digest)

    def check(self) -> None:
        self._key.check()


def test_a_key_never_used_has_no_uses_and_each_use_is_one(tmp_path: Path) -> None:
    book = UsageBook(tmp_path)
    assert book.used("seal-a") == 0
    for number in range(1, 2 * BLOCK + 2):
        book.count("seal-a")
        assert book.used("seal-a") == number
    assert book.used("seal-b") == 0


def test_a_process_that_ends_well_leaves_the_true_count(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from certsvc.custody.usage import UsageBook\n"
    code += "book = UsageBook(Path(sys.argv[1]))\nfor _ in range(int(sys.argv[2])): book.count('seal-a')\n"
    for uses in (3, BLOCK + 1):
        subprocess.run([sys.executable, "-c", code, str(tmp_path), str(uses)], check=True, timeout=60)
    assert UsageBook(tmp_path).used("seal-a") == BLOCK + 4


@pytest.mark.long
def test_what_is_given_back_is_not_taken_from_a_record_that_was_put_there_meanwhile(tmp_path: Path) -> None:
    book = UsageBook(tmp_path)
    book.count("seal-a")
    (tmp_path / "seal-a.uses").write_text(f"{7:020}")
    del book
    gc.collect()
    assert UsageBook(tmp_path).used("seal-a") == 7


@pytest.mark.long
def test_what_was_not_used_is_given_back_to_a_folder_that_was_renamed_meanwhile(tmp_path: Path) -> None:
    book = UsageBook(tmp_path / "unfinished" / "usage")
    for name in ("root", "issuing", "root"):
        book.count(name)
    (tmp_path / "unfinished").rename(tmp_path / "authority")
    del book
    gc.collect()
    held = UsageBook(tmp_path / "authority" / "usage")
    assert (held.used("root"), held.used("issuing")) == (2, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["authority"]


@pytest.mark.long
def test_nothing_is_given_back_to_another_folder_in_the_place_of_the_one_that_was_used(tmp_path: Path) -> None:
    book = UsageBook(tmp_path / "usage")
    book.count("k")
    (tmp_path / "usage").rename(tmp_path / "before")
    other = UsageBook(tmp_path / "usage")
    for _ in range(BLOCK):
        other.count("k")
    del book
    gc.collect()
    assert UsageBook(tmp_path / "usage").used("k") == BLOCK


@pytest.mark.long
def test_a_book_that_is_closed_leaves_no_file_open(tmp_path: Path) -> None:
    before = os.listdir("/proc/self/fd")
    for _ in range(3):
        book = UsageBook(tmp_path)
        book.count("k")
        del book
        gc.collect()
    assert os.listdir("/proc/self/fd") == before


def test_another_process_sees_what_is_on_record_and_never_less(tmp_path: Path) -> None:
    book = UsageBook(tmp_path)
    book.count("seal-a")
    assert UsageBook(tmp_path).used("seal-a") == BLOCK
    assert (tmp_path / "seal-a.uses").read_text() == f"{BLOCK:020}"


@pytest.mark.long
@given(limit=st.integers(0, 200), books=st.integers(1, 3), restarts=st.sets(st.integers(0, 200), max_size=3))
@settings(max_examples=8, deadline=None)
def test_no_limit_is_ever_passed_and_little_of_it_is_lost(
    limit: int, books: int, restarts: set[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("book")
    key = Recorded()
    users = [count_uses(key, "k", UsageBook(folder), limit) for _ in range(books)]
    for turn in range(limit + 3 * BLOCK):
        if turn in restarts:
            users[turn % books] = count_uses(key, "k", UsageBook(folder), limit)
        try:
            users[turn % books].sign(b"")
        except KeyLimitReached:
            continue
    assert key.signed <= limit
    assert key.signed >= limit - BLOCK * len(restarts)


def test_beyond_the_limit_the_key_is_not_asked(tmp_path: Path) -> None:
    key = Recorded()
    counted = count_uses(key, "k", UsageBook(tmp_path), 3)
    for _ in range(3):
        counted.check()
        counted.sign(b"text")
    for use in (counted.check, lambda: counted.sign(b"text")):
        with pytest.raises(KeyLimitReached, match="3 times"):
            use()
    assert key.signed == 3


def test_a_limit_that_was_lowered_holds_at_once(tmp_path: Path) -> None:
    key, book = Recorded(), UsageBook(tmp_path)
    many: CustodyKey = count_uses(key, "k", book, None)
    for _ in range(5):
        many.sign(b"text")
    with pytest.raises(KeyLimitReached):
        count_uses(key, "k", book, 5).sign(b"text")
    count_uses(key, "k", book, 6).sign(b"text")
    assert key.signed == 6


def test_a_signature_that_failed_is_counted_all_the_same(tmp_path: Path) -> None:
    book = UsageBook(tmp_path)
    counted = count_uses(Recorded(fails=True), "k", book, None)
    with pytest.raises(CustodyError):
        counted.sign(b"text")
    assert book.used("k") == 1


def test_many_threads_are_counted_one_by_one(tmp_path: Path) -> None:
    book = UsageBook(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: book.count("k"), range(500)))
    assert book.used("k") == 500


def count_many(folder: str, times: int) -> None:
    """In a process of its own: use the key."""
    book = UsageBook(Path(folder))
    for _ in range(times):
        book.count("k")


@pytest.mark.long
def test_processes_count_together(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=count_many, args=(str(tmp_path), 200)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert 600 <= UsageBook(tmp_path).used("k") <= 600 + 3 * BLOCK


KILLED = """
import os, signal, sys
from pathlib import Path
from certsvc.custody.usage import UsageBook
book, last = UsageBook(Path(sys.argv[1])), int(sys.argv[2])
for number in range(1, last + 1):
    book.count("k")
    print(number, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.long
def test_killed_processes_leave_never_too_few_and_at_most_a_block_too_many(tmp_path: Path) -> None:
    made = 0
    for run, last in enumerate((1, BLOCK - 1, BLOCK, BLOCK + 1), 1):
        command = [sys.executable, "-c", KILLED, str(tmp_path), str(last)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == -signal.SIGKILL
        made += int(done.stdout.split()[-1])
        assert made <= UsageBook(tmp_path).used("k") <= made + run * BLOCK


def test_a_forked_process_takes_a_block_of_its_own(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from certsvc.custody.usage import UsageBook\n"
        "book = UsageBook(Path(sys.argv[1])); book.count('k')\n"
        "if os.fork() == 0:\n    [book.count('k') for _ in range(10)]; os._exit(0)\n"
        "os.wait(); [book.count('k') for _ in range(10)]"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, timeout=60)
    assert UsageBook(tmp_path).used("k") == BLOCK + 11  # the child ended without giving back


@pytest.mark.parametrize("content", [b"", b"5", b"1" * 19, b"1" * 21, b" " * 20, b"-0000000000000000001", b"\xff" * 20])
def test_a_damaged_count_stops_the_key_and_is_left_as_it_is(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "k.uses").write_bytes(content)
    book, key = UsageBook(tmp_path), Recorded()
    for use in (lambda: book.used("k"), lambda: count_uses(key, "k", book, None).sign(b"")):
        with pytest.raises(CustodyError, match="damaged"):
            use()
    assert key.signed == 0
    assert (tmp_path / "k.uses").read_bytes() == content


def test_a_count_that_cannot_be_written_stops_the_key(tmp_path: Path) -> None:
    (tmp_path / "book").write_text("a file where the folder should be")
    key = Recorded()
    with pytest.raises(CustodyError, match="Cannot write"):
        count_uses(key, "k", UsageBook(tmp_path / "book"), None).sign(b"")
    assert key.signed == 0


@pytest.mark.parametrize("name", ["", ".", "..", "../k", "a/b", "a\0b", "a b", "章", "x" * 101, ".hidden", "k\n"])
def test_what_is_no_name_for_a_key_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(CustodyError, match="no name"):
        UsageBook(tmp_path).count(name)
    assert os.listdir(tmp_path) == []
