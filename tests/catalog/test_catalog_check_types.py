"""Everything wrong is found at once, on its line, in words that people can use, and whatever is in the files."""

import json
import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from type_folder import ROOT, SCHEMAS, copy_type, edit, problems_of, replace

from certsvc.catalog import shape
from certsvc.catalog.definition import Definition
from certsvc.catalog.faults import UNFINISHED
from certsvc.catalog.folder_checks import check_folder
from certsvc.catalog.locate import At, json_lines, toml_lines
from certsvc.catalog.policy import Policy
from certsvc.catalog.words import words


def test_flaws_in_every_file_of_a_type_are_all_found_at_once(tmp_path: Path) -> None:
    place = copy_type(tmp_path, "food-business")
    replace(place / "type.toml", "version = 1", 'version = 1\ncolour = "red"')
    replace(place / "type.toml", "sensitive = false", "sensitive = 0")
    replace(place / "type.toml", 'en = "Food business permit"\n', "")
    replace(place / "type.toml", "x_mm = 252.0", "x_mm = 2.0")
    replace(place / "type.toml", 'code = "uscc"', 'code = "usc"')
    replace(place.parent / "policy.toml", 'place = "address"', 'place = "adress"')
    replace(place.parent / "policy.toml", 'nature = "permit"', 'nature = "paper"')
    edit(place / "payload.schema.json", lambda schema: schema.update(additionalProperties=True))
    (place / "examples/good-snack-bar.json").write_text("{,}", "utf-8")
    edit(place / "examples/bad-ends-first.json", lambda bad: bad.pop("payload"))
    (place / "face.typ").unlink()
    problems = problems_of(place)
    assert {(problem.file.name, problem.code) for problem in problems} == {
        ("type.toml", "key_unknown"),
        ("type.toml", "kind_wrong"),
        ("type.toml", "key_missing"),
        ("type.toml", "seal_out"),
        ("type.toml", "no_such_field"),
        ("policy.toml", "no_such_field"),
        ("policy.toml", "choice_unknown"),
        ("payload.schema.json", "schema_open"),
        ("good-snack-bar.json", "not_json"),
        ("bad-ends-first.json", "key_missing"),
        ("face.typ", "file_missing"),
    }
    for problem in problems:
        assert re.search(r"[一-鿿]", problem.zh) and not re.search(r"[一-鿿]", problem.en.replace("“", ""))
        assert problem.zh.endswith("。") and problem.en.endswith(".")
        assert "{" not in problem.zh + problem.en


def test_a_flaw_in_words_does_not_hide_one_in_figures(tmp_path: Path) -> None:
    place = copy_type(tmp_path, "food-business")
    definition, policy = place / "type.toml", place.parent / "policy.toml"
    replace(definition, 'en = "Original, A4"', "english = 5")
    replace(definition, "x_mm = 252.0", "x_mm = 2.0")
    replace(definition, 'zh = "有效期截止日不能早于起始日。"', "")
    replace(definition, 'field = "valid_to"', 'field = "until"')
    policy.write_text(policy.read_text("utf-8").replace('certainty = "known"', 'certainty = "sure"', 1), "utf-8")
    replace(policy, 'form = "[123]"', 'form = "[123"')
    assert {problem.code for problem in problems_of(place)} == {
        "key_missing",
        "key_unknown",
        "seal_out",
        "no_such_field",
        "term_rule",
        "choice_unknown",
        "number_form",
    }


def test_a_flaw_in_one_type_does_not_hide_another(tmp_path: Path) -> None:
    for type_id in ("food-business", "drug-retail", "hotel-special-trade"):
        place = copy_type(tmp_path, type_id)
    for type_id in ("food-business", "drug-retail"):
        replace(place.parent.parent / type_id / "v1/type.toml", "sensitive = false", "")
    checked = {each.id: each for each in check_folder(tmp_path / "schemas")}
    assert [len(checked[each].problems) for each in ("food-business", "drug-retail", "hotel-special-trade")] == [
        1,
        1,
        0,
    ]
    assert checked["hotel-special-trade"].kind is not None and checked["drug-retail"].kind is None


def test_what_only_follows_from_another_flaw_is_not_said(tmp_path: Path) -> None:
    place = copy_type(tmp_path, "food-business")
    edit(place / "payload.schema.json", lambda schema: schema["properties"].update(uscc=True, category=[]))
    edit(place / "payload.schema.json", lambda schema: schema.update(required=5))
    assert [problem.code for problem in problems_of(place)] == ["schema_required", "schema_part", "schema_part"]


