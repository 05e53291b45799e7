"""What a wrong type folder is answered with: each case breaks a copy of a good folder and reads the message."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from type_folder import catalog, copy_type, edit, example, replace

from certsvc.catalog import load_catalog
from certsvc.errors import CatalogError, NotFound

Schema = dict[str, Any]


def complaint(place: Path) -> str:
    """What loading says of the copied schemas folder `place` lies in."""
    with pytest.raises(CatalogError) as caught:
        load_catalog(place.parent.parent)
    assert caught.value.zh != caught.value.en
    return str(caught.value)


TYPE_TOML = {
    "unknown key": ("version = 1", 'version = 1\ncolour = "red"', "colour"),
    "not TOML": ("version = 1", "version 1", "line"),
    "missing key": ("sensitive = false", "", "sensitive"),
    "id of another folder": ('id = "food-business"', 'id = "food"', "it says food, version 1"),
    "version of another folder": ("version = 1", "version = 2", "it says food-business, version 2"),
    "version 0": ("version = 1", "version = 0", "version"),
    "type number 0": ("type_number = 101", "type_number = 0", "type_number must be 1 to 65535"),
    "type number no token holds": ("type_number = 101", "type_number = 65536", "type_number must be 1 to 65535"),
    "type code with a wrong check": ("MB0143028R901", "MB0143028A901", "type_code: The check character"),
    "type code without its number": ("MB0143028R901", "MB0143028RX01", "type_code: The last three"),
    "unknown category": ('category = "permit"', 'category = "pass"', "category"),
    "licence field on a licence": ('category = "permit"', 'category = "licence"', "licence_field belongs to permits"),
    "permit without licence field": ('licence_field = "uscc"', "", "licence_field belongs to permits"),
    "licence field that is no code": ('licence_field = "uscc"', 'licence_field = "name"', "must have the format uscc"),
    "unknown certainty": ('type_code_certainty = "local"', 'type_code_certainty = "sure"', "sure"),
    "kept for no year": ("retention_years = 30", "retention_years = 0", "retention_years"),
    "state too old at once": ("status_max_age_hours = 24", "status_max_age_hours = 0", "status_max_age_hours"),
    "holder without a field": ('name = "name"', 'name = "owner"', "holder.name: there is no field owner"),
    "holder that is a list": ('name = "name"', 'name = "items"', "holder.name: the field items must have the type"),
    "holder code of another kind": ('code_kind = "001"', 'code_kind = "111"', "must have the format citizen-id"),
    "unknown mask of the holder": ('code_kind = "001"', 'code_kind = "001"\npublic = "fog"', "no masking rule fog"),
    "unknown mask of a field": ('public = "clear"', 'public = "blurred"', "no masking rule blurred"),
    "unknown place on the face": ('key = "name"', 'key = "name"\nplace = "back"', "back"),
    "field that stands twice": ('key = "residence"', 'key = "address"', "differ: ['residence']"),
    "term that starts with a text": ('start = "valid_from"', 'start = "name"', "must have the format date"),
    "term that ends nowhere": ('end = "valid_to"', 'end = "valid_until"', "term.end: there is no field valid_until"),
    "term that may end before it begins": ('rule = "not_before"', 'rule = "most_years"\nyears = 9', "is not_before"),
    "unknown rule": ('rule = "most_years"', 'rule = "most_days"', "most_days"),
    "rule over a field that is not there": ('field = "valid_to"', 'field = "until"', "rule most_years: there is no"),
    "rule of dates over a text": ('start = "valid_from"\nyears', 'start = "name"\nyears', "must have the format date"),
    "rule of no year": ("years = 5", "years = 0", "years"),
    "rule beyond the calendar": ("years = 5", "years = 9000", "years"),
    "number from two sources": ("template = ", 'field = "uscc"\ntemplate = ', "number needs one of field and template"),
    "number without serial": ("{serial:06}", "", "needs {serial}"),
    "number with two serials": ("{serial:06}", "{serial:06}{serial}", "needs {serial}"),
    "number with an unknown part": ("{area}", "{county}", "{county} is none of"),
    "number with an open brace": ("{serial:06}", "{serial:06", "a brace opens or closes nothing"),
    "number with a conversion": ("{area}", "{area!r}", "a brace opens or closes nothing"),
    "check digit without a rule": ('check = "iso7064_mod_11_10"', "", "{check} where number.check names the rule"),
    "rule without a check digit": ("{check}", "", "{check} where number.check names the rule"),
    "unknown rule of the check digit": ("iso7064_mod_11_10", "luhn", "luhn"),
    "value without a digit": ('"单位食堂" = "3"\n', "", "number.codes.category must cover the values"),
    "digit without a value": ('"单位食堂" = "3"', '"单位食堂" = "3"\n"工厂" = "4"', "must cover the values"),
    "digits for a field that is not there": ("[number.codes.category]", "[number.codes.size]", "no field size"),
    "layout without a name of its own": ('name = "sheet"', 'name = "A4 Sheet"', "layouts need names of a to z"),
    "seal that sticks out at the side": ("x_mm = 252.0", "x_mm = 280.0", "would stick out of the page"),
    "seal that sticks out at the foot": ("y_mm = 163.0", "y_mm = 200.0", "would stick out of the page"),
    "seal on a second page": ("y_mm = 163.0", "y_mm = 163.0, page = 2", "would stick out of the page"),
    "sheet without a size": ("width_mm = 297", "width_mm = 0", "width_mm"),
    "sheet enlarged beyond use": ("height_mm = 210", "height_mm = 210\nscale = 40.0", "scale"),
}


@pytest.mark.parametrize("name", TYPE_TOML)
def test_a_wrong_type_toml_is_refused(name: str, tmp_path: Path) -> None:
    old, new, said = TYPE_TOML[name]
    place = copy_type(tmp_path, "food-business")
    replace(place / "type.toml", old, new)
    assert said in complaint(place)


def change(name: str, **keywords: object) -> Callable[[Schema], object]:
    """Change or (with None) drop keywords of a field's schema."""

    def apply(schema: Schema) -> None:
        part = schema["properties"][name] | keywords
        schema["properties"][name] = {key: value for key, value in part.items() if value is not None}

    return apply


