"""Copies of type folders, to break."""

import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from chosen import tree_catalog

from certsvc.catalog import Catalog, CertificateType, load_catalog
from certsvc.catalog.faults import TypeProblem
from certsvc.catalog.folder_checks import check_folder
from certsvc.errors import CatalogError

ROOT = Path(__file__).resolve().parent.parent.parent
SCHEMAS = ROOT / "schemas"


@cache
def catalog() -> Catalog:
    """The types as they are published."""
    return tree_catalog()


def kind(type_id: str) -> CertificateType:
    """A type as it is published."""
    return catalog().latest(type_id)


def example(type_id: str, name: str) -> dict[str, Any]:
    """An example of a type; of a bad one the whole file."""
    read: dict[str, Any] = json.loads((kind(type_id).folder / "examples" / f"{name}.json").read_text("utf-8"))
    return read


def copy_type(folder: Path, type_id: str) -> Path:
    """Copy the first version of a type and what it needs into `folder`/schemas, where nothing is published; the
    version's folder in it."""
    shutil.copytree(SCHEMAS / "common", folder / "schemas" / "common", dirs_exist_ok=True)
    shutil.copy(SCHEMAS / "general.toml", folder / "schemas" / "general.toml")
    first = shutil.ignore_patterns("v[2-9]*")
    shutil.copytree(SCHEMAS / type_id, folder / "schemas" / type_id, dirs_exist_ok=True, ignore=first)
    return folder / "schemas" / type_id / "v1"


def replace(path: Path, old: str, new: str) -> None:
    """Change a text that must be there, everywhere in the file."""
    text = path.read_text("utf-8")
    assert old in text, f"{old} is not in {path}"
    path.write_text(text.replace(old, new), "utf-8")


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change what a JSON file holds."""
    content = json.loads(path.read_text("utf-8"))
    change(content)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1), "utf-8")


def problems_of(place: Path) -> list[TypeProblem]:
    """Everything wrong in the copied schemas folder that the version `place` lies in."""
    return [problem for checked in check_folder(place.parent.parent) for problem in checked.problems]


def complaint(place: Path) -> str:
    """What loading says of the copied schemas folder `place` lies in."""
    with pytest.raises(CatalogError) as caught:
        load_catalog(place.parent.parent)
    assert caught.value.zh != caught.value.en
    assert caught.value.problems
    return str(caught.value)


def found(place: Path, code: str) -> TypeProblem:
    """The first problem with this code; loading refuses too, and says the same of its first problem."""
    problems = problems_of(place)
    assert code in {problem.code for problem in problems}, problems
    assert f"{problems[0].file}:{problems[0].line} is wrong: {problems[0].en}" in complaint(place)
    return next(problem for problem in problems if problem.code == code)


def line(problem: TypeProblem) -> str:
    """The line of the file that a problem names."""
    return problem.file.read_text("utf-8").splitlines()[problem.line - 1]
