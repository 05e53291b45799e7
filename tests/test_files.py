"""Folders of files that are written once: nothing that came in is overlooked, and nothing is read twice."""

import os
from pathlib import Path

import pytest

from certsvc.files import WrittenOnce, create_file


class Reader:
    """Reads numbers, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, path: Path) -> int:
        self.asked.append(path.name)
        return int(path.read_text())


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def folder(tmp_path: Path, reader: Reader) -> WrittenOnce[int]:
    return WrittenOnce(tmp_path, ".txt", reader)


def test_each_file_is_read_once_and_new_ones_are_seen(tmp_path: Path, folder: WrittenOnce[int], reader: Reader) -> None:
    create_file(tmp_path / "b.txt", b"2")
    assert folder.values() == {"b": 2}
    create_file(tmp_path / "a.txt", b"1")
    (tmp_path / "other.pem").write_text("not ours")
    assert list(folder.values().items()) == [("a", 1), ("b", 2)]
    (tmp_path / "b.txt").unlink()
    assert folder.values() == {"a": 1}
    assert reader.asked == ["b.txt", "a.txt"]


def test_a_file_that_came_within_the_same_tick_of_the_clock_is_seen(tmp_path: Path, folder: WrittenOnce[int]) -> None:
    create_file(tmp_path / "a.txt", b"1")
    tick = tmp_path.stat().st_mtime_ns
    assert folder.values() == {"a": 1}
    create_file(tmp_path / "b.txt", b"2")
    os.utime(tmp_path, ns=(tick, tick))  # as a coarse clock leaves it
    assert folder.values() == {"a": 1, "b": 2}


def test_a_folder_that_was_quiet_is_not_listed_again(tmp_path: Path, folder: WrittenOnce[int]) -> None:
    create_file(tmp_path / "a.txt", b"1")
    long_ago = tmp_path.stat().st_mtime_ns - 10 * 10**9
    os.utime(tmp_path, ns=(long_ago, long_ago))
    assert folder.values() is folder.values()


def test_what_cannot_be_read_is_tried_again(tmp_path: Path, folder: WrittenOnce[int]) -> None:
    create_file(tmp_path / "a.txt", b"no number")
    for _ in range(2):
        with pytest.raises(ValueError, match="no number"):
            folder.values()
    (tmp_path / "a.txt").write_text("1")
    assert folder.values() == {"a": 1}


def test_where_there_is_no_folder_there_is_nothing(tmp_path: Path, reader: Reader) -> None:
    assert WrittenOnce(tmp_path / "none", ".txt", reader).values() == {}
