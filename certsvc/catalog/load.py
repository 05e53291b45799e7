"""Load every type once and refuse to start if one is wrong: `schemas/<type>/v<n>/`."""

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from certsvc.catalog.definition import Definition
from certsvc.catalog.problems import make_validator
from certsvc.catalog.types import CertificateType, Layout
from certsvc.domain.masking import RULES
from certsvc.domain.seal import Placement
from certsvc.errors import CatalogError, CertsvcError, NotFound
from certsvc.ids import parse_type_code

MAX_FILE = 256 * 1024
COMMON = "common"


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


def load_catalog(folder: Path) -> Catalog:
    """Load and check all types, with their examples.

    Raises:
        CatalogError: with the file and what is wrong in it.
    """
    types: dict[tuple[str, int], CertificateType] = {}
    numbers: dict[int, str] = {}
    for place in sorted(folder.glob("*/v*")):
        kind = _load_type(place)
        types[kind.id, kind.version] = kind
        if numbers.setdefault(kind.type_number, kind.id) != kind.id:
            raise _wrong(place / "type.toml", f"type_number {kind.type_number}: {numbers[kind.type_number]}")
    if not types:
        raise _wrong(folder, "no type in it")
    return Catalog(folder, types)


def folder_digest(place: Path) -> str:
    """SHA-256 over names and contents of a type's folder: a published one never changes."""
    digest = hashlib.sha256()
    for path in sorted(path for path in place.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(place)}\0{len(path.read_bytes())}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def examples(kind: CertificateType, prefix: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The examples `good-*.json` or `bad-*.json` of a type."""
    for path in sorted((kind.folder / "examples").glob(f"{prefix}-*.json")):
        yield path, json.loads(_read(path))


def _load_type(place: Path) -> CertificateType:
    definition = _definition(place / "type.toml")
    if (place.parent.name, place.name) != (definition.id, f"v{definition.version}"):
        raise _wrong(place / "type.toml", f"id {definition.id}, version {definition.version}")
    if not (place / "face.typ").is_file():
        raise _wrong(place / "face.typ", "missing")
    schema = _schema(place / "payload.schema.json", definition)
    try:
        type_code, validator = parse_type_code(definition.type_code), make_validator(schema)
    except (CertsvcError, ValueError) as error:
        raise _wrong(place, str(error)) from None
    layouts = tuple(_layout(table) for table in definition.layouts)
    kind = CertificateType(
        definition=definition, folder=place, type_code=type_code, layouts=layouts, validator=validator
    )
    _check_examples(kind)
    return kind


def _definition(path: Path) -> Definition:
    try:
        return msgspec.convert(tomllib.loads(_read(path)), Definition)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise _wrong(path, str(error)) from None


def _layout(table: Any) -> Layout:
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


def _schema(path: Path, definition: Definition) -> dict[str, Any]:
    try:
        schema: dict[str, Any] = json.loads(_read(path))
    except json.JSONDecodeError as error:
        raise _wrong(path, str(error)) from None
    properties = schema.get("properties", {})
    named = {field.key for field in definition.fields}
    if schema.get("additionalProperties") is not False or named != properties.keys():
        raise _wrong(path, f"fields differ from type.toml: {sorted(named ^ properties.keys())}")
    if (definition.number.field is None) == (definition.number.template is None):
        raise _wrong(path.with_name("type.toml"), "number needs one of field and template")
    masks = {field.public for field in definition.fields if field.public} | {definition.holder.public}
    if not masks <= RULES.keys():
        raise _wrong(path.with_name("type.toml"), f"unknown masking rule {sorted(masks - RULES.keys())}")
    _require_limits(path, properties)
    return schema


def _require_limits(path: Path, properties: Mapping[str, Any]) -> None:
    for name, field in properties.items():
        bounded = {"maxLength", "enum", "const", "maximum"} & field.keys() or field.get("type") == "boolean"
        listed = field.get("type") == "array" and "maxItems" in field
        if not (bounded or listed or field.get("format") in {"date", "uscc", "citizen-id"}):
            raise _wrong(path, f"{name} has no size limit")


def _check_examples(kind: CertificateType) -> None:
    good = 0
    for path, payload in examples(kind, "good"):
        good += 1
        problems = kind.problems(payload)
        if problems:
            raise _wrong(path, problems[0].en)
    for path, example in examples(kind, "bad"):
        found = [[problem.field, problem.code] for problem in kind.problems(example["payload"])]
        if sorted(found) != sorted(example["problems"]):
            raise _wrong(path, f"found {found}")
    if not good:
        raise _wrong(kind.folder / "examples", "no good example")


def _read(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _wrong(path, error.strerror or "unreadable") from None
    if len(data) > MAX_FILE:
        raise _wrong(path, "over 256 KiB")
    return data.decode("utf-8")


def _wrong(path: Path, what: str) -> CatalogError:
    return CatalogError(f"{path} 有误：{what}", f"{path} is wrong: {what}")
