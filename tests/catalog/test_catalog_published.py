"""Published types never change, and their drawings can be made again."""

import importlib
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from type_folder import SCHEMAS, copy_type, replace

from certsvc.catalog import load_catalog
from certsvc.catalog.faults import TypeProblem
from certsvc.catalog.folder_checks import check_folder
from certsvc.catalog.published import digests, folder_digest, published
from certsvc.errors import CatalogError


def test_published_types_are_unchanged_and_every_type_is_published() -> None:
    problems = [problem for each in check_folder(SCHEMAS) for problem in each.problems]
    assert problems == []
    unpublished = digests(SCHEMAS).keys() - published(SCHEMAS).keys()
    assert sorted(unpublished) == [], "publish each with: certsvc publish-type ID"


def published_copy(tmp_path: Path) -> Path:
    """A copy of all types; its folder."""
    shutil.copytree(SCHEMAS, tmp_path / "schemas")
    return tmp_path / "schemas"


def found(schemas: Path) -> dict[str, TypeProblem]:
    """By code: what is wrong in a folder."""
    return {problem.code: problem for each in check_folder(schemas) for problem in each.problems}


@pytest.mark.long
def test_a_changed_published_type_is_a_problem_that_tells_the_way(tmp_path: Path) -> None:
    schemas = published_copy(tmp_path)
    replace(schemas / "food-business/v1/face.typ", "#1f5a4c", "#1f5a4d")
    problem = found(schemas)["published_changed"]
    assert "food-business/v1" in problem.file.read_text("utf-8").splitlines()[problem.line - 1]
    assert "certsvc new-type food-business --next-version" in problem.zh
    assert "certsvc new-type food-business --next-version" in problem.en
    with pytest.raises(CatalogError, match="is published and has changed"):
        load_catalog(schemas)


def test_a_changed_shared_part_is_a_problem_too(tmp_path: Path) -> None:
    schemas = published_copy(tmp_path)
    replace(schemas / "common/v1/data.typ", "#1a1a1e", "#1a1a1f")
    [part] = [each for each in check_folder(schemas) if each.problems]
    assert (part.id, part.version, part.problems[0].code) == ("common", 1, "published_changed")


def test_a_published_type_that_is_gone_is_a_problem(tmp_path: Path) -> None:
    schemas = published_copy(tmp_path)
    shutil.rmtree(schemas / "drug-retail")
    [part] = [each for each in check_folder(schemas) if each.problems]
    assert (part.id, part.version, part.problems[0].code) == ("drug-retail", 1, "published_gone")


def test_a_published_type_uses_published_parts_only(tmp_path: Path) -> None:
    schemas = published_copy(tmp_path)
    shutil.copytree(schemas / "common/v1", schemas / "common/v99")
    replace(schemas / "food-business/v1/face.typ", "/common/v1/", "/common/v99/")
    digest = folder_digest(schemas / "food-business/v1")
    listed = (schemas / "published.toml").read_text("utf-8")
    before = published(schemas)["food-business/v1"]
    (schemas / "published.toml").write_text(listed.replace(before, digest), "utf-8")
    assert "certsvc publish-type common 99" in found(schemas)["shared_unpublished"].en


@pytest.mark.long
@pytest.mark.parametrize("line", ['"food-business/v1" = "12"', '"food business" = 5', "[food]"])
def test_a_list_with_other_things_in_it_is_named_with_the_line(line: str, tmp_path: Path) -> None:
    schemas = published_copy(tmp_path)
    (schemas / "published.toml").write_text(f"# digests\n{line}\n", "utf-8")
    assert found(schemas)["published_list"].line == 2


@pytest.mark.long
def test_examples_may_be_few_once_a_type_is_published(tmp_path: Path) -> None:
    schemas = published_copy(tmp_path)
    for path in list((schemas / "drug-retail/v1/examples").glob("good-*.json"))[1:]:
        path.unlink()
    assert found(schemas) == {}
    kept = [line for line in (schemas / "published.toml").read_text("utf-8").splitlines() if "drug-retail" not in line]
    (schemas / "published.toml").write_text("\n".join(kept), "utf-8")
    assert found(schemas).keys() == {"examples_few"}
    assert load_catalog(schemas).latest("drug-retail").version == 1


def test_every_type_is_on_the_list_with_the_shared_parts() -> None:
    places = {path.relative_to(SCHEMAS).as_posix() for path in SCHEMAS.glob("*/v*")}
    assert places == digests(SCHEMAS).keys()
    assert "common/v1" in places


@pytest.mark.parametrize("file", ["face.typ", "type.toml", "payload.schema.json"])
def test_a_changed_file_changes_the_digest(file: str, tmp_path: Path) -> None:
    place = copy_type(tmp_path, "food-business")
    before = folder_digest(place)
    (place / file).write_text((place / file).read_text("utf-8") + " ", "utf-8")
    assert folder_digest(place) != before


def test_a_renamed_file_and_bytes_moved_between_files_change_the_digest(tmp_path: Path) -> None:
    place = copy_type(tmp_path, "food-business")
    before = folder_digest(place)
    (place / "face.typ").rename(place / "page.typ")
    renamed = folder_digest(place)
    (place / "page.typ").write_text((place / "page.typ").read_text("utf-8")[:-1], "utf-8")
    replace(place / "type.toml", 'id = "food-business"', '\nid = "food-business"')
    assert len({before, renamed, folder_digest(place)}) == 3


def test_another_example_needs_no_new_version(tmp_path: Path) -> None:
    place = copy_type(tmp_path, "food-business")
    before = folder_digest(place)
    shutil.copy(place / "examples/good-snack-bar.json", place / "examples/good-noodle-shop.json")
    assert folder_digest(place) == before


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """The programs that draw borders and grounds; the second imports the first."""
    monkeypatch.syspath_prepend(str(SCHEMAS / "common"))
    return importlib.import_module


def test_the_guilloche_is_what_its_program_draws(program: Callable[[str], ModuleType]) -> None:
    drawn = program("draw_guilloche")
    assert (SCHEMAS / "common/v1/border.svg").read_text("utf-8") == drawn.draw_border()
    assert (SCHEMAS / "common/v1/rosette.svg").read_text("utf-8") == drawn.draw_rosette()


def test_borders_and_grounds_are_what_their_program_draws(program: Callable[[str], ModuleType]) -> None:
    drawings = program("draw_grounds").DRAWINGS
    folder = SCHEMAS / "common/v2"
    assert {path.name for path in folder.glob("*.svg")} == set(drawings)
    assert [name for name, draw in drawings.items() if (folder / name).read_text("utf-8") != draw()] == []
