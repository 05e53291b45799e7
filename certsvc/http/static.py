"""Files that are the same for everyone: our own style and script, and the public facts of trust."""

import gzip
import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from certsvc.domain.status_list import MEDIA_TYPE as STATUS_LIST
from certsvc.errors import NotFound

MEDIA_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".pem": "application/x-pem-file",
    ".cer": "application/pkix-cert",
    ".crl": "application/pkix-crl",
    ".p7b": "application/x-pkcs7-certificates",
    ".json": "application/jose+json",
    ".jwt": STATUS_LIST,
    ".md": "text/plain",
}
"""RFC 2585 for certificates and CRLs, RFC 7515 for signed JSON. A file of any other kind is not served."""

GZIP = re.compile(r"(?:^|,)\s*(?:gzip|x-gzip)\s*(?:;\s*q=([01](?:\.\d{0,3})?)\s*)?(?=,|$)", re.IGNORECASE | re.ASCII)
LONGEST_ACCEPT_ENCODING = 200
MAX_TRUST_FILE = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it is sent; `packed` is its content by gzip, where that is shorter."""

    content: bytes
    media_type: str
    packed: bytes | None = None


def load_assets(folder: Path) -> tuple[dict[str, str], dict[str, StaticFile]]:
    """Style, script and picture under names that hold a hash of their content, so that they may be kept for ever.

    Returns:
        The names with hash by plain name, and the files by name with hash.
    """
    names, files = {}, {}
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        names[path.name] = f"{path.stem}.{hashlib.sha256(content).hexdigest()[:16]}{path.suffix}"
        packed = gzip.compress(content, mtime=0)
        shorter = packed if len(packed) < len(content) else None
        files[names[path.name]] = StaticFile(content, MEDIA_TYPES[path.suffix], shorter)
    return names, files


def find_asset(files: Mapping[str, StaticFile], name: str) -> StaticFile:
    """An asset by its name with hash.

    Raises:
        NotFound: there is none.
    """
    if name not in files:
        raise no_such_file()
    return files[name]


def takes_gzip(accept_encoding: str) -> bool:
    """Whether a client takes gzip (RFC 9110 section 12.5.3); who says nothing, or q=0, does not."""
    found = GZIP.search(accept_encoding[:LONGEST_ACCEPT_ENCODING])
    return found is not None and float(found[1] or 1) > 0


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
