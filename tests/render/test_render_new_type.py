"""A new kind of certificate is a folder of data: no code changes."""

import json
import shutil
from pathlib import Path
from typing import Any

from made_up_faces import NOW, SCHEMAS, catalog, make_face
from page_text import collisions, letters, page_text

from certsvc.catalog import load_catalog
from certsvc.catalog.load import examples
from certsvc.domain.calendar import beijing_date
from certsvc.domain.number import NumberSeries
from certsvc.render.face import Face
from certsvc.render.pages import Renderer

FACE = """#import "/common/v1/permit.typ": permit
#permit(dark: rgb("#3d4f12"), pale: rgb("#c8d3a8"), faint: rgb("#eff3e4"), flow: "animals",
  note: [动物防疫条件发生变化的，应当重新申请。],
)
"""
TYPE = """id = "live-poultry-market"
version = 1
type_number = 950
category = "permit"
zh = "活禽经营市场合格证"
en = "Live poultry market certificate"
type_code = "11441900007330010D950"
type_code_certainty = "local"
issuer_rank = "县级以上农业农村主管部门"
retention_years = 30
status_max_age_hours = 24
sensitive = false
licence_field = "uscc"
legal_basis = [{ text = "中华人民共和国动物防疫法 第二十五条", certainty = "from_memory" }]
rules = []

[[layouts]]
name = "sheet"
zh = "正本"
en = "Original, A4"
width_mm = 297
height_mm = 210
seal = { x_mm = 252.0, y_mm = 163.0 }

[holder]
name = "name"
code = "uscc"
code_kind = "001"

[term]
start = "valid_from"

[number]
template = "（云）禽市字第{year}{serial:04}号"
certainty = "from_memory"
"""
POLICY = """nature = "permit"
defining_authority = { name = "云山市农业农村局", certainty = "local" }
one_per = "premises"
place = "address"

[number]
certainty = "local"
parts = [
  { form = "（云）禽市字第", zh = "发证机关", en = "issuing organ" },
  { form = "[0-9]{4}", zh = "年份", en = "year" },
  { form = "[0-9]{4}号", zh = "顺序号", en = "serial" },
]

[term]
basis = "made up"
certainty = "local"
"""
FIELDS = {
    "name": ("单位名称", "Holder"),
    "uscc": ("统一社会信用代码", "Unified social credit code"),
    "address": ("场（厂）址", "Premises"),
    "animals": ("动物种类", "Animals"),
    "valid_from": ("发证日期", "Date of issue"),
}
GOOD = {
    "name": "云山市云岗镇丰穗养殖专业合作社",
    "uscc": "93441900MF3000A12K",
    "address": "云山市云岗镇石塘村南洲路12号",
    "animals": ["家禽（鸡、鸭、鹅）", "生猪"],
    "valid_from": "2025-04-01",
}


def write_type(folder: Path) -> None:
    """The whole new type, as a person would write it."""
    (folder / "examples").mkdir(parents=True)
    text = {"type": "string", "minLength": 2, "maxLength": 120}
    properties: dict[str, Any] = {
        "name": text,
        "uscc": {"type": "string", "format": "uscc"},
        "address": text,
        "animals": {"type": "array", "minItems": 1, "maxItems": 20, "items": text},
        "valid_from": {"type": "string", "format": "date"},
    }
    schema = {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}
    rows = (
        f'[[fields]]\nkey = "{key}"\nzh = "{zh}"\nen = "{en}"\npublic = "clear"\n' for key, (zh, en) in FIELDS.items()
    )
    (folder / "type.toml").write_text("\n".join([TYPE, *rows]), "utf-8")
    (folder.parent / "policy.toml").write_text(POLICY, "utf-8")
    (folder / "face.typ").write_text(FACE, "utf-8")
    (folder / "payload.schema.json").write_text(json.dumps(schema), "utf-8")
    bad = {"payload": GOOD | {"animals": []}, "problems": [{"field": "animals", "code": "minItems"}]}
    (folder / "examples/good-poultry.json").write_text(json.dumps(GOOD, ensure_ascii=False), "utf-8")
    (folder / "examples/bad-no-animals.json").write_text(json.dumps(bad, ensure_ascii=False), "utf-8")


def test_a_permit_added_as_data_alone_loads_and_prints_beside_the_others(tmp_path: Path) -> None:
    schemas = tmp_path / "schemas"
    shutil.copytree(SCHEMAS, schemas)
    write_type(schemas / "live-poultry-market" / "v1")
    types = load_catalog(schemas)
    kind = types.by_number(950)
    assert len(list(types)) == len(list(catalog())) + 1
    [(_, payload)] = examples(kind, "good")
    number = kind.number(payload, "441900", beijing_date(NOW))
    assert isinstance(number, NumberSeries)
    old = types.latest("food-business")
    model = make_face(old, old.layouts[0], next(examples(old, "good"))[1], specimen=False)
    fields = {name: getattr(model, name) for name in model.__dataclass_fields__}
    face = Face(**fields | {"type": kind, "layout": kind.layouts[0], "payload": payload, "number": number.number(7)})
    page = Renderer(schemas).render(face)
    text = page_text(page)
    assert "活禽经营市场合格证" in text and "（云）禽市字第20260007号" in text
    assert all(said in text for _, said in kind.rows(payload))
    assert collisions(letters(page)) == []