def test_a_slip_of_the_pen_is_answered_with_what_was_meant(tmp_path: Path) -> None:
    place = copy_type(tmp_path, "food-business")
    replace(place / "type.toml", "retention_years", "retension_years")
    replace(place.parent / "policy.toml", 'one_per = "premises"', 'one_per = "premise"')
    said = {(problem.code): problem.en for problem in problems_of(place)}
    assert 'Is "retention_years" meant?' in said["key_unknown"]
    assert 'Is "premises" meant?' in said["choice_unknown"]


def test_what_only_msgspec_knows_is_told_on_its_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A bound of a kind that our own words do not know yet."""
    monkeypatch.setattr(shape, "WALKS", {})
    place = copy_type(tmp_path, "food-business")
    replace(place / "type.toml", "width_mm = 297", "width_mm = 0")
    replace(place.parent / "policy.toml", 'certainty = "known"', 'certainty = "sure"')
    said = {problem.file.name: problem for problem in problems_of(place)}
    assert {problem.code for problem in said.values()} == {"value_refused"}
    for name, on in (("type.toml", "width_mm = 0"), ("policy.toml", 'certainty = "sure"')):
        assert on in said[name].file.read_text("utf-8").splitlines()[said[name].line - 1]


REMARKS = {
    "type.toml": ("sensitive = false", "sensitive = false  # TODO: 是否敏感", "是否敏感"),
    "../policy.toml": ("most_years = 5", "most_years = 5 # TODO 最长几年", "最长几年"),
    "face.typ": ("#permit(", "// TODO 选定颜色\n#permit(", "选定颜色"),
    "payload.schema.json": ('"minLength": 2', '"pattern": "TODO 的写法", "minLength": 2', "的写法"),
}


@pytest.mark.parametrize("name", REMARKS)
def test_a_todo_is_told_with_its_line_and_stops_nothing(name: str, tmp_path: Path) -> None:
    old, new, what = REMARKS[name]
    place = copy_type(tmp_path, "food-business")
    text = (place / name).read_text("utf-8")
    assert old in text
    (place / name).write_text(text.replace(old, new, 1), "utf-8")
    [problem] = [each for each in problems_of(place) if each.code == "todo"]
    assert what in problem.zh and what in problem.en
    assert "TODO" in problem.file.read_text("utf-8").splitlines()[problem.line - 1]
    assert not problem.stops


def test_an_example_that_is_borrowed_says_so_in_its_name(tmp_path: Path) -> None:
    place = copy_type(tmp_path, "food-business")
    (place / "examples/good-snack-bar.json").rename(place / "examples/good-todo-1.json")
    [problem] = problems_of(place)
    assert (problem.code, problem.file.name, problem.stops) == ("example_borrowed", "good-todo-1.json", False)
    checked = next(each for each in check_folder(tmp_path / "schemas") if each.id == "food-business")
    assert checked.kind is not None


def test_a_file_among_the_examples_that_is_none_is_told_and_stops_nothing(tmp_path: Path) -> None:
    place = copy_type(tmp_path, "food-business")
    for name in ("notes.txt", "good.json", ".hidden"):
        (place / "examples" / name).touch()
    problems = problems_of(place)
    assert [(problem.code, problem.file.name) for problem in problems] == [
        ("example_name", "good.json"),
        ("example_name", "notes.txt"),
    ]
    assert not any(problem.stops for problem in problems)


def codes_in_the_source() -> set[str]:
    """Every code that the checks give out."""
    source = "".join(path.read_text("utf-8") for path in (ROOT / "certsvc/catalog").glob("*.py"))
    return set(re.findall(r'\b[fF]ault\(\s*"([a-z_0-9]+)"', source))


def test_every_code_has_words_in_both_languages_and_all_words_are_used() -> None:
    assert codes_in_the_source() == words().keys()
    for code, (zh, en) in words().items():
        assert re.search(r"[一-鿿]", zh), code
        assert zh.endswith(("。", "{hint}")) and en.endswith((".", "{hint}")), code
        named = [set(re.findall(r"(?<!\{)\{(\w+)\}(?!\})", said)) for said in (zh, en)]
        assert named[0] <= named[1] | {"zh"} and named[1] <= named[0] | {"en", "field"}, code


def test_every_code_is_provoked_by_a_test() -> None:
    tests = "".join(path.read_text("utf-8") for path in (ROOT / "tests/catalog").glob("*.py"))
    assert [code for code in words() if f'"{code}"' not in tests] == []
    assert words().keys() >= UNFINISHED


def paths(value: object, at: At = ()) -> Iterator[At]:
    """The place of every value in a document."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield (*at, step)
        yield from paths(inner, (*at, step))


FILES = sorted([*SCHEMAS.rglob("*.toml"), *SCHEMAS.rglob("*.json")])


