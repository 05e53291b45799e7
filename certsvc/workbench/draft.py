"""The files of a new type, made from those of another: what must differ is changed, what must be decided says TODO."""

import copy
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from certsvc.catalog.faults import FACE, SCHEMA, TYPE
from certsvc.catalog.locate import At
from certsvc.workbench.toml_text import write_toml

EXAMPLES_TAKEN = 2
BASIS = "TODO 依据哪部法规第几条 (which article of which law)"
HEAD = """What the law lets happen to a {zh} after it is issued. Nothing is printed from this file: correct it
when the law changes or somebody knows better. certainty: known | from_memory | local (differs from place to place)."""
REMARKS: Mapping[At, str] = {
    ("type_code",): "TODO 定义机关的统一社会信用代码加 3 位数字 (code of the defining authority, 3 digits)",
    ("issuer_rank",): "TODO 哪一级机关颁发 (which organ issues it)",
    ("retention_years",): "TODO 保存多少年 (how many years it is kept)",
    ("number",): "TODO 编号怎么编，policy.toml 的 number.parts 要跟着改 (number.parts in policy.toml follow)",
}
"""What is still to be decided in every `type.toml`."""

FIELD, RULE = "TODO 这个字段来自“{}”：保留、改名还是删去 (keep, rename or delete)", "TODO 这条规则来自“{}” (keep it?)"
Content = dict[str, Any]


def draft_files(
    model: Path, *, type_id: str, zh: str | None, en: str | None, type_number: int, own_code: str
) -> Mapping[str, str]:
    """The files by name, seen from the folder of the new type. `model` is the folder of the version to copy."""
    old = tomllib.loads((model / TYPE).read_text("utf-8"))
    policy = tomllib.loads((model.parent / "policy.toml").read_text("utf-8"))
    title = zh or "TODO 名称"
    new = copy.deepcopy(old) | {
        "id": type_id,
        "version": 1,
        "type_number": type_number,
        "zh": title,
        "en": en or "TODO English title",
        "type_code": old["type_code"][:18] + own_code,
        "type_code_certainty": "local",
        "legal_basis": [{"text": BASIS, "certainty": "from_memory"}],
    }
    if "most_years" in policy["term"]:  # the policy says it, and a policy can be corrected
        new["rules"] = [rule for rule in old.get("rules", ()) if rule["rule"] != "most_years"]
    if "template" in old["number"]:
        new["number"] = {"template": f"{type_number}-{{year}}-{{serial:06}}", "certainty": "local"}
    files = {
        "policy.toml": _policy(policy, new, old),
        f"v1/{TYPE}": write_toml(new, _remarks(new, policy, old["zh"])),
        f"v1/{SCHEMA}": (model / SCHEMA).read_text("utf-8"),
        f"v1/{FACE}": _face((model / FACE).read_text("utf-8"), title),
    }
    for sort in ("good", "bad"):
        for place, path in enumerate(sorted((model / "examples").glob(f"{sort}-*.json"))[:EXAMPLES_TAKEN], 1):
            files[f"v1/examples/{sort}-todo-{place}.json"] = path.read_text("utf-8")
    return files


def _remarks(new: Content, policy: Content, model: str) -> dict[At, str]:
    """What is still to be decided in `type.toml`, by place."""
    remarks = dict(REMARKS)
    for place, field in enumerate(new["fields"]):
        if field["key"] not in _common(new, policy):
            remarks["fields", place] = FIELD.format(model)
    for place, rule in enumerate(new.get("rules", ())):
        if rule["rule"] not in ("not_before", "code_of_kind"):
            remarks["rules", place] = RULE.format(model)
    return remarks


def _common(definition: Content, policy: Content) -> set[object]:
    """The fields that other parts of a type name, so that most types have them."""
    holders = [definition["holder"], *definition.get("further_holders", ())]
    named = {holder.get(key) for holder in holders for key in ("name", "code", "code_kind_field")}
    named |= {*definition["term"].values(), definition.get("licence_field"), policy.get("place")}
    named |= {*policy.get("facts", {}).values()}
    return named | {rule["field"] for rule in policy.get("follows_licence", ())}


def _policy(old: Content, definition: Content, model: Content) -> str:
    """The policy: the same kinds of rule, each with its ground to be found."""
    new = copy.deepcopy(old) | {
        "defining_authority": {"name": "TODO 定义机关 (who defines it)", "certainty": "from_memory"}
    }
    new.pop("when_licence", None)  # where another permit's law differs from the general rules says nothing of this one
    number = definition["type_number"]
    if "template" in model["number"]:
        new["number"] = {
            "certainty": "local",
            "parts": [
                {"form": str(number), "zh": "证照类型", "en": "type"},
                {"form": "-[0-9]{4}", "zh": "年份", "en": "year"},
                {"form": "-[0-9]{6,8}", "zh": "顺序号", "en": "serial"},
            ],
        }
    rules = (new.get("renewal"), new.get("recheck"), new.get("decision"), *new.get("follows_licence", ()))
    for table in (new["term"], *rules):
        if table is not None:
            table.pop("note", None)
            table |= {"basis": BASIS, "certainty": "from_memory"}
    return write_toml(new, {}, HEAD.format(zh=definition["zh"]))


def _face(face: str, title: str) -> str:
    """The face in the colours of the old type; small print and a title in lines are about the old one."""
    face = _without_argument(_without_argument(face, "note"), "title")
    todo = "// TODO 选定颜色，核对版面上的每一句话 (choose the colours, check every sentence)"
    return f"{todo}\n// {title}\n{face}"


def _without_argument(text: str, name: str) -> str:
    """The call without the argument `name`, whose value is in brackets of any kind."""
    found = re.search(rf",\s*{name}:\s*(?=[\[(])", text)
    if found is None:
        return text
    depth = 0
    for place in range(found.end(), len(text)):
        depth += (text[place] in "[(") - (text[place] in "])")
        if depth == 0:
            return text[: found.start()] + text[place + 1 :]
    return text
