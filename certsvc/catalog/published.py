"""Published types never change: `published.toml` keeps the SHA-256 of each folder that a face is made from.

To change a published type, `certsvc new-type ID --next-version` copies it to the next version; shared parts
(`common/v1`) are copied by hand, with the new `face.typ` importing the new ones. `certsvc publish-type` adds a digest.
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from certsvc.catalog.faults import Fault, fault
from certsvc.catalog.files import read_toml

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
    """What was published: digest by folder, such as `food-business/v1`; nothing where there is no list."""
    if not (schemas / LIST).exists():
        return {}
    listed: dict[str, str] = tomllib.loads((schemas / LIST).read_text("utf-8"))
    return listed


def digests(schemas: Path) -> Mapping[str, str]:
    """What is there now: digest by folder, the shared parts of faces (`common/v1`) included."""
    places = sorted(place for place in schemas.glob("*/v*") if place.is_dir())
    return {place.relative_to(schemas).as_posix(): folder_digest(place) for place in places}


def read_list(schemas: Path, found: list[Fault]) -> Mapping[str, str]:
    """What was published, as far as the list is sound; what is wrong with it is appended to `found`."""
    if not (schemas / LIST).exists():
        return {}
    listed = {}
    for folder, digest in (read_toml(schemas, LIST, found) or {}).items():
        sound = isinstance(digest, str) and re.fullmatch(r"[0-9a-f]{64}", digest)
        if sound and re.fullmatch(r"[a-z0-9-]+/v[1-9][0-9]*", folder):
            listed[folder] = str(digest)
        else:
            found.append(fault("published_list", LIST, folder, name=LIST))
    return listed


def published_faults(schemas: Path, listed: Mapping[str, str]) -> Mapping[str, Fault]:
    """By folder: a published one that has changed or is gone. The faults are seen from the folder `schemas`."""
    found = {}
    for folder, digest in listed.items():
        if not (schemas / folder).is_dir():
            found[folder] = fault("published_gone", LIST, folder, folder=folder)
        elif folder_digest(schemas / folder) != digest:
            type_id = folder.partition("/")[0]
            found[folder] = fault("published_changed", LIST, folder, folder=folder, id=type_id)
    return found
