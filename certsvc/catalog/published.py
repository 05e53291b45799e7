"""Published types never change: `published.toml` keeps the SHA-256 of each folder that a face is made from."""

import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path

LIST = "published.toml"


def folder_digest(place: Path) -> str:
    """SHA-256 (hex) over the names, lengths and contents of all files in a folder, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(path for path in place.rglob("*") if path.is_file()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(place).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def published(schemas: Path) -> Mapping[str, str]:
    """What was published: digest by folder, such as `food-business/v1`."""
    listed: dict[str, str] = tomllib.loads((schemas / LIST).read_text("utf-8"))
    return listed


def digests(schemas: Path) -> Mapping[str, str]:
    """What is there now: digest by folder, the shared parts of faces (`common/v1`) included."""
    places = sorted(place for place in schemas.glob("*/v*") if place.is_dir())
    return {place.relative_to(schemas).as_posix(): folder_digest(place) for place in places}
