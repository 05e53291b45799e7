"""Load every type once and refuse to start if one is wrong: `schemas/<type>/v<n>/`."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from certsvc.catalog.checks import faults
from certsvc.catalog.definition import Definition, LayoutTable
from certsvc.catalog.problems import make_validator
from certsvc.catalog.types import CertificateType, Layout
from certsvc.domain.seal import Placement
from certsvc.errors import CatalogError, NotFound
from certsvc.ids import parse_type_code

MAX_FILE = 256 * 1024
COMMON = "common"
"""The folder of what faces share; it is no type."""


class _Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    field: str
    code: str


class _Bad(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A `bad-*.json`: a payload, and what is wrong with it."""

    payload: dict[str, Any]
    problems: tuple[_Named, ...]


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
        CatalogError: with the file and everything wrong in it.
    """
    types: dict[tuple[str, int], CertificateType] = {}
    for place in _versions(folder):
        kind = _load_type(place)
        for other in types.values():
            if (other.type_number == kind.type_number) != (other.id == kind.id):
                raise _wrong(place / "type.toml", f"type_number: {other.id} has {other.type_number}, for ever")
        types[kind.id, kind.version] = kind
    if not types:
        raise _wrong(folder, "there is no type in this folder")
    return Catalog(folder, types)


def examples(kind: CertificateType, prefix: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The examples `good-*.json` (a payload) or `bad-*.json` (a payload and its problems) of a type."""
    for path in sorted((kind.folder / "examples").glob(f"{prefix}-*.json")):
        yield path, _read_json(path)


def _versions(folder: Path) -> Iterator[Path]:
    for kind in sorted(path for path in folder.glob("*") if path.is_dir() and path.name != COMMON):
        versions = sorted(kind.glob("v*"))
        if not versions:
            raise _wrong(kind, "there is no version in it, such as v1")
        yield from versions


def _load_type(place: Path) -> CertificateType:
    definition = _definition(place / "type.toml")
    if (place.parent.name, place.name) != (definition.id, f"v{definition.version}"):
        raise _wrong(place / "type.toml", f"it says {definition.id}, version {definition.version}")
    if not (place / "face.typ").is_file():
        raise _wrong(place / "face.typ", "it is missing")
    schema = _read_json(place / "payload.schema.json")
    found = list(faults(definition, schema))
    if found:
        raise _wrong(place, "; ".join(found))
    try:
        validator = make_validator(schema)
    except ValueError as error:
        raise _wrong(place / "payload.schema.json", str(error)) from None
    kind = CertificateType(
        definition=definition,
        folder=place,
        type_code=parse_type_code(definition.type_code),
        layouts=tuple(_layout(table) for table in definition.layouts),
        validator=validator,
    )
    _check_examples(kind)
    return kind


def _definition(path: Path) -> Definition:
    try:
        return msgspec.convert(tomllib.loads(_read(path)), Definition)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise _wrong(path, str(error)) from None


def _layout(table: LayoutTable) -> Layout:
    seal = Placement(page=table.seal.page, x_mm=table.seal.x_mm, y_mm=table.seal.y_mm)
    return Layout(
        name=table.name,
        zh=table.zh,
        en=table.en,
        width_mm=table.width_mm,
        height_mm=table.height_mm,
        scale=table.scale,
        seal=seal,
    )


def _check_examples(kind: CertificateType) -> None:
    good, bad = list(examples(kind, "good")), list(examples(kind, "bad"))
    if not good or not bad:
        raise _wrong(kind.folder / "examples", "there must be a good and a bad example")
    for path, payload in good:
        problems = kind.problems(payload)
        if problems:
            raise _wrong(path, "; ".join(problem.en for problem in problems))
        kind.number(payload, "000000", kind.term(payload).start)
    for path, example in bad:
        try:
            wrong = msgspec.convert(example, _Bad)
        except msgspec.ValidationError as error:
            raise _wrong(path, str(error)) from None
        found = sorted((problem.field, problem.code) for problem in kind.problems(wrong.payload))
        if not found or found != sorted((problem.field, problem.code) for problem in wrong.problems):
            raise _wrong(path, f"its problems are {found}")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(_read(path))
    except json.JSONDecodeError as error:
        raise _wrong(path, str(error)) from None
    if not isinstance(read, dict):
        raise _wrong(path, "it must hold a JSON object")
    return read


def _read(path: Path) -> str:
    try:
        data = path.read_bytes()
        text = data.decode("utf-8")
    except OSError as error:
        raise _wrong(path, error.strerror or "it cannot be read") from None
    except UnicodeDecodeError as error:
        raise _wrong(path, f"it is not UTF-8 at byte {error.start}") from None
    if len(data) > MAX_FILE:
        raise _wrong(path, "it has more than 256 KiB")
    return text


def _wrong(path: Path, what: str) -> CatalogError:
    return CatalogError(f"{path} 有误：{what}", f"{path} is wrong: {what}")