def wrong_payload(**keywords: object) -> Callable[[Schema], object]:
    """Change keywords of the whole."""
    return lambda schema: schema.update(keywords)


SCHEMA = {
    "not an object": (wrong_payload(type="array"), "differ"),
    "properties that are a list": (wrong_payload(properties=[]), "differ"),
    "a field that type.toml does not name": (lambda s: s["properties"].update(phone={}), "differ: ['phone']"),
    "open to other fields": (wrong_payload(additionalProperties=True), "additionalProperties must be false"),
    "other fields by pattern": (wrong_payload(patternProperties={".*": {}}), "['patternProperties'] cannot be used"),
    "required that is a text": (wrong_payload(required="name"), "required must be a list"),
    "a schema that is true": (lambda s: s["properties"].update(name=True), "name: it must be a schema"),
    "no type": (change("name", type=None), "name: type must be one of"),
    "two types": (change("name", type=["string", "null"]), "name: type must be one of"),
    "an object nobody could print": (change("name", type="object", maxLength=None), "name: type must be one of"),
    "a text of any length": (change("name", maxLength=None), "name: string needs ['maxLength']"),
    "a list of any length": (change("items", maxItems=None), "items: array needs"),
    "a list of anything": (change("items", items=None), "items: array needs"),
    "a list of texts of any length": (change("items", items={"type": "string"}), "items items: string needs"),
    "a number of any size": (change("name", type="integer"), "name: integer needs ['maximum', 'minimum']"),
    "a fraction": (change("name", type="number"), "name: type must be one of"),
    "a date that is a number": (change("valid_to", type="integer"), "valid_to: unknown format date"),
    "an unknown format": (change("uscc", format="email"), "uscc: unknown format email"),
    "a format that is a list": (change("uscc", format=["uscc"]), "uscc: unknown format"),
    "choices that are not texts": (change("category", enum=[1, None]), "category: enum and const must be texts"),
    "a constant that is a number": (change("category", enum=None, const=3), "category: enum and const must be texts"),
    "a part by reference": (change("name", **{"$ref": "#/x"}), "name: ['$ref'] cannot be used"),
    "a minimum that is a text": (change("name", minLength="2"), "payload.schema.json is wrong"),
    "a pattern that is no pattern": (change("name", pattern="("), "payload.schema.json is wrong"),
    "an optional holder": (lambda s: s["required"].remove("name"), "holder.name: the field name must be required"),
    "an optional first day": (lambda s: s["required"].remove("valid_from"), "term.start: the field valid_from must be"),
    "an optional part of the number": (
        lambda s: s["required"].remove("category"),
        "the field category must be required",
    ),
    "a rule that broke a good example": (change("name", maxLength=3), "has more than 3 characters"),
}


@pytest.mark.parametrize("name", SCHEMA)
def test_a_wrong_schema_is_refused(name: str, tmp_path: Path) -> None:
    broken, said = SCHEMA[name]
    place = copy_type(tmp_path, "food-business")
    edit(place / "payload.schema.json", broken)
    assert said in complaint(place)


