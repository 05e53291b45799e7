"""What a wrong type folder is answered with: each case breaks a copy of a good folder in one place, and the problem
must carry its code and stand on the line of that place."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from type_folder import catalog, complaint, copy_type, edit, example, found, line, replace

from certsvc.catalog import load_catalog
from certsvc.errors import CatalogError, NotFound

Schema = dict[str, Any]
SEAL = "seal = { x_mm = 252.0, y_mm = 163.0 }"
MANY = [{"x_mm": 30.0 + 48 * (place % 6), "y_mm": 30.0 + 48 * (place // 6)} for place in range(8)]
SEALS = "further_seals = [{}]".format(", ".join("{{ x_mm = {x_mm}, y_mm = {y_mm} }}".format(**seal) for seal in MANY))
SHEET = '[[layouts]]\nname = "small"\nzh = "副本"\nen = "Copy"\nwidth_mm = 297\nheight_mm = 210\n'

TYPE_TOML = {
    "unknown key": ("version = 1", 'version = 1\ncolour = "red"', "key_unknown", "colour"),
    "not TOML": ("version = 1", "version 1", "not_toml", "version 1"),
    "missing key": ("sensitive = false", "", "key_missing", "id ="),
    "id of another folder": ('id = "food-business"', 'id = "food"', "id_differs", '"food"'),
    "version of another folder": ("version = 1", "version = 2", "version_differs", "version = 2"),
    "version 0": ("version = 1", "version = 0", "number_small", "version = 0"),
    "a text for a number": ("version = 1", 'version = "1"', "kind_wrong", "version"),
    "a number for a text": ('en = "Food business permit"', "en = 5", "kind_wrong", "en = 5"),
    "a date without quotation marks": ('since = "2023-12-01"', "since = 2023-12-01", "kind_wrong", "since"),
    "a text for yes or no": ("sensitive = false", 'sensitive = "no"', "kind_wrong", "sensitive"),
    "a table for a text": ('zh = "正本"', "zh = { a = 1 }", "kind_wrong", "zh = {"),
    "a text for a table": (SEAL, 'seal = "there"', "kind_wrong", "seal"),
    "type number 0": ("type_number = 101", "type_number = 0", "type_number_range", "type_number"),
    "type number no token holds": ("type_number = 101", "type_number = 65536", "type_number_range", "type_number"),
    "type code with a wrong check": ("MB0143028R901", "MB0143028A901", "type_code_wrong", "type_code"),
    "type code without its number": ("MB0143028R901", "MB0143028RX01", "type_code_wrong", "type_code"),
    "unknown category": ('category = "permit"', 'category = "pass"', "choice_unknown", "category"),
    "licence field on a licence": ('category = "permit"', 'category = "licence"', "licence_field_odd", "licence_field"),
    "permit without licence field": ('licence_field = "uscc"', "", "licence_field_needed", "category"),
    "licence field that is no code": ('licence_field = "uscc"', 'licence_field = "name"', "field_format", '"name"'),
    "unknown certainty": ('type_code_certainty = "local"', 'type_code_certainty = "sure"', "choice_unknown", "sure"),
    "kept for no year": ("retention_years = 30", "retention_years = 0", "number_small", "retention_years"),
    "state too old at once": ("max_age_hours = 24", "max_age_hours = 0", "number_small", "max_age_hours"),
    "holder without a field": ('name = "name"', 'name = "owner"', "no_such_field", 'name = "owner"'),
    "holder that is a list": ('name = "name"', 'name = "items"', "field_kind", '"items"'),
    "holder code of another kind": ('code_kind = "001"', 'code_kind = "111"', "field_format", '"uscc"'),
    "holder without a kind": ('code_kind = "001"', "", "holder_kind_one", "[holder]"),
    "unknown kind of holder": ('code_kind = "001"', 'code_kind = "7"', "holder_kind_unknown", "code_kind"),
    "holder's kind in a free text": ('code_kind = "001"', 'code_kind_field = "name"', "holder_kind_choices", '"name"'),
    "holder's kind without a rule": ('code_kind = "001"', 'code_kind_field = "name"', "holder_kind_rule", "kind_field"),
    "unknown mask of the holder": ('code_kind = "001"', 'code_kind = "001"\npublic = "fog"', "mask_unknown", "fog"),
    "unknown mask of a field": ('public = "clear"', 'public = "blurred"', "mask_unknown", "blurred"),
    "unknown place on the face": ('key = "name"', 'key = "name"\nplace = "back"', "choice_unknown", "back"),
    "field that stands twice": ('key = "residence"', 'key = "address"', "field_twice", 'key = "address"'),
    "field left out here": ('key = "residence"', 'key = "address"', "field_no_row", '"residence"'),
    "field left out there": ('key = "residence"', 'key = "seat"', "field_no_schema", 'key = "seat"'),
    "term that starts with a text": ('start = "valid_from"', 'start = "name"', "field_format", '"name"'),
    "term that ends nowhere": ('end = "valid_to"', 'end = "valid_until"', "no_such_field", "valid_until"),
    "term that may end before it begins": ('rule = "not_before"', 'rule = "most_years"\nyears = 9', "term_rule", "end"),
    "unknown rule": ('rule = "most_years"', 'rule = "most_days"', "choice_unknown", "most_days"),
    "rule without its name": ('rule = "most_years"', "", "key_missing", "[[rules]]"),
    "rule over a field that is not there": ('field = "valid_to"', 'field = "until"', "no_such_field", "until"),
    "rule of dates over a text": ('start = "valid_from"\nyears', 'start = "name"\nyears', "field_format", '"name"'),
    "rule of no year": ("years = 5", "years = 0", "number_small", "years = 0"),
    "rule beyond the calendar": ("years = 5", "years = 9000", "number_large", "years = 9000"),
    "number from two sources": ("template = ", 'field = "uscc"\ntemplate = ', "number_source", "[number]"),
    "number without serial": ("{serial:06}", "", "template_serial", "template"),
    "number with two serials": ("{serial:06}", "{serial:06}{serial}", "template_serial", "template"),
    "number with an unknown part": ("{area}", "{county}", "template_name", "{county}"),
    "number with an open brace": ("{serial:06}", "{serial:06", "template_brace", "template"),
    "number with a conversion": ("{area}", "{area!r}", "template_brace", "template"),
    "check digit without a rule": ('check = "iso7064_mod_11_10"', "", "template_check", "template"),
    "rule without a check digit": ("{check}", "", "template_check", "template"),
    "unknown rule of the check digit": ("iso7064_mod_11_10", "luhn", "choice_unknown", "luhn"),
    "value without a digit": ('"单位食堂" = "3"\n', "", "codes_differ", "[number.codes.category]"),
    "digit without a value": ('"单位食堂" = "3"', '"单位食堂" = "3"\n"工厂" = "4"', "codes_differ", "codes.category"),
    "digits for a field that is not there": ("codes.category]", "codes.size]", "no_such_field", "codes.size"),
    "layout without a name of its own": ('name = "sheet"', 'name = "A4 Sheet"', "layout_names", "[[layouts]]"),
    "layout called as those of others": ('name = "sheet"', 'name = "external"', "layout_names", "[[layouts]]"),
    "seal that sticks out at the side": ("x_mm = 252.0", "x_mm = 280.0", "seal_out", "x_mm"),
    "seal that sticks out at the foot": ("y_mm = 163.0", "y_mm = 200.0", "seal_out", "y_mm"),
    "seal on a second page": ("y_mm = 163.0", "y_mm = 163.0, page = 2", "seal_page", "page = 2"),
    "further seal off the page": (SEAL, f"{SEAL}\nfurther_seals = [{{ x_mm = 9.0, y_mm = 90.0 }}]", "seal_out", "9.0"),
    "further seal over the first": (
        SEAL,
        f"{SEAL}\nfurther_seals = [{{ x_mm = 225.0, y_mm = 130.0 }}]",
        "seals_touch",
        "=",
    ),
    "too many seals": (SEAL, f"{SEAL}\n{SEALS}", "seals_many", "further_seals"),
    "a sheet with other seals": ("[holder]", f"{SHEET}{SEAL}\n{SEALS}\n\n[holder]", "seals_uneven", "[[layouts]]"),
    "sheet without a size": ("width_mm = 297", "width_mm = 0", "number_small", "width_mm"),
    "sheet enlarged beyond use": ("height_mm = 210", "height_mm = 210\nscale = 40.0", "number_large", "scale"),
}


@pytest.mark.parametrize("name", TYPE_TOML)
def test_a_wrong_type_toml_is_refused(name: str, tmp_path: Path) -> None:
    old, new, code, on = TYPE_TOML[name]
    place = copy_type(tmp_path, "food-business")
    replace(place / "type.toml", old, new)
    assert on in line(found(place, code))


def change(name: str, **keywords: object) -> Callable[[Schema], object]:
    """Change or (with None) drop keywords of a field's schema."""

    def apply(schema: Schema) -> None:
        part = schema["properties"][name] | keywords
        schema["properties"][name] = {key: value for key, value in part.items() if value is not None}

    return apply


