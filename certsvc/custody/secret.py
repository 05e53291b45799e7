"""Secrets by reference: `env:NAME` or `file:PATH`, never the secret itself."""

import os
import secrets
from pathlib import Path

from certsvc.errors import CustodyError
from certsvc.files import create_file

MAX_SECRET = 4096


def read_secret(reference: str) -> bytes:
    """The secret a reference names, without a final newline.

    Raises:
        CustodyError: unknown kind of reference, nothing there, empty, too long, or a file that others may read.
    """
    kind, _, place = reference.partition(":")
    secret = None
    if kind == "env":
        secret = os.environb.get(os.fsencode(place))
    elif kind == "file":
        secret = read_private_file(Path(place), MAX_SECRET)
    else:
        raise CustodyError(
            "口令引用应为 env:变量名 或 file:路径。",
            "A secret reference is env:NAME or file:PATH; what was given is not shown, as it may be the secret itself.",
        )
    secret = (secret or b"").rstrip(b"\n")
    if not secret:
        raise CustodyError(
            f"口令引用 {kind}:{place} 无法使用：应为已设置的 env:变量名 或 file:路径，且内容不为空。",
            f"The secret reference {kind}:{place} cannot be used: give env:NAME (set) or file:PATH, and not empty.",
        )
    return secret


def read_private_file(path: Path, most: int) -> bytes:
    """A file that only its owner may read.

    Raises:
        CustodyError: it is not there, others may read it, or it is longer than `most` bytes.
    """
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if found.st_mode & 0o077:
                raise CustodyError(
                    f"{path} 可被他人读取，请执行 chmod 600。", f"Others may read {path}: make it mode 0600."
                )
            if found.st_size > most:
                raise CustodyError(f"{path} 过大。", f"{path} is too large.")
            return file.read(most)
    except OSError as error:
        raise CustodyError(f"读不了 {path}：{error.strerror}", f"Cannot read {path}: {error.strerror}") from None


def write_private_file(path: Path, data: bytes) -> bool:
    """Create a file of mode 0600, durably, whole or not at all; False when there was one, which is left as it is.

    Raises:
        CustodyError: it cannot be written.
    """
    try:
        return create_file(path, data)
    except OSError as error:
        raise CustodyError(f"写不了 {path}：{error.strerror}", f"Cannot write {path}: {error.strerror}") from None


def make_secret_file(path: Path) -> None:
    """A file with a fresh random passphrase, unless it is there already.

    Raises:
        CustodyError: it cannot be written.
    """
    if path.exists():
        return
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CustodyError(f"写不了 {path}：{error.strerror}", f"Cannot write {path}: {error.strerror}") from None
    write_private_file(path, secrets.token_urlsafe(32).encode("ascii"))
