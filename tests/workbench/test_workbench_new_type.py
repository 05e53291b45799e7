"""Starting a type: the copy loads, says TODO where something is to be decided, and takes nobody's number."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from workbench_folder import SCHEMAS, Bench, copied

from certsvc.catalog.faults import UNFINISHED
from certsvc.catalog.folder_checks import Checked, check_folder
from certsvc.errors import CatalogError, NotFound
from certsvc.workbench.draft import draft_files
from certsvc.workbench.new_type import free_number, nearest, start_type, start_version
from certsvc.workbench.toml_text import write_toml

KNOWN = [each for each in check_folder(SCHEMAS) if each.kind is not None]
FOOD, WATER, LICENCE = "food-business", "tiered-water-proof", "business-licence-company"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Three types of the three categories."""
    return copied(tmp_path, FOOD, WATER, LICENCE)


@pytest.mark.parametrize(
    ("type_id", "zh", "like"),
    [
        ("x", "餐饮服务经营许可证", "food-business"),
        ("x", "公共场所卫生许可证（小型）", "public-place-hygiene"),
        ("x", "药品批发经营许可证", "drug-retail"),
        ("x", "阶梯水费减免证明", "tiered-water-proof"),
        ("x", "营业执照（外国企业）", "business-licence-company"),
        ("x", "龘麤", "food-business"),
        ("x", "龘麤备案凭证", "medical-device-filing"),
        ("x", "龘麤证明", "tiered-water-proof"),
        ("x", "龘麤执照", "business-licence-company"),
        ("drug-retail-online", None, "drug-retail"),
        ("x", None, "food-business"),
    ],
)
def test_the_nearest_type_is_found_by_title_then_by_category(type_id: str, zh: str | None, like: str) -> None:
    few = {"food-business", "public-place-hygiene", "drug-retail", "tiered-water-proof", "business-licence-company"}
    few.add("medical-device-filing")
    assert nearest([each for each in KNOWN if each.id in few], type_id, zh).id == like


def test_without_any_type_there_is_nothing_to_copy() -> None:
    with pytest.raises(CatalogError, match="There is no type to copy"):
        nearest([], "tea-house", None)


def test_a_new_type_loads_and_says_todo_with_lines(bench: Bench) -> None:
    started = start_type(bench.schemas, "tea-house", None, "茶馆经营许可证", "Tea house permit")
    assert started.like == f"{FOOD} v1"
    assert started.checked.kind is not None
    assert {problem.code for problem in started.checked.problems} == {"todo", "example_borrowed"}
    content = started.checked.content
    assert (content["zh"], content["en"], content["version"]) == ("茶馆经营许可证", "Tea house permit", 1)
    assert (content["type_number"], content["category"]) == (102, "permit")
    assert content["type_code"][-3:] not in {each.content["type_code"][-3:] for each in KNOWN if each.id == FOOD}
    for problem in started.checked.problems:
        row = problem.file.read_text("utf-8").splitlines()[problem.line - 1]
        assert "TODO" in row or "todo" in problem.file.name
    told = {problem.file.name for problem in started.checked.problems}
    assert {"type.toml", "policy.toml", "face.typ", "good-todo-1.json", "bad-todo-2.json"} <= told


def test_nothing_of_the_law_of_the_other_type_is_left(bench: Bench) -> None:
    start_type(bench.schemas, "tea-house", FOOD, "茶馆经营许可证", None)
    place = bench.schemas / "tea-house"
    for name in ("policy.toml", "v1/type.toml"):
        content = tomllib.loads((place / name).read_text("utf-8"))
        grounds = [*_values(content, "basis"), *(entry["text"] for entry in content.get("legal_basis", ()))]
        assert grounds and all(ground.startswith("TODO") for ground in grounds)
        assert "食品经营许可证" not in "".join(line for line in _values(content, "zh"))
    face = (place / "v1/face.typ").read_text("utf-8")
    assert "仅限" not in face and "permit(" in face


def _values(content: object, key: str) -> list[str]:
    """Every value of a key, wherever it stands."""
    if isinstance(content, dict):
        own = [content[key]] if isinstance(content.get(key), str) else []
        return own + [value for inner in content.values() for value in _values(inner, key)]
    return [value for inner in content for value in _values(inner, key)] if isinstance(content, list) else []


@pytest.mark.parametrize("model", KNOWN, ids=lambda each: each.id)
def test_every_type_can_be_the_model(model: Checked, tmp_path: Path) -> None:
    bench = copied(tmp_path, model.id)
    files = draft_files(model.place, type_id="x", zh=None, en=None, type_number=65_000, own_code="999")
    for name, text in files.items():
        path = bench.schemas / "x" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    assert bench.checked("x").kind is not None
    assert bench.codes("x") <= UNFINISHED