def whole(**keywords: object) -> Callable[[Schema], object]:
    """Change keywords of the whole."""
    return lambda schema: schema.update(keywords)


SCHEMA: dict[str, tuple[Callable[[Schema], object], str, str]] = {
    "not an object": (whole(type="array"), "schema_whole", '"type": "array"'),
    "properties that are a list": (whole(properties=[]), "schema_whole", '"properties"'),
    "a field that type.toml does not name": (
        lambda s: s["properties"].update(phone={"type": "boolean"}),
        "field_no_row",
        '"phone"',
    ),
    "open to other fields": (whole(additionalProperties=True), "schema_open", "additionalProperties"),
    "other fields by pattern": (whole(patternProperties={".*": {}}), "schema_keyword", "patternProperties"),
    "required that is a text": (whole(required="name"), "schema_required", "required"),
    "required that is no field": (lambda s: s["required"].append("phone"), "required_unknown", '"phone"'),
    "a schema that is true": (lambda s: s["properties"].update(name=True), "schema_part", '"name": true'),
    "no type": (change("name", type=None), "schema_kind", '"name"'),
    "two types": (change("name", type=["string", "null"]), "schema_kind", '"type"'),
    "an object nobody could print": (change("name", type="object", maxLength=None), "schema_kind", '"object"'),
    "a text of any length": (change("name", maxLength=None), "schema_limits", '"name"'),
    "a list of any length": (change("items", maxItems=None), "schema_limits", '"items"'),
    "a list of anything": (change("items", items=None), "schema_limits", '"items"'),
    "a list of texts of any length": (change("items", items={"type": "string"}), "schema_limits", '"items"'),
    "a number of any size": (change("name", type="integer"), "schema_limits", '"name"'),
    "a fraction": (change("name", type="number"), "schema_kind", '"number"'),
    "a date that is a number": (change("valid_to", type="integer"), "schema_format", '"format"'),
    "an unknown format": (change("uscc", format="email"), "schema_format", '"email"'),
    "a format that is a list": (change("uscc", format=["uscc"]), "schema_format", '"format"'),
    "choices that are not texts": (change("category", enum=[1, None]), "schema_choices", '"enum"'),
    "a constant that is a number": (change("category", enum=None, const=3), "schema_choices", '"const"'),
    "a part by reference": (change("name", **{"$ref": "#/x"}), "schema_keyword", '"$ref"'),
    "a minimum that is a text": (change("name", minLength="2"), "schema_refused", '"name"'),
    "a pattern that is no pattern": (change("name", pattern="("), "schema_refused", '"name"'),
    "an optional holder": (lambda s: s["required"].remove("name"), "field_optional", '"required"'),
    "an optional first day": (lambda s: s["required"].remove("valid_from"), "field_optional", '"required"'),
    "an optional part of the number": (lambda s: s["required"].remove("category"), "field_optional", '"required"'),
    "a rule that broke a good example": (change("name", maxLength=3), "good_example_wrong", '"name"'),
}


