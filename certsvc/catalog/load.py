"""Load every type once and refuse to start if one is wrong: `schemas/<type>/v<n>/`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certsvc.catalog.faults import TypeProblem
from certsvc.catalog.folder_checks import check_folder
from certsvc.catalog.types import CertificateType
from certsvc.errors import CatalogError, NotFound, Problem

MOST_SAID = 12
"""Problems that are named when a service refuses to start; `certsvc check-types` names all."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """Every type and version; what is issued new is of the latest."""

    folder: Path
    _types: Mapping[tuple[str, int], CertificateType]

    def __iter__(self) -> Iterator[CertificateType]:
        return iter(sorted(self._types.values(), key=lambda kind: (kind.type_number, kind.version)))

    def version(self, type_id: str, version: int) -> CertificateType:
        """One version of a type. Raises `NotFound`."""
        if (type_id, version) not in self._types:
            raise NotFound(
                f"没有证照类型 {type_id} 第 {version} 版。", f"There is no type {type_id}, version {version}."
            )
        return self._types[type_id, version]

    def latest(self, type_id: str) -> CertificateType:
        """The version of a type that is issued now. Raises `NotFound`."""
        versions = [version for known, version in self._types if known == type_id]
        return self.version(type_id, max(versions, default=0))

    def by_number(self, type_number: int) -> CertificateType:
        """The latest version of the type with this number, as it stands in tokens. Raises `NotFound`."""
        for kind in self:
            if kind.type_number == type_number:
                return self.latest(kind.id)
        raise NotFound(f"没有编号为 {type_number} 的证照类型。", f"There is no type with the number {type_number}.")


def load_catalog(folder: Path) -> Catalog:
    """Load and check all types, with their examples.

    Raises:
        CatalogError: with the first of everything wrong, by file and line.
    """
    checked = check_folder(folder)
    stopping = [problem for each in checked for problem in each.problems if problem.stops]
    if stopping:
        raise refusal(stopping)
    return Catalog(folder, {(each.id, each.version): each.kind for each in checked if each.kind is not None})


def refusal(problems: Sequence[TypeProblem], most: int = MOST_SAID) -> CatalogError:
    """The error that says why a type cannot be used; it names `most` of the problems."""
    first, more = problems[0], len(problems) - 1
    named = [Problem(f"{each.file}:{each.line}", each.code, each.zh, each.en) for each in problems[:most]]
    zh = f"{first.file} 第 {first.line} 行有误：{first.zh}"
    en = f"{first.file}:{first.line} is wrong: {first.en}"
    if more:
        zh += f"另有 {more} 处有误，certsvc check-types 会全部列出。"
        en += f" {more} more: certsvc check-types lists them all."
    return CatalogError(zh, en, problems=named)


def examples(kind: CertificateType, prefix: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The examples `good-*.json` (a payload) or `bad-*.json` (a payload and its problems) of a type."""
    for path in sorted((kind.folder / "examples").glob(f"{prefix}-*.json")):
        yield path, json.loads(path.read_text("utf-8"))