@pytest.mark.long
def test_every_value_of_every_file_is_found_on_its_line() -> None:
    for file in FILES:
        text = file.read_text("utf-8")
        content, lines = (
            (json.loads(text), json_lines(text)) if file.suffix == ".json" else (tomllib.loads(text), toml_lines(text))
        )
        rows = text.splitlines()
        for at in paths(content):
            assert at in lines, (file, at)
            key = next(step for step in reversed(at) if isinstance(step, str))
            assert isinstance(at[-1], int) or key in rows[lines[at] - 1], (file, at)


KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@pytest.mark.long
@settings(max_examples=150, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=4), st.booleans())
def test_every_value_of_any_json_is_found_on_its_line(content: dict[str, Any], escaped: bool) -> None:
    text = json.dumps(content, ensure_ascii=escaped, indent=1)
    lines, rows = json_lines(text), text.split("\n")
    assert lines.keys() == set(paths(content))
    for at, line in lines.items():
        if isinstance(at[-1], str):
            assert rows[line - 1].lstrip().startswith(json.dumps(at[-1], ensure_ascii=escaped) + ":")
    assert list(lines.values()) == sorted(lines.values())


TOML = '''# remark with "quotes" and [brackets]
a.b = 1 # x = 5
"c d" = """
e = "not a key"
[[neither]]
"""
f = { g = 1, "h.i" = [ 1,
  { j = 'k = "l"' }, # {
  2 ] }
[m]
n = 2024-01-01 10:00:00
o = ["p,]", '#', "\\"]"]
[[q]]
r = 1
[q.s]
t = true
[[q]]
r = -0.5e3
[[q.u]]
v = \'\'\'
w = 1\'\'\'
["x"."y"]
z = inf
'''
TOML_LINES: dict[At, int] = {
    ("a",): 2,
    ("a", "b"): 2,
    ("c d",): 3,
    ("f",): 7,
    ("f", "g"): 7,
    ("f", "h.i"): 7,
    ("f", "h.i", 0): 7,
    ("f", "h.i", 1): 8,
    ("f", "h.i", 1, "j"): 8,
    ("f", "h.i", 2): 9,
    ("m",): 10,
    ("m", "n"): 11,
    ("m", "o"): 12,
    ("m", "o", 0): 12,
    ("m", "o", 1): 12,
    ("m", "o", 2): 12,
    ("q",): 13,
    ("q", 0): 13,
    ("q", 0, "r"): 14,
    ("q", 0, "s"): 15,
    ("q", 0, "s", "t"): 16,
    ("q", 1): 17,
    ("q", 1, "r"): 18,
    ("q", 1, "u"): 19,
    ("q", 1, "u", 0): 19,
    ("q", 1, "u", 0, "v"): 20,
    ("x",): 22,
    ("x", "y"): 22,
    ("x", "y", "z"): 23,
}


def test_values_of_a_toml_with_all_its_spellings_are_found_on_their_lines() -> None:
    tomllib.loads(TOML)
    assert toml_lines(TOML) == TOML_LINES


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("ab=.[]{}\"'#\n, 1"), max_size=40))
def test_looking_for_lines_ends_whatever_the_text(text: str) -> None:
    toml_lines(text)
    json_lines(text)


@pytest.mark.parametrize("value", [None, "5", '"x"', "[]", "{}", "[{}]", "true"])
@pytest.mark.parametrize("kind", [Definition, Policy])
def test_any_key_may_be_missing_or_of_any_kind(kind: type, value: str | None, tmp_path: Path) -> None:
    place = copy_type(tmp_path, "food-business")
    file = place / "type.toml" if kind is Definition else place.parent / "policy.toml"
    whole = file.read_text("utf-8")
    for key in tomllib.loads(whole):
        without = re.sub(rf"(?ms)^(\[\[?{key}[\].].*?(?=^\[(?!\[?{key}[\].])|\Z)|{key} = [^\n]*\n)", "", whole)
        assert key not in tomllib.loads(without)
        file.write_text(without if value is None else f"{key} = {value}\n{without}", "utf-8")
        for problem in problems_of(place):
            assert problem.line <= len(problem.file.read_text("utf-8").splitlines()) or problem.line == 1


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_damage_to_a_file_ends_the_checks(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    place = copy_type(tmp_path_factory.mktemp("damage"), "food-business")
    files = sorted(path for path in place.parent.rglob("*") if path.is_file())
    for path in data.draw(st.lists(st.sampled_from(files), min_size=1, max_size=3)):
        rows = path.read_bytes().splitlines(keepends=True) or [b""]
        row = data.draw(st.integers(0, len(rows) - 1))
        rows[row] = data.draw(st.sampled_from([b"", rows[row] * 2, rows[row][:-2], b"\xff", b"]\n", rows[row][::-1]]))
        path.write_bytes(b"".join(rows))
    for problem in problems_of(place):
        assert problem.zh and problem.en and problem.line >= 1
    shutil.rmtree(place.parent.parent)
