"""A folder of types: everything wrong in it is found. Services stop on it, `certsvc check-types` tells all of it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certsvc.catalog.faults import FACE, TYPE, Fault, TypeProblem, explain, fault
from certsvc.catalog.files import read_toml
from certsvc.catalog.policy import General
from certsvc.catalog.published import published_faults, read_list
from certsvc.catalog.shape import Shaped
from certsvc.catalog.types import CertificateType
from certsvc.catalog.version_checks import Version, check_version, imported, read_policy

GENERAL = "general.toml"
COMMON, PROOFS = "common", "proof-catalogue"
"""The folders of what faces share and of what villages give out (see `proofs`); they are no types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One version of a type after all checks, or another part of the folder with a problem (`version` 0: the whole).

    `content` is what its `type.toml` holds, sound or not; `kind` is there only when nothing stops it from being used.
    """

    id: str
    version: int
    place: Path
    problems: tuple[TypeProblem, ...]
    published: bool = False
    content: Mapping[str, Any]
    kind: CertificateType | None = None


def check_folder(folder: Path) -> list[Checked]:
    """Read and check all types in a folder, and say everything that is wrong; types by number, the rest after them."""
    found: list[Fault] = []
    general, listed = _general(folder, found), read_list(folder, found)
    unlike = published_faults(folder, listed)
    versions: dict[tuple[str, int], Version] = {}
    for type_id, numbers in _versions(folder, found):
        policy = read_policy(folder / type_id / f"v{numbers[-1]}")
        for number in numbers:
            place = folder / type_id / f"v{number}"
            newest, published = number == numbers[-1], f"{type_id}/v{number}" in listed
            versions[type_id, number] = check_version(place, policy, general, newest=newest, published=published)
    if not versions:
        found.append(fault("no_types", "."))
    return [*_types(folder, versions, listed, unlike), *_others(folder, found, listed, unlike, versions)]


def _general(folder: Path, found: list[Fault]) -> General:
    content = read_toml(folder, GENERAL, found)
    if content is not None:
        shaped = Shaped(content, General, GENERAL)
        found += shaped.faults
        if not shaped.broken:
            return shaped.value
    return General(when_licence=())


def _versions(folder: Path, found: list[Fault]) -> Iterator[tuple[str, list[int]]]:
    """Each type with its versions, least first."""
    for kind in sorted(path for path in folder.glob("[!.]*") if path.is_dir() and path.name not in (COMMON, PROOFS)):
        numbers = []
        for place in sorted(kind.glob("v*")):
            if place.is_dir() and re.fullmatch(r"v[1-9][0-9]{0,2}", place.name):
                numbers.append(int(place.name[1:]))
            else:
                found.append(fault("version_name", f"{kind.name}/{place.name}", folder=place.name))
        if numbers:
            yield kind.name, sorted(numbers)
        else:
            found.append(fault("no_version", kind.name, folder=kind.name))


def _types(
    folder: Path, versions: Mapping[tuple[str, int], Version], listed: Mapping[str, str], unlike: Mapping[str, Fault]
) -> list[Checked]:
    numbers, checked = _Numbers(versions), []
    for (type_id, number), version in versions.items():
        place, name = folder / type_id / f"v{number}", f"{type_id}/v{number}"
        faults = [*_identity(type_id, number, version.content), *numbers.faults(type_id, number)]
        if name in listed:
            faults += unpublished_parts(place, listed)
        problems = [explain(each, place) for each in (*faults, *version.faults)]
        if name in unlike:
            problems.insert(0, explain(unlike[name], folder))
        problems.sort(key=lambda each: (not each.stops, str(each.file), each.line))
        usable = not any(each.stops for each in problems)
        checked.append(
            Checked(
                id=type_id,
                version=number,
                place=place,
                problems=tuple(problems),
                published=name in listed,
                content=version.content,
                kind=version.kind if usable else None,
            )
        )
    return sorted(checked, key=lambda each: (numbers.of(each.id, each.version), each.id, each.version))


def _identity(type_id: str, number: int, content: Mapping[str, Any]) -> Iterator[Fault]:
    if content.get("id", type_id) != type_id:
        yield fault("id_differs", TYPE, "id", found=content["id"], folder=type_id)
    if content.get("version", number) != number:
        yield fault("version_differs", TYPE, "version", found=content["version"], folder=number)


class _Numbers:
    """The numbers in tokens: one for each type, the same in every version, never used again."""

    def __init__(self, versions: Mapping[tuple[str, int], Version]) -> None:
        self._of = {
            key: number
            for key, version in versions.items()
            if isinstance(number := version.content.get("type_number"), int)
        }
        self._owners: dict[int, str] = {}
        self._first: dict[str, int] = {}
        for (type_id, _), number in self._of.items():
            if type_id not in self._first and number not in self._owners:
                self._owners[number] = type_id
                self._first[type_id] = number

    def of(self, type_id: str, version: int) -> int:
        return self._of.get((type_id, version), 1 << 32)

    def faults(self, type_id: str, version: int) -> Iterator[Fault]:
        number = self._of.get((type_id, version))
        if number is None:
            return
        first, owner = self._first.get(type_id, number), self._owners.get(number, type_id)
        if owner != type_id:
            free = next(each for each in range(number, 1 << 32) if each not in self._owners)
            yield fault("type_number_taken", TYPE, "type_number", number=number, other=owner, free=free)
        elif first != number:
            yield fault("type_number_changed", TYPE, "type_number", id=type_id, number=first)


def unpublished_parts(place: Path, listed: Mapping[str, str]) -> Iterator[Fault]:
    """The shared parts that the face of the version `place` uses and that are not `listed` as published."""
    for name, line in imported(place):
        folder = "/".join(name.split("/")[:2])
        if name.startswith(f"{COMMON}/") and folder not in listed:
            said = {"folder": folder, "id": COMMON, "version": folder.rpartition("v")[2]}
            yield Fault("shared_unpublished", FACE, line, said)


def _others(
    folder: Path,
    found: list[Fault],
    listed: Mapping[str, str],
    unlike: Mapping[str, Fault],
    versions: Mapping[tuple[str, int], Version],
) -> Iterator[Checked]:
    """What is wrong with no version of a type that is there: shared parts, lists, folders that are none or are gone."""
    by_part: dict[tuple[str, int], list[Fault]] = {}
    for name, each in unlike.items():
        type_id, _, number = name.partition("/v")
        if (type_id, int(number)) not in versions:
            by_part.setdefault((type_id, int(number)), []).append(each)
    for each in found:
        by_part.setdefault((each.file.partition("/")[0].removesuffix(".toml").strip("."), 0), []).append(each)
    for (part, version), faults in by_part.items():
        problems = tuple(explain(each, folder) for each in faults)
        yield Checked(id=part, version=version, place=folder, problems=problems, content={})
