"""Files that are whole or not there, also when the power fails: written beside, synced, then named."""

import os
import secrets
from pathlib import Path

PRIVATE, FOR_EVERYONE = 0o600, 0o644


def create_file(path: Path, data: bytes, mode: int = PRIVATE) -> bool:
    """Create a file; False when there was one, which is left as it is.

    Raises:
        OSError: it cannot be written.
    """
    unfinished = _written_beside(path, data, mode)
    try:
        os.link(unfinished, path)
    except FileExistsError:
        return False
    finally:
        unfinished.unlink(missing_ok=True)
    sync(path.parent)
    return True


def replace_file(path: Path, data: bytes, mode: int = PRIVATE) -> None:
    """Write a file in the place of the one that may be there; folders above it are made.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = _written_beside(path, data, mode)
    try:
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    sync(path.parent)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _written_beside(path: Path, data: bytes, mode: int) -> Path:
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    return unfinished
