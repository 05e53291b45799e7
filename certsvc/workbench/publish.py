"""Publishing a version: its digest goes on the list, and from then on its folder must not change."""

import fcntl
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from certsvc.catalog.faults import Fault, explain
from certsvc.catalog.folder_checks import COMMON, Checked, check_folder, unpublished_parts
from certsvc.catalog.load import refusal
from certsvc.catalog.published import LIST, folder_digest, published_faults, read_list
from certsvc.errors import CatalogError, NotFound

LINE = re.compile(r'^"([a-z0-9-]+)/v([0-9]+)"')
HEAD = (
    "# SHA-256 of each published folder without its examples. A published folder never changes: "
    "see certsvc/catalog/published.py.\n"
)


@dataclass(frozen=True, slots=True)
class Publication:
    """A published folder, such as `food-business/v1`; `before` when it was published already."""

    folder: str
    digest: str
    before: bool


def publish_type(schemas: Path, type_id: str, version: int | None) -> Publication:
    """Publish a version of a type (the newest, if none is named), or of the shared parts (`common`).

    Published again, nothing happens.

    Raises:
        CatalogError: with every problem and TODO, or that what was published has changed.
        NotFound: there is no such version.
    """
    number = version or _newest(schemas, type_id)
    folder = f"{type_id}/v{number}"
    if not (schemas / folder).is_dir():
        raise NotFound(f"没有文件夹 {schemas / folder}。", f"There is no folder {schemas / folder}.")
    with _alone(schemas):
        listed = _listed(schemas)
        if folder in listed:
            if changed := published_faults(schemas, {folder: listed[folder]}):
                raise refusal([explain(changed[folder], schemas)])
            return Publication(folder, listed[folder], before=True)
        if type_id != COMMON:
            _require_ready(schemas, type_id, number, listed)
        digest = folder_digest(schemas / folder)
        _add(schemas / LIST, type_id, number, digest)
    return Publication(folder, digest, before=False)


def _newest(schemas: Path, type_id: str) -> int:
    names = [path.name for path in (schemas / type_id).glob("v*") if re.fullmatch(r"v[1-9][0-9]*", path.name)]
    if not re.fullmatch(r"[a-z0-9-]+", type_id) or not names:
        raise NotFound(
            f"没有证照类型 {type_id}：certsvc check-types 会列出所有类型。",
            f"There is no type {type_id}: certsvc check-types lists them.",
        )
    return max(int(name[1:]) for name in names)


def _listed(schemas: Path) -> Mapping[str, str]:
    found: list[Fault] = []
    listed = read_list(schemas, found)
    if found:
        raise refusal([explain(each, schemas) for each in found])
    return listed


def _require_ready(schemas: Path, type_id: str, number: int, listed: Mapping[str, str]) -> None:
    checked = check_folder(schemas)
    problems = [problem for each in checked if _concerns(each, type_id, number) for problem in each.problems]
    place = schemas / type_id / f"v{number}"
    problems += [explain(part, place) for part in unpublished_parts(place, listed)]
    if problems:
        raise refusal(problems, len(problems))
    earlier = [each for each in checked if each.id == type_id and 0 < each.version < number and not each.published]
    if earlier:
        raise CatalogError(
            f"{type_id} 第 {earlier[0].version} 版还没有发布；请先发布它。",
            f"{type_id} v{earlier[0].version} is not published yet: publish it first.",
        )


def _concerns(each: Checked, type_id: str, number: int) -> bool:
    """The version itself, its folder as a whole, and what all types rest on."""
    return (each.id, each.version) in {(type_id, number), (type_id, 0), ("general", 0), ("published", 0)}


@contextmanager
def _alone(schemas: Path) -> Iterator[None]:
    """Nobody else changes the list meanwhile."""
    descriptor = os.open(schemas, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _add(path: Path, type_id: str, number: int, digest: str) -> None:
    """Put a line in its place by type and version; the list is whole at every instant."""
    lines = path.read_text("utf-8").splitlines(keepends=True) if path.exists() else [HEAD]
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    keys = [(place, (found[1], int(found[2]))) for place, line in enumerate(lines) if (found := LINE.match(line))]
    after = next((place for place, key in keys if key > (type_id, number)), len(lines))
    lines.insert(after, f'"{type_id}/v{number}" = "{digest}"\n')
    unfinished = path.with_name(f".unfinished-{path.name}")
    with unfinished.open("w", encoding="utf-8") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
