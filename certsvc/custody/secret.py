"""Secrets by reference: `env:NAME` or `file:PATH`, never the secret itself."""

import os
import secrets
from pathlib import Path

from certsvc.errors import CustodyError

MAX_SECRET = 4096


def read_secret(reference: str) -> bytes:
    """The secret a reference names, without a final newline.

    Raises:
        CustodyError: unknown kind of reference, nothing there, too long, or a file that others may read.
    """
    kind, _, place = reference.partition(":")
    if kind == "env" and os.environ.get(place):
        return os.environ[place].encode("utf-8")
    if kind == "file":
        return read_private_file(Path(place), MAX_SECRET).rstrip(b"\n")
    raise CustodyError(
        f"口令引用 {kind}:{place} 无法使用：应为已设置的 env:变量名 或 file:路径。",
        f"The secret reference {kind}:{place} cannot be used: give env:NAME (set) or file:PATH.",
    )


def read_private_file(path: Path, most: int) -> bytes:
    """A file that only its owner may read.

    Raises:
        CustodyError: it is not there, others may read it, or it is longer than `most` bytes.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise CustodyError(
                f"{path} 可被他人读取，请执行 chmod 600。", f"Others may read {path}: make it mode 0600."
            )
        data = path.read_bytes()
    except OSError as error:
        raise CustodyError(f"读不了 {path}：{error.strerror}", f"Cannot read {path}: {error.strerror}") from None
    if len(data) > most:
        raise CustodyError(f"{path} 过大。", f"{path} is too large.")
    return data


def write_private_file(path: Path, data: bytes) -> bool:
    """Create a file of mode 0600, durably, whole or not at all; False when there was one, which is left as it is."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(unfinished, path)
    except FileExistsError:
        return False
    finally:
        unfinished.unlink(missing_ok=True)
    _sync(path.parent)
    return True


def make_secret_file(path: Path) -> None:
    """A file with a fresh random passphrase, unless it is there already."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private_file(path, secrets.token_urlsafe(32).encode("ascii"))


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
