"""Sealed files by their SHA-256: `services.Blobs` on a folder."""

import hashlib
from pathlib import Path

from certsvc.errors import NotFound, StoreError
from certsvc.files import replace_file, sync

BLOBS = "blobs"
"""Where they lie in the data folder."""

MAX_BYTES = 20 * 1024 * 1024
"""What the verifier takes back, too."""


class FileBlobs:
    """Files under `folder/ab/abcd….pdf`; what was put there is on the disk before `put` returns."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, data: bytes) -> bytes:
        """Store durably and return the digest; the same data twice is one blob.

        Raises:
            StoreError: over 20 MiB.
            OSError: the disk is full or refuses.
        """
        if len(data) > MAX_BYTES:
            raise StoreError("文件超过 20 MiB，不能存放。", "A file over 20 MiB is not stored.")
        digest = hashlib.sha256(data).digest()
        path = self.path(digest)
        if not _holds(path, digest):
            _make_folder(path.parent)
            replace_file(path, data)
        return digest

    def get(self, sha256: bytes) -> bytes:
        """The file.

        Raises:
            NotFound: there is none of this digest.
            StoreError: what lies there is damaged.
        """
        try:
            data = self.path(sha256).read_bytes()
        except FileNotFoundError:
            raise NotFound(f"没有文件 {sha256.hex()}。", f"There is no file {sha256.hex()}.") from None
        if hashlib.sha256(data).digest() != sha256:
            raise StoreError(f"文件 {sha256.hex()} 已损坏。", f"The file {sha256.hex()} is damaged.")
        return data

    def remove(self, sha256: bytes) -> None:
        """Take the file away; where there is none, nothing. Nothing on record may need it."""
        self.path(sha256).unlink(missing_ok=True)

    def path(self, sha256: bytes) -> Path:
        """Where the file of this digest lies, or would."""
        name = sha256.hex()
        return self._folder / name[:2] / f"{name}.pdf"


def _holds(path: Path, digest: bytes) -> bool:
    """A damaged file is as good as none: it is written again."""
    try:
        return hashlib.sha256(path.read_bytes()).digest() == digest
    except FileNotFoundError:
        return False


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync(folder.parent)