def test_a_count_of_something_that_is_no_list_is_refused(tmp_path: Path) -> None:
    place = copy_type(tmp_path, "tiered-water-proof")
    replace(place / "type.toml", 'list = "names"', 'list = "applicant"')
    assert "rule count_of: the field applicant must have the type array" in complaint(place)


def test_everything_wrong_in_a_folder_is_said_at_once(tmp_path: Path) -> None:
    place = copy_type(tmp_path, "food-business")
    replace(place / "type.toml", "type_number = 101", "type_number = 0")
    replace(place / "type.toml", "{area}", "{county}")
    replace(place / "type.toml", "x_mm = 252.0", "x_mm = 2.0")
    said = complaint(place)
    assert all(part in said for part in ("type_number", "{county}", "stick out"))


def remove(place: Path, pattern: str) -> None:
    """Delete files."""
    for path in place.glob(pattern):
        path.unlink()


BAD = "examples/bad-six-years.json"
FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no face": (lambda place: (place / "face.typ").unlink(), "face.typ is wrong: it is missing"),
    "no schema": (lambda place: (place / "payload.schema.json").unlink(), "No such file"),
    "no type.toml": (lambda place: (place / "type.toml").unlink(), "No such file"),
    "schema that is not JSON": (lambda place: (place / "payload.schema.json").write_text("{"), "Expecting"),
    "schema that is a list": (
        lambda place: (place / "payload.schema.json").write_text("[]"),
        "must hold a JSON object",
    ),
    "not UTF-8": (lambda place: (place / "type.toml").write_bytes(b'id = "\xff"'), "not UTF-8 at byte 6"),
    "far too large": (lambda place: (place / "type.toml").write_text("#" * 300_000), "more than 256 KiB"),
    "no good example": (lambda place: remove(place, "examples/good-*"), "a good and a bad example"),
    "no bad example": (lambda place: remove(place, "examples/bad-*"), "a good and a bad example"),
    "a bad example that is good": (
        lambda place: edit(place / BAD, lambda bad: bad.update(payload=example("food-business", "good-snack-bar"))),
        "bad-six-years.json is wrong: its problems are []",
    ),
    "a bad example with another problem": (
        lambda place: edit(place / BAD, lambda bad: bad["problems"].pop()),
        "its problems are [('category', 'enum')",
    ),
    "a bad example without a payload": (lambda place: edit(place / BAD, lambda bad: bad.pop("payload")), "payload"),
    "a bad example whose payload is a text": (
        lambda place: edit(place / BAD, lambda bad: bad.update(payload="x")),
        "Expected `object`",
    ),
    "a good example with a problem": (
        lambda place: edit(place / "examples/good-snack-bar.json", lambda good: good.update(uscc="91441900MA51ABC08I")),
        "good-snack-bar.json is wrong: Unified social credit code: ",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_wrong_file_is_refused(name: str, tmp_path: Path) -> None:
    broken, said = FILES[name]
    place = copy_type(tmp_path, "food-business")
    broken(place)
    assert said in complaint(place)


def test_a_type_number_belongs_to_one_type(tmp_path: Path) -> None:
    copy_type(tmp_path, "food-business")
    place = copy_type(tmp_path, "drug-retail")
    replace(place / "type.toml", "type_number = 103", "type_number = 101")
    assert "has 101, for ever" in complaint(place)


def test_a_type_keeps_its_number_in_every_version(tmp_path: Path) -> None:
    place = copy_type(tmp_path, "food-business")
    second = place.parent / "v2"
    shutil.copytree(place, second)
    replace(second / "type.toml", "version = 1", "version = 2")
    assert [kind.version for kind in load_catalog(tmp_path / "schemas")] == [1, 2]
    replace(second / "type.toml", "type_number = 101", "type_number = 999")
    assert "food-business has 101, for ever" in complaint(place)


def test_an_empty_folder_and_a_folder_without_a_version_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="there is no type in this folder"):
        load_catalog(tmp_path)
    (tmp_path / "schemas" / "food-business" / "first").mkdir(parents=True)
    with pytest.raises(CatalogError, match="there is no version in it"):
        load_catalog(tmp_path / "schemas")


def test_types_are_found_by_id_version_and_number() -> None:
    assert catalog().latest("food-business").version == 1
    assert catalog().by_number(101).id == "food-business"
    assert catalog().version("food-business", 1).zh == "食品经营许可证"
    with pytest.raises(NotFound):
        catalog().latest("nothing")
    with pytest.raises(NotFound):
        catalog().version("food-business", 2)
    with pytest.raises(NotFound):
        catalog().by_number(9)
