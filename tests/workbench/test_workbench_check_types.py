"""`certsvc check-types` as people and programs use it."""

import json
import shutil
from pathlib import Path

import pytest
from chosen import tree_catalog
from workbench_folder import SCHEMAS, Bench, copied

FOOD, DRUGS, WATER = "food-business", "drug-retail", "tiered-water-proof"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Three types, two flaws in one of them."""
    bench = copied(tmp_path, FOOD, DRUGS, WATER)
    (bench.schemas / "published.toml").unlink()
    definition = bench.schemas / FOOD / "v1/type.toml"
    text = definition.read_text("utf-8").replace("x_mm = 252.0", "x_mm = 2.0").replace('en = "Original, A4"', "")
    definition.write_text(text, "utf-8")
    return bench


def test_sound_types_end_with_0_and_one_object_for_each_type_and_version() -> None:
    done = Bench(SCHEMAS).run("check-types", "--json")
    assert done.returncode == 0, done.stdout
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(each["id"], each["version"]) for each in lines] == [(kind.id, kind.version) for kind in tree_catalog()]
    assert all(each["problems"] == [] and each["zh"] and each["en"] and each["type_number"] for each in lines)


@pytest.mark.long
def test_problems_end_with_1_and_carry_file_line_code_and_words(bench: Bench) -> None:
    done = bench.run("check-types", "--json")
    assert done.returncode == 1 and done.stderr == ""
    lines = {each["id"]: each for each in map(json.loads, done.stdout.splitlines())}
    assert lines.keys() == {FOOD, DRUGS, WATER}
    assert lines[DRUGS]["problems"] == lines[WATER]["problems"] == []
    problems = lines[FOOD]["problems"]
    assert {problem["code"] for problem in problems} == {"key_missing", "seal_out"}
    for problem in problems:
        assert problem.keys() == {"file", "line", "code", "zh", "en"}
        assert problem["file"] == str(bench.schemas / FOOD / "v1/type.toml")
        assert isinstance(problem["line"], int) and problem["zh"] and problem["en"]


@pytest.mark.long
def test_every_version_has_its_own_object(bench: Bench) -> None:
    shutil.copytree(bench.schemas / WATER / "v1", bench.schemas / WATER / "v2")
    done = bench.run("check-types", "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(each["version"], len(each["problems"])) for each in lines if each["id"] == WATER] == [(1, 0), (2, 1)]


@pytest.mark.long
def test_people_get_a_line_for_each_type_and_three_for_each_problem(bench: Bench) -> None:
    done = bench.run("check-types")
    assert done.returncode == 1
    rows = done.stdout.splitlines()
    [place] = [place for place, row in enumerate(rows) if "[key_missing]" in row]
    assert f"{FOOD}/v1/type.toml:" in rows[place]
    assert "缺少“en”" in rows[place + 1] and 'The key "en" is missing' in rows[place + 2]
    assert rows[-1] == "2 个证照类型可用，2 处问题 · 2 types can be used, 2 problems"


@pytest.mark.long
def test_another_folder_may_be_named_and_must_be_there(bench: Bench, tmp_path: Path) -> None:
    assert bench.run("check-types", SCHEMAS).returncode == 0
    assert bench.run("check-types", tmp_path / "nowhere").returncode == 2
    (tmp_path / "empty").mkdir()
    done = bench.run("check-types", tmp_path / "empty", "--json")
    assert done.returncode == 1
    codes = {problem["code"] for line in done.stdout.splitlines() for problem in json.loads(line)["problems"]}
    assert codes == {"no_types", "file_missing"}


@pytest.mark.long
def test_what_all_types_rest_on_has_an_object_of_its_own_only_when_it_is_wrong(bench: Bench) -> None:
    (bench.schemas / "general.toml").write_text("when_licence = 5", "utf-8")
    (bench.schemas / "published.toml").write_text('"common/v1" = "00"', "utf-8")
    lines = [json.loads(line) for line in bench.run("check-types", "--json").stdout.splitlines()]
    others = [each for each in lines if each["version"] == 0]
    assert {each["id"] for each in others} == {"general", "published"}
    assert all(each["problems"] for each in others)
    assert len(lines) == 5
