"""The secret that access tokens are made and read under."""

from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from certsvc.custody.secret import make_secret_file, read_secret
from certsvc.errors import CustodyError

NAME = "access"
PURPOSE, BYTES = b"certsvc access token", 32
LEAST_SECRET = 32
"""Bytes of the random text in the file."""


def open_access_secret(folder: Path) -> bytes:
    """32 bytes, from the file `access` in `folder`, which is made at first need. Every process that makes or reads
    access tokens has the same file. Take it away, and every token given is void: clients get new ones by themselves.

    Raises:
        CustodyError: it cannot be made or read, others may read it, or it is too short.
    """
    path = folder / NAME
    make_secret_file(path)
    text = read_secret(f"file:{path}")
    if len(text) < LEAST_SECRET:
        del text  # tracebacks may show local names
        raise CustodyError(
            f"{path} 不足 {LEAST_SECRET} 字节：请将它移走，会自动另生成。",
            f"{path} has less than {LEAST_SECRET} bytes: move it away, and another one is made.",
        )
    return HKDF(hashes.SHA256(), BYTES, salt=None, info=PURPOSE).derive(text)