@pytest.mark.parametrize("name", SCHEMA)
def test_a_wrong_schema_is_refused(name: str, tmp_path: Path) -> None:
    broken, code, on = SCHEMA[name]
    place = copy_type(tmp_path, "food-business")
    edit(place / "payload.schema.json", broken)
    assert on in line(found(place, code))


def test_a_count_of_something_that_is_no_list_is_refused(tmp_path: Path) -> None:
    place = copy_type(tmp_path, "tiered-water-proof")
    replace(place / "type.toml", 'list = "names"', 'list = "applicant"')
    assert "rule count_of: the field applicant must have the type array" in complaint(place)


def test_the_beginning_of_everything_wrong_is_said_at_once(tmp_path: Path) -> None:
    place = copy_type(tmp_path, "food-business")
    replace(place / "type.toml", "type_number = 101", "type_number = 0")
    replace(place / "type.toml", "{area}", "{county}")
    replace(place / "type.toml", "x_mm = 252.0", "x_mm = 2.0")
    with pytest.raises(CatalogError, match="2 more") as caught:
        load_catalog(tmp_path / "schemas")
    assert [problem.code for problem in caught.value.problems] == ["type_number_range", "seal_out", "template_name"]
    assert all(problem.field.startswith(str(place / "type.toml:")) for problem in caught.value.problems)


