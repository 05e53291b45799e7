"""A new kind of permit is data alone: a folder, a seal that may stand under it, and it is issued and verified."""

import json
import shutil
from pathlib import Path

from demonstration import ROOT, NewHome

BARBER = {"id": "barber-shop", "zh": "理发店备案凭证", "en": "Barber shop record", "number": "901"}


def add_type(schemas: Path) -> None:
    """A type of its own from the hygiene permit's folder: other names, number, series and colours."""
    place = schemas / BARBER["id"] / "v1"
    shutil.copytree(ROOT / "schemas" / "public-place-hygiene" / "v1", place)
    text = (place / "type.toml").read_text("utf-8")
    known = {line.split(" = ")[0]: line for line in text.splitlines() if " = " in line and line[0] not in "[{"}
    for key, value in (
        ("id", f'"{BARBER["id"]}"'),
        ("type_number", BARBER["number"]),
        ("zh", f'"{BARBER["zh"]}"'),
        ("en", f'"{BARBER["en"]}"'),
        ("type_code", '"11441900007331013X901"'),
    ):
        first = next(line for line in text.splitlines() if line.startswith(f"{key} = "))
        text = text.replace(first, f"{key} = {value}", 1)
    template = known["template"]
    text = text.replace(template, 'template = "云理备〔{year}〕第{serial:05}号"')
    (place / "type.toml").write_text(text, encoding="utf-8")


def test_a_new_permit_type_is_data_alone(new_home: NewHome, tmp_path: Path) -> None:
    schemas = tmp_path / "schemas"
    shutil.copytree(ROOT / "schemas", schemas)
    add_type(schemas)
    plan = (ROOT / "keys" / "ceremonies" / "demonstration.toml").read_text("utf-8")
    bound = 'certificate_types = ["public-place-hygiene"]'
    assert bound in plan
    (tmp_path / "plan.toml").write_text(
        plan.replace(bound, f'certificate_types = ["public-place-hygiene", "{BARBER["id"]}"]'), encoding="utf-8"
    )
    home = new_home()
    home.path.mkdir()
    (home.path / "settings.toml").write_text(f'[catalog]\nschemas = "{schemas}"\n', encoding="utf-8")
    assert BARBER["id"] in {kind["id"] for kind in home.json("check-types")}
    assert home.run("ceremony", tmp_path / "plan.toml").returncode == 0
    examples = schemas / "business-licence-company" / "v1" / "examples" / "good-lingnan.json"
    assert home.json("issue", "business-licence-company", examples)[0]["typed_code"]
    payload = json.loads((schemas / BARBER["id"] / "v1" / "examples" / "good-hotel.json").read_text("utf-8"))
    (tmp_path / "barber.json").write_text(json.dumps(payload), encoding="utf-8")
    issued = home.json("issue", BARBER["id"], tmp_path / "barber.json")[0]
    assert issued["number"].startswith("云理备〔")
    (report,) = home.json("verify", *issued["files"])
    assert report["verdict"] == "valid"
    assert report["certificate"]["title"]["zh"] == BARBER["zh"]
    assert report["licence"]["verdict"] == "valid"
