"""The plan of one seal: what follows from kind and rank, the rules of use, and the people."""

import io
from pathlib import Path
from typing import Any

import msgspec
import pytest
from ceremonies import DEMONSTRATION, PLAN, hold, make_home, open_held
from PIL import Image

from certsvc.authority.plan import load_plan
from certsvc.authority.seal_plan import MADE_UP, SealPlan, load_seal_plan, parse_hours, parse_person
from certsvc.domain.seal import Centre, Hours, Placement, Seal, SealKind
from certsvc.errors import CeremonyError, InvalidInput

FIRE = {
    "id": "fire",
    "owner": "云山市消防救援支队",
    "owner_uscc": "11441900007331048G",
    "certificate_types": ["fire-safety-check"],
}
PEOPLE = {"applicant": "申", "approver": "批", "manager": "管", "keeper": "用", "auditor": "审"}
UNNAMED = "".join(line for line in PLAN.splitlines(keepends=True) if line.split(" = ")[0] not in PEOPLE)


def seal(more: dict[str, Any] | None = None, *, demonstration: bool = True) -> Seal:
    """The seal of a plan."""
    return msgspec.convert({**FIRE, **(more or {})}, SealPlan).seal(demonstration=demonstration)


def test_a_plan_that_says_little_is_a_star_of_42_millimetres_always_usable_by_made_up_people() -> None:
    made = seal()
    assert (made.design.diameter_mm, made.design.centre, made.design.kind) == (42, Centre.STAR, SealKind.LEGAL_NAME)
    assert (made.place, made.daily_quota, made.hours, made.people) == (None, None, None, MADE_UP)
    assert seal(demonstration=False).people is None
    assert seal(PEOPLE, demonstration=False).people == seal(PEOPLE).people != MADE_UP


def test_kind_and_rank_give_size_shape_centre_and_words() -> None:
    government = seal({"rank": "government"}).design
    assert (government.diameter_mm, government.centre) == (45, Centre.EMBLEM)
    invoice = seal({"kind": "03"}).design
    assert (invoice.size_mm, invoice.centre, invoice.purpose) == ((40, 30), Centre.NONE, "发票专用章")
    assert invoice.code == FIRE["owner_uscc"]
    assert seal({"kind": "02"}).design.purpose == "财务专用章"
    assert seal({"kind": "05", "name": "张三"}).design.name == "张三"
    assert seal({"rank": "foreign-invested"}).design.size_mm == (45, 30)


def test_the_rules_of_use_are_read() -> None:
    made = seal(
        {"place": {"x_mm": 150.0, "y_mm": 250.0}, "daily_quota": 500, "hours": "08:00-20:00", "weekdays_only": True}
    )
    assert made.place == Placement(page=1, x_mm=150, y_mm=250)
    assert (made.daily_quota, made.hours) == (500, Hours(opens=480, closes=1200, weekdays_only=True))
    assert seal({"weekdays_only": True}).hours == Hours(opens=0, closes=1440, weekdays_only=True)


@pytest.mark.parametrize(
    "text", ["8:00-20:00", "08:00", "20:00-08:00", "08:00-08:00", "08:00-24:30", "08:60-09:00", ""]
)
def test_hours_of_another_spelling_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="08:00-20:00"):
        parse_hours(text)


def test_a_person_has_one_spelling() -> None:
    assert parse_person(" 张\u3000三 ") == parse_person("张 三") == "张 三"
    assert parse_person("Ａ") == "A"
    for text in ("", "  ", "张\u200b三", "张" * 65, "\x00"):
        with pytest.raises(InvalidInput):
            parse_person(text)


WRONG: dict[str, dict[str, Any]] = {
    "too large for its rank": {"diameter_mm": 46.0},
    "of another size than its rank": {"rank": "government", "diameter_mm": 42.0},
    "a rank that is none": {"rank": "emperor"},
    "one person twice": {**PEOPLE, "auditor": " 管"},
    "nobody audits": {name: person for name, person in PEOPLE.items() if name != "auditor"},
    "hours into the next day": {"hours": "20:00-08:00"},
    "a foreign code on an invoice seal": {"kind": "03", "code": "91441900MA51ABC088"},
}


@pytest.mark.parametrize("flaw", WRONG)
def test_what_cannot_be_is_refused(flaw: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        seal(WRONG[flaw])
    assert caught.value.zh


def test_a_real_authority_supplies_the_emblem_and_names_its_people(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="supply the picture"):
        seal({"rank": "government"}, demonstration=False)
    real = UNNAMED.replace("demonstration = true", "demonstration = false")
    home, plan = make_home(tmp_path, real)
    with pytest.raises(CeremonyError, match="does not name its applicant"):
        hold(home, plan)
    plan.write_text(real + "".join(f'{duty} = "{name}"\n' for duty, name in PEOPLE.items()), encoding="utf-8")
    hold(home, plan)
    (made,) = open_held(home).seals
    assert made.people is not None and made.people.auditor == "审"


def _png(folder: Path, name: str = "seal.png") -> bytes:
    file = io.BytesIO()
    Image.new("RGBA", (532, 532)).save(file, "PNG")
    (folder / name).write_bytes(file.getvalue())
    return file.getvalue()


def test_a_picture_beside_the_plan_goes_into_the_authority(tmp_path: Path) -> None:
    home, plan = make_home(tmp_path, PLAN + 'picture = "seal.png"\n')
    data = _png(tmp_path)
    assert load_plan(plan).seals[0].picture == data
    hold(home, plan)
    (tmp_path / "seal.png").unlink()
    assert open_held(home).seals[0].design.picture == data


@pytest.mark.parametrize("name", ["../seal.png", "/etc/hostname", "none.png", "large.png"])
def test_a_picture_from_elsewhere_or_none_or_too_large_is_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "plans"
    folder.mkdir()
    _png(tmp_path)
    (folder / "large.png").write_bytes(bytes(1024 * 1024 + 1))
    lines = [f"{key} = {msgspec.json.encode(value).decode()}" for key, value in FIRE.items()]
    (folder / "plan.toml").write_text("\n".join([*lines, f'picture = "{name}"']), encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"plan\.toml"):
        load_seal_plan(folder / "plan.toml")


def test_the_plan_of_one_seal_is_what_stands_in_a_ceremony_s(tmp_path: Path) -> None:
    text = UNNAMED[UNNAMED.index("[[seals]]") + len("[[seals]]") :]
    (tmp_path / "seal.toml").write_text(text, encoding="utf-8")
    assert load_seal_plan(tmp_path / "seal.toml") == msgspec.convert(FIRE, SealPlan)
    for wrong in ("id = 1", "colour = 1\n" + text, "id = ", "#" * 70_000):
        (tmp_path / "seal.toml").write_text(wrong, encoding="utf-8")
        with pytest.raises(InvalidInput, match=r"seal\.toml"):
            load_seal_plan(tmp_path / "seal.toml")


def test_the_seals_of_the_demonstration_look_as_they_were_published() -> None:
    for planned in load_plan(DEMONSTRATION).seals:
        design = planned.seal(demonstration=True).design
        assert (design.name, design.centre, design.border_mm) == (planned.owner, Centre.STAR, 1.2)
        assert design.diameter_mm in (42, 45)
        assert (design.purpose, design.code) == (planned.purpose, planned.code)
