"""Published types never change: `published.toml` keeps the SHA-256 of each folder that a face is made from.

To change a published type, copy its folder to the next version (`v2`), raise `version` in `type.toml`, change the copy,
and add its digest to the list; shared parts (`common/v1`) likewise, with the new `face.typ` importing the new ones.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path

LIST = "published.toml"
EXAMPLES = "examples"


def folder_digest(place: Path) -> str:
    """SHA-256 (hex) over the names, lengths and contents of the files in a folder, in the order of their names.

    Examples are left out: no face is made from them, and another one needs no new version.
    """
    digest = hashlib.sha256()
    for path in sorted(path for path in place.rglob("*") if path.is_file()):
        name = path.relative_to(place)
        if name.parts[0] == EXAMPLES:
            continue
        content = path.read_bytes()
        digest.update(f"{name.as_posix()}\0{len(content)}\0".encode())
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