@pytest.mark.parametrize(
    ("category", "taken", "free"),
    [
        ("licence", [1, 2, 4], 3),
        ("permit", [101], 102),
        ("proof", [], 201),
        ("permit", range(101, 200), 20_000),
        ("permit", [*range(101, 200), *range(20_000, 20_003)], 20_003),
    ],
)
def test_the_next_free_number_is_of_the_range_of_the_category(category: str, taken: Any, free: int) -> None:
    known = [
        Checked(id="x", version=1, place=SCHEMAS, problems=(), content={"type_number": number}) for number in taken
    ]
    assert free_number(known, category) == free


@pytest.mark.parametrize(
    "type_id", ["Tea", "tea_house", "tea--house", "-tea", "1tea", "茶馆", "common", "../tea", "a" * 41]
)
def test_an_id_that_is_none_is_refused_with_an_example(type_id: str, bench: Bench) -> None:
    with pytest.raises(CatalogError, match="tea-house"):
        start_type(bench.schemas, type_id, FOOD, None, None)


def test_a_type_that_is_there_is_not_written_over(bench: Bench) -> None:
    before = (bench.schemas / WATER / "v1/type.toml").read_bytes()
    with pytest.raises(CatalogError, match="--next-version"):
        start_type(bench.schemas, WATER, FOOD, None, None)
    assert (bench.schemas / WATER / "v1/type.toml").read_bytes() == before


def test_a_model_that_is_not_there_or_wrong_is_refused(bench: Bench) -> None:
    with pytest.raises(NotFound):
        start_type(bench.schemas, "tea-house", "food", None, None)
    (bench.schemas / FOOD / "policy.toml").write_text("nature = 5", "utf-8")
    with pytest.raises(CatalogError, match="has problems itself"):
        start_type(bench.schemas, "tea-house", FOOD, None, None)
    assert not list(bench.schemas.glob("*tea-house*"))


def test_the_next_version_is_the_newest_with_its_number_raised(bench: Bench) -> None:
    started = start_version(bench.schemas, FOOD)
    one, two = bench.schemas / FOOD / "v1", bench.schemas / FOOD / "v2"
    assert started.place == two and started.checked.problems == () and started.checked.kind is not None
    old, new = (path.joinpath("type.toml").read_text("utf-8") for path in (one, two))
    assert new == old.replace("version = 1", "version = 2", 1)
    for path in one.rglob("*.*"):
        if path.is_file() and path.name != "type.toml":
            assert (two / path.relative_to(one)).read_bytes() == path.read_bytes()
    with pytest.raises(CatalogError, match="v2 is not published yet"):
        start_version(bench.schemas, FOOD)
    with pytest.raises(NotFound):
        start_version(bench.schemas, "no-such-type")


@pytest.mark.long
def test_the_command_prints_what_to_do_next(bench: Bench) -> None:
    done = bench.run("new-type", "tea-house", "--zh", "茶馆经营许可证", "--en", "Tea house permit")
    assert done.returncode == 0, done.stderr
    for said in ("certsvc check-types", "certsvc preview", "certsvc publish-type tea-house", "certsvc seal rules"):
        assert said in done.stdout
    [listed] = [each for each in bench.json("check-types") if each["id"] == "tea-house"]
    assert {problem["code"] for problem in listed["problems"]} == {"todo", "example_borrowed"}
    assert bench.run("check-types").returncode == 1
    again = bench.run("new-type", "tea-house", "--json")
    assert again.returncode == 2 and len(again.stderr.splitlines()) == 1
    assert bench.run("new-type", FOOD, "--next-version", "--zh", "x").returncode == 2
    [next_one] = bench.json("new-type", FOOD, "--next-version")
    assert (next_one["version"], next_one["problems"]) == (2, [])


SCALARS = st.booleans() | st.integers(-(2**40), 2**40) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=5) | st.sampled_from(["seal", "parts", "facts"])
CONTENT = st.recursive(
    st.dictionaries(NAMES, SCALARS, max_size=3),
    lambda inner: st.dictionaries(NAMES, SCALARS | inner | st.lists(inner, max_size=3) | st.lists(SCALARS), max_size=4),
    max_leaves=8,
)


@pytest.mark.long
@given(CONTENT)
def test_toml_reads_back_as_it_was(content: dict[str, Any]) -> None:
    assert tomllib.loads(write_toml(content, {}, "head\nof two lines")) == content


def test_toml_of_the_types_reads_back_as_it_was() -> None:
    for path in [*SCHEMAS.glob("*/policy.toml"), *SCHEMAS.glob("*/v*/type.toml")]:
        content = tomllib.loads(path.read_text("utf-8"))
        assert tomllib.loads(write_toml(content, {})) == content
