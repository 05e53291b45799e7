"""What is typed into forms of the console, as values: days, numbers, and the key that names a form."""

import re
from collections.abc import Mapping
from datetime import date

from certsvc.errors import InvalidInput, Problem
from certsvc.ids import new_opaque_id

KEY = re.compile(r"f-[a-z2-7]{20}", re.ASCII)
NUMBER = re.compile(r"[0-9]{1,6}", re.ASCII)
DAY = re.compile(r"((?:19|20|21)\d\d)-(\d{1,2})-(\d{1,2})", re.ASCII)
MONTH = re.compile(r"((?:19|20|21)\d\d)-(\d{1,2})", re.ASCII)
"""Of this century and its neighbours: every day has one before it and one after."""

MOST_TYPED = 64 * 1024
"""Bytes of a form with a reason of 4,000 characters, or with many boxes."""


def new_key() -> str:
    """Names a form that is shown, so that it is done once however often it is sent."""
    return new_opaque_id("f")


def typed_key(fields: Mapping[str, str]) -> str:
    """The key of a form that was sent.

    Raises:
        InvalidInput: it has none of ours.
    """
    key = fields.get("key", "")
    if not KEY.fullmatch(key):
        raise InvalidInput(
            "这份表单不完整：请回到页面上再填一次。", "The form is not whole: go back and fill it in anew."
        )
    return key


def typed_number(text: str, field: str, problems: list[Problem]) -> int | None:
    """A whole number; None, and one problem more, where it is none."""
    if NUMBER.fullmatch(text):
        return int(text)
    problems.append(Problem(field, "number", "请填一个整数", "Write a whole number."))
    return None


def typed_day(text: str, field: str, problems: list[Problem]) -> date | None:
    """A day such as 2026-11-01; None, and one problem more, where it is none."""
    found = DAY.fullmatch(text)
    try:
        if found:
            return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        pass
    problems.append(Problem(field, "day", "请写成 2026-11-01 这样的日期", "Write a day like 2026-11-01."))
    return None


def typed_month(text: str, field: str, problems: list[Problem]) -> date | None:
    """The first day of a month such as 2026-11; None, and one problem more, where it is none."""
    found = MONTH.fullmatch(text)
    try:
        if found:
            return date(int(found[1]), int(found[2]), 1)
    except ValueError:
        pass
    problems.append(Problem(field, "month", "请写成 2026-11 这样的月份", "Write a month like 2026-11."))
    return None