def remove(place: Path, pattern: str) -> None:
    """Delete files."""
    for path in place.glob(pattern):
        path.unlink()


BAD = "examples/bad-six-years.json"
FILES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "no face": (lambda place: (place / "face.typ").unlink(), "file_missing", "face.typ"),
    "no schema": (lambda place: (place / "payload.schema.json").unlink(), "file_missing", "payload.schema.json"),
    "no type.toml": (lambda place: (place / "type.toml").unlink(), "file_missing", "type.toml"),
    "no policy": (lambda place: (place.parent / "policy.toml").unlink(), "file_missing", "policy.toml"),
    "a folder for a file": (lambda place: make_folder(place / "face.typ"), "file_unreadable", "face.typ"),
    "a face that uses what is not there": (
        lambda place: (place / "face.typ").write_text('\n#import "/common/v1/pass.typ": pass'),
        "shared_missing",
        "face.typ:2",
    ),
    "an empty type.toml": (lambda place: (place / "type.toml").write_text(""), "key_missing", "type.toml"),
    "schema that is not JSON": (lambda place: write_schema(place, '{\n"a": 1,\n}'), "not_json", "schema.json"),
    "schema that is a list": (lambda place: write_schema(place, "[]"), "json_no_object", "schema.json"),
    "schema with a name twice": (lambda place: write_schema(place, '{"a": 1,\n"a": 1}'), "name_twice", "json:2"),
    "schema of brackets": (lambda place: write_schema(place, "[" * 200_000), "not_json", "schema.json"),
    "not UTF-8": (lambda place: (place / "type.toml").write_bytes(b'\nid = "\xff"'), "file_not_utf8", "type.toml:2"),
    "far too large": (lambda place: (place / "type.toml").write_text("#" * 300_000), "file_large", "type.toml"),
    "no good example": (lambda place: remove(place, "examples/good-*"), "examples_missing", "examples"),
    "no bad example": (lambda place: remove(place, "examples/bad-*"), "examples_missing", "examples"),
    "a bad example that is good": (
        lambda place: edit(place / BAD, lambda bad: bad.update(payload=example("food-business", "good-snack-bar"))),
        "bad_example_right",
        BAD,
    ),
    "a bad example with another problem": (
        lambda place: edit(place / BAD, lambda bad: bad["problems"].pop()),
        "bad_example_other",
        BAD,
    ),
    "a bad example without a payload": (
        lambda place: edit(place / BAD, lambda bad: bad.pop("payload")),
        "key_missing",
        BAD,
    ),
    "a bad example whose payload is a text": (
        lambda place: edit(place / BAD, lambda bad: bad.update(payload="x")),
        "kind_wrong",
        BAD,
    ),
    "a good example with a problem": (
        lambda place: edit(place / "examples/good-snack-bar.json", lambda good: good.update(uscc="91441900MA51ABC08I")),
        "good_example_wrong",
        "good-snack-bar.json:3",
    ),
}


