"""Sealed files by their digest."""

import hashlib
import os
from pathlib import Path

import pytest

from certsvc.errors import NotFound, StoreError
from certsvc.store.blobs import MAX_BYTES, FileBlobs


def test_what_is_put_is_got_by_its_sha256(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path / "blobs")
    digest = blobs.put(b"%PDF-1.7 ...")
    assert digest == hashlib.sha256(b"%PDF-1.7 ...").digest()
    assert FileBlobs(tmp_path / "blobs").get(digest) == b"%PDF-1.7 ..."


def test_the_same_twice_is_one_file(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    assert blobs.put(b"one") == blobs.put(b"one")
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_nobody_else_may_read_them(tmp_path: Path) -> None:
    path = FileBlobs(tmp_path / "blobs").path(FileBlobs(tmp_path / "blobs").put(b"one"))
    assert [item.stat().st_mode & 0o077 for item in (path, path.parent)] == [0, 0]


def test_an_unknown_digest_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        FileBlobs(tmp_path).get(bytes(32))


@pytest.mark.parametrize("damage", [b"", b"onf", b"one "])
def test_a_damaged_file_is_an_error_and_is_mended_by_putting_it_again(tmp_path: Path, damage: bytes) -> None:
    blobs = FileBlobs(tmp_path)
    digest = blobs.put(b"one")
    blobs.path(digest).write_bytes(damage)
    with pytest.raises(StoreError):
        blobs.get(digest)
    blobs.put(b"one")
    assert blobs.get(digest) == b"one"


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    blobs = FileBlobs(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        blobs.put(b"one")
    monkeypatch.undo()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_too_large_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="20 MiB"):
        FileBlobs(tmp_path).put(bytes(MAX_BYTES + 1))
