"""Published types never change, and their drawings can be made again."""

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest
from type_folder import SCHEMAS, copy_type, replace

from certsvc.catalog.published import digests, folder_digest, published

HOW = (
    "A published folder has changed. What was issued with it must stay as it was: copy it to the next version (v2), "
    "raise `version` in type.toml, change the copy, and add its digest to schemas/published.toml:"
)


def test_published_types_are_unchanged() -> None:
    now, then = digests(SCHEMAS), published(SCHEMAS)
    changed = [f'"{place}" = "{digest}"' for place, digest in now.items() if then.get(place) != digest]
    assert not changed, "\n".join([HOW, *changed])
    assert now.keys() == then.keys(), "a published folder is gone"


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


def draw() -> ModuleType:
    """The program that draws the guilloche."""
    spec = importlib.util.spec_from_file_location("draw_guilloche", SCHEMAS / "common/draw_guilloche.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_guilloche_is_what_its_program_draws() -> None:
    program = draw()
    assert (SCHEMAS / "common/v1/border.svg").read_text("utf-8") == program.draw_border()
    assert (SCHEMAS / "common/v1/rosette.svg").read_text("utf-8") == program.draw_rosette()