def write_schema(place: Path, text: str) -> None:
    """Another schema."""
    (place / "payload.schema.json").write_text(text, "utf-8")


def make_folder(path: Path) -> None:
    """A folder in the place of a file."""
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("name", FILES)
def test_a_wrong_file_is_refused(name: str, tmp_path: Path) -> None:
    broken, code, where = FILES[name]
    place = copy_type(tmp_path, "food-business")
    broken(place)
    problem = found(place, code)
    assert where in f"{problem.file}:{problem.line}"


def test_a_type_number_belongs_to_one_type(tmp_path: Path) -> None:
    copy_type(tmp_path, "food-business")
    place = copy_type(tmp_path, "drug-retail")
    replace(place.parent.parent / "food-business/v1/type.toml", "type_number = 101", "type_number = 103")
    problem = found(place, "type_number_taken")
    assert problem.file.parent.parent.name == "food-business"
    assert "type_number = 103" in line(problem)
    assert "drug-retail" in problem.zh and "104" in problem.zh


def test_a_type_keeps_its_number_in_every_version(tmp_path: Path) -> None:
    place = copy_type(tmp_path, "food-business")
    second = place.parent / "v2"
    shutil.copytree(place, second)
    replace(second / "type.toml", "version = 1", "version = 2")
    assert [kind.version for kind in load_catalog(tmp_path / "schemas")] == [1, 2]
    replace(second / "type.toml", "type_number = 101", "type_number = 999")
    problem = found(place, "type_number_changed")
    assert problem.file == second / "type.toml" and "101" in problem.en


def test_the_policy_agrees_with_the_newest_version_only(tmp_path: Path) -> None:
    place = copy_type(tmp_path, "food-business")
    second = place.parent / "v2"
    shutil.copytree(place, second)
    replace(second / "type.toml", "version = 1", "version = 2")
    for path in (second / "type.toml", *(second / "examples").glob("*.json")):
        path.write_text(path.read_text("utf-8").replace('"residence"', '"seat"'), "utf-8")
    replace(second / "payload.schema.json", '"residence"', '"seat"')
    assert "residence" in found(place, "no_such_field").en
    replace(place.parent / "policy.toml", '"residence"', '"seat"')
    assert [kind.version for kind in load_catalog(tmp_path / "schemas")] == [1, 2]


def test_an_empty_folder_and_a_folder_without_a_version_are_refused(tmp_path: Path) -> None:
    place = copy_type(tmp_path, "food-business")
    shutil.rmtree(place.parent)
    assert found(place, "no_types").file == tmp_path / "schemas"
    (place.parent / "first").mkdir(parents=True)
    assert found(place, "no_version").file == place.parent


@pytest.mark.parametrize("name", ["v1.bak", "v01", "version", "v"])
def test_a_folder_that_looks_like_a_version_and_is_none_is_named(name: str, tmp_path: Path) -> None:
    place = copy_type(tmp_path, "food-business")
    (place.parent / name).mkdir()
    assert found(place, "version_name").file.name == name


def test_general_rules_are_checked_too(tmp_path: Path) -> None:
    place = copy_type(tmp_path, "food-business")
    replace(tmp_path / "schemas" / "general.toml", 'effect = "suspends"', 'effect = "suspend"')
    problem = found(place, "choice_unknown")
    assert problem.file.name == "general.toml" and 'effect = "suspend"' in line(problem)


def test_types_are_found_by_id_version_and_number() -> None:
    assert catalog().latest("food-business").version == 1
    assert catalog().by_number(101).id == "food-business"
    assert catalog().version("food-business", 1).zh == "食品经营许可证"
    with pytest.raises(NotFound):
        catalog().latest("nothing")
    with pytest.raises(NotFound):
        catalog().version("food-business", 2)
    with pytest.raises(NotFound):
        catalog().by_number(65000)
