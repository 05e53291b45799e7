"""A new kind of permit is data alone: started, decided, looked at, published, a seal allowed, issued and verified."""

import json
import re
import shutil
from pathlib import Path

import pytest
from demonstration import ROOT, Home, NewHome

pytestmark = pytest.mark.long

BARBER = "barber-shop"
NUMBERED = {
    "v1/type.toml": (r"template = \"[^\"]*\"", 'template = "云理备〔{year}〕第{serial:05}号"'),
    "policy.toml": (
        r"(?s)parts = \[.*?\n\]",
        'parts = [{ form = "云理备〔[0-9]{4}〕第[0-9]{5}号", zh = "备案号", en = "record number" }]',
    ),
}


def decide(place: Path) -> None:
    """What the official decides: the number, and every TODO, which these tests just strike out."""
    for name, (old, new) in NUMBERED.items():
        text, count = re.subn(old, lambda _, new=new: new, (place / name).read_text("utf-8"))  # type: ignore[misc]
        assert count == 1
        (place / name).write_text(text, "utf-8")
    for path in sorted(path for path in place.rglob("*") if path.is_file()):
        path.write_text(path.read_text("utf-8").replace("TODO", "已定"), "utf-8")
        path.rename(path.with_name(path.name.replace("-todo-", "-barber-")))


def todos(home: Home) -> list[str]:
    """What check-types says of the new type: the code of each problem."""
    [listed] = [kind for kind in home.json("check-types") if kind["id"] == BARBER]
    return [problem["code"] for problem in listed["problems"]]


def test_a_new_permit_type_is_data_alone(new_home: NewHome, tmp_path: Path) -> None:
    schemas = tmp_path / "schemas"
    shutil.copytree(ROOT / "schemas", schemas)
    plan = (ROOT / "keys" / "ceremonies" / "demonstration.toml").read_text("utf-8")
    bound = '"public-place-hygiene"'
    assert plan.count(bound) == 1
    (tmp_path / "plan.toml").write_text(plan.replace(bound, f'{bound}, "{BARBER}"'), encoding="utf-8")
    home = new_home()
    home.path.mkdir()
    (home.path / "settings.toml").write_text(f'[catalog]\nschemas = "{schemas}"\n', encoding="utf-8")

    titles = ("--zh", "理发店卫生备案凭证", "--en", "Barber shop record")
    assert home.json("new-type", BARBER, "--like", "public-place-hygiene", *titles)[0]["version"] == 1
    assert set(todos(home)) == {"todo", "example_borrowed"}
    assert home.run("publish-type", BARBER).returncode == 2
    decide(schemas / BARBER)
    assert todos(home) == []
    sheets = home.json("preview", "--out", tmp_path / "preview", BARBER)
    assert [sheet["warnings"] for sheet in sheets if "warnings" in sheet] == [[], []]
    assert home.json("publish-type", BARBER)[0]["folder"] == f"{BARBER}/v1"

    assert home.run("ceremony", tmp_path / "plan.toml").returncode == 0
    payload = json.loads((schemas / BARBER / "v1" / "examples" / "good-barber-1.json").read_text("utf-8"))
    licence = next(
        (path.parent.parent.parent.name, path)
        for path in schemas.glob("business-licence-*/v1/examples/good-*.json")
        if json.loads(path.read_text("utf-8"))["uscc"] == payload["uscc"]
    )
    assert home.json("issue", *licence)[0]["typed_code"]
    (tmp_path / "barber.json").write_text(json.dumps(payload), encoding="utf-8")
    issued = home.json("issue", BARBER, tmp_path / "barber.json")[0]
    assert issued["number"].startswith("云理备〔")
    (report,) = home.json("verify", *issued["files"])
    assert report["verdict"] == "valid"
    assert report["certificate"]["title"]["zh"] == titles[1]
    assert report["licence"]["verdict"] == "valid"
