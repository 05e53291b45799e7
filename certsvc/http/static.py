"""Files that are the same for everyone: our own style and script, and the public facts of trust."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from certsvc.errors import NotFound

MEDIA_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".pem": "application/x-pem-file",
    ".cer": "application/pkix-cert",
    ".crl": "application/pkix-crl",
    ".p7b": "application/x-pkcs7-certificates",
    ".json": "application/jose+json",
    ".md": "text/plain",
}
"""RFC 2585 for certificates and CRLs, RFC 7515 for signed JSON. A file of any other kind is not served."""

MAX_TRUST_FILE = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it is sent."""

    content: bytes
    media_type: str


def load_assets(folder: Path) -> tuple[dict[str, str], dict[str, StaticFile]]:
    """Style, script and picture under names that hold a hash of their content, so that they may be kept for ever.

    Returns:
        The names with hash by plain name, and the files by name with hash.
    """
    names, files = {}, {}
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        names[path.name] = f"{path.stem}.{hashlib.sha256(content).hexdigest()[:16]}{path.suffix}"
        files[names[path.name]] = StaticFile(content, MEDIA_TYPES[path.suffix])
    return names, files


def find_asset(files: Mapping[str, StaticFile], name: str) -> StaticFile:
    """An asset by its name with hash.

    Raises:
        NotFound: there is none.
    """
    if name not in files:
        raise no_such_file()
    return files[name]


def read_trust_file(folder: Path, name: str) -> StaticFile:
    """A trust anchor or CRL by its path below `folder`, read anew each time: CRLs are replaced within the hour.

    Raises:
        NotFound: no such file, not of a kind we publish, or a path that leads out of the folder.
    """
    try:
        path = (folder / name.lstrip("/")).resolve()
        if not path.is_relative_to(folder.resolve()) or path.suffix not in MEDIA_TYPES:
            raise no_such_file()
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > MAX_TRUST_FILE:
                raise no_such_file()
            return StaticFile(file.read(MAX_TRUST_FILE), MEDIA_TYPES[path.suffix])
    except (OSError, ValueError):  # ValueError: a NUL byte
        raise no_such_file() from None


def no_such_file() -> NotFound:
    """One answer for every file we do not have."""
    return NotFound("没有这个文件。", "There is no such file.")
