"""Masking of personal data by rule (GB/T 37964-2019 classes). Names of the rules stand in `type.toml`."""

import re
from collections.abc import Callable, Mapping

COMPOUND_SURNAMES = frozenset(
    "欧阳 司马 上官 诸葛 东方 皇甫 尉迟 公孙 慕容 令狐 司徒 夏侯 端木 独孤 南宫 西门 轩辕 宇文 长孙 闻人".split()
)

HOUSE_NUMBER = re.compile(r"\d|号")


def mask_name(name: str) -> str:
    """Keep the family name, one star for each other character: 张小三 → 张**, 欧阳小明 → 欧阳**."""
    kept = 2 if name[:2] in COMPOUND_SURNAMES and len(name) > 2 else 1
    return name[:kept] + "*" * (len(name) - kept)


def mask_business(name: str) -> str:
    """The first character, and the last two, which say what it is: 云*********公司. Shops are named after people."""
    return name[:1] + "*" * (len(name) - 1) if len(name) < 5 else name[:1] + "*" * (len(name) - 3) + name[-2:]


def mask_citizen_id(code: str) -> str:
    """First four and last four of 18 characters, never area and birth year together: 4405**********0014.

    Of another code, such as that of a passport, only the length is shown: eight characters would be nearly all of it.
    """
    if len(code) != 18:
        return "*" * len(code)
    return code[:4] + "*" * (len(code) - 8) + code[-4:]


def mask_address(address: str) -> str:
    """Down to the town or village, as printed up to 镇 or 街道; without either, or where a house number comes before
    it (…5号新村小区), nothing is shown."""
    for mark in ("街道", "镇", "乡", "村"):
        place = address.find(mark)
        if place > 0:
            shown = address[: place + len(mark)]
            return "***" if HOUSE_NUMBER.search(shown) else shown + "***"
    return "***"


def mask_wholly(text: str) -> str:
    """Say only that there is something."""
    return "***" if text else ""


RULES: Mapping[str, Callable[[str], str]] = {
    "clear": str,
    "name": mask_name,
    "citizen_id": mask_citizen_id,
    "address": mask_address,
    "hidden": mask_wholly,
}
"""The masking rules a type may name for a public field."""
