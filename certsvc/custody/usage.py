"""How often each key was used, and how often it may be: counted before each signature, durably, never too low.

A use is counted by taking it out of a block that is already on record, so that not every signature waits for the
disk. A process that ends well gives the rest of its block back; one that is killed leaves it counted and not used: the
count is too high by at most `BLOCK` for each process that was killed, and never too low.
"""

import os
import re
import weakref
from contextlib import suppress
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from threading import Lock

from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from certsvc.custody.alone import alone
from certsvc.custody.protocol import CustodyKey
from certsvc.errors import CustodyError, KeyLimitReached
from certsvc.files import create_file

BLOCK = 64
NEAR = 16
"""A block is at most this part of what a limit leaves: near the limit every use is written, and none is lost."""
DIGITS = 20
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)


class _Folder:
    """A folder held open: its files are found again when it was renamed, as at the end of a ceremony."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        weakref.finalize(self, os.close, self._descriptor).atexit = False  # what is given back at the end needs it

    def is_at(self, path: Path) -> bool:
        """Whether this is still the folder at `path`."""
        return os.path.samestat(os.stat(path), os.fstat(self._descriptor))

    def open(self, name: str) -> FileIO:
        """The file of this name in it, to read and to write."""
        return FileIO(name, "r+b", opener=lambda name, flags: os.open(name, flags, dir_fd=self._descriptor))


@dataclass(slots=True)
class _Block:
    """Uses on record in `folder`, up to number `end`, of which this process has `left` to make."""

    folder: _Folder
    end: int
    left: int


class UsageBook:
    """A folder with a number for each key: `NAME.uses`, 20 digits that are overwritten in place under a lock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last: _Folder | None = None
        self._forget()

    def used(self, name: str) -> int:
        """How often the key called `name` was used: never too low; the blocks of other processes count as used.

        Raises:
            CustodyError: no name for a key, or the count is damaged or cannot be read.
        """
        self._after_fork()
        with self._lock:
            block = self._blocks.get(name)
            return _recorded(self._path(name)) - (block.left if block else 0)

    def count(self, name: str, limit: int | None = None) -> None:
        """Count one use of the key called `name`, durably, before it is made.

        Raises:
            KeyLimitReached: it was used `limit` times.
            CustodyError: the count is damaged or cannot be written: then the key is not to be used either.
        """
        self._after_fork()
        with self._lock:
            block = self._blocks.get(name)
            if block is None or block.left == 0:
                block = self._blocks[name] = _take(self._path(name), limit, self._last)
                self._last = block.folder
            if limit is not None and block.end - block.left >= limit:
                raise _reached(name, limit)
            block.left -= 1

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise CustodyError("密钥名称不合要求。", "That is no name for a key: letters, digits, dots, dashes.")
        return self._folder / f"{name}.uses"

    def _after_fork(self) -> None:
        """A block belongs to one process: a forked one takes its own."""
        if self._process != os.getpid():
            self._forget()

    def _forget(self) -> None:
        self._process, self._lock = os.getpid(), Lock()
        self._blocks: dict[str, _Block] = {}
        self._last = None
        weakref.finalize(self, _give_back, self._blocks, self._lock, self._process)


def count_uses(key: CustodyKey, name: str, book: UsageBook, limit: int | None) -> CustodyKey:
    """`key`, each signature counted in `book` under `name` before it is made, and refused beyond `limit`."""
    return _CountedKey(key, name, book, limit)


@dataclass(frozen=True, slots=True)
class _CountedKey:
    _key: CustodyKey
    _name: str
    _book: UsageBook = field(repr=False)
    _limit: int | None

    @property
    def public_key(self) -> PublicKeyTypes:
        return self._key.public_key

    def sign(self, data: bytes) -> bytes:
        self._book.count(self._name, self._limit)
        return self._key.sign(data)

    def sign_digest(self, digest: bytes) -> bytes:
        self._book.count(self._name, self._limit)
        return self._key.sign_digest(digest)

    def check(self) -> None:
        self._key.check()
        if self._limit is not None and self._book.used(self._name) >= self._limit:
            raise _reached(self._name, self._limit)


def _reached(name: str, limit: int) -> KeyLimitReached:
    return KeyLimitReached(
        f"密钥 {name} 已用满 {limit} 次。", f"The key {name} was used {limit} times, which is as often as it may be."
    )


def _take(path: Path, limit: int | None, last: _Folder | None) -> _Block:
    """Put a block of uses on record, on the disk when this returns. An empty block where `limit` leaves nothing. `last`
    is the folder of the block before."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            create_file(path, _written(0))
        folder = last if last is not None and last.is_at(path.parent) else _Folder(path.parent)
        with folder.open(path.name) as file, alone(file, path):
            recorded = _number(file.read(DIGITS + 1), path)
            size = _size(recorded, limit)
            # One write of twenty bytes within one sector: whole or not at all, also when the power fails.
            os.pwrite(file.fileno(), _written(recorded + size), 0)
            os.fsync(file.fileno())
    except OSError as error:
        raise CustodyError(f"写不了 {path}：{error.strerror}", f"Cannot write {path}: {error.strerror}") from None
    return _Block(folder, recorded + size, size)


def _give_back(blocks: dict[str, _Block], lock: Lock, process: int) -> None:
    """Take what was counted and not used off the record again; where that fails, the count stays too high."""
    if process != os.getpid():
        return
    with lock:
        for name, block in blocks.items():
            path = Path(f"{name}.uses")
            with suppress(OSError, CustodyError), block.folder.open(path.name) as file, alone(file, path):
                recorded = _number(file.read(DIGITS + 1), path)
                if recorded >= block.end:  # else it is another record, put here from a backup
                    os.pwrite(file.fileno(), _written(recorded - block.left), 0)
            block.left = 0


def _size(recorded: int, limit: int | None) -> int:
    if limit is None:
        return BLOCK
    left = max(0, limit - recorded)
    return min(BLOCK, max(1, left // NEAR)) if left else 0


def _recorded(path: Path) -> int:
    try:
        with path.open("rb", buffering=0) as file, alone(file, path):
            return _number(file.read(DIGITS + 1), path)
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise CustodyError(f"读不了 {path}：{error.strerror}", f"Cannot read {path}: {error.strerror}") from None


def _written(number: int) -> bytes:
    return b"%020d" % number


def _number(content: bytes, path: Path) -> int:
    if len(content) != DIGITS or not content.isdigit():
        raise CustodyError(
            f"{path} 已损坏；请按登记簿中的用印次数重写为 20 位数字。",
            f"{path} is damaged: write the number of uses that the register has into it, as 20 digits.",
        )
    return int(content)
