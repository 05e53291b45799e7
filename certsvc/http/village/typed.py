"""What comes with forms of the console, as values: the key that names a form, the version seen, days, numbers."""

import re
from collections.abc import Mapping
from datetime import date

from certsvc.errors import InvalidInput, Problem
from certsvc.ids import new_opaque_id

LONGEST_KEY, LONGEST_VERSION, LATEST_VERSION = 100, 9, 2**31 - 1
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
        InvalidInput: it has none.
    """
    key = fields.get("key", "")
    if not 0 < len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise _not_whole()
    return key


def typed_version(fields: Mapping[str, str]) -> int:
    """The version that a form was shown with.

    Raises:
        InvalidInput: it has none.
    """
    seen = fields.get("seen", "")
    if not (seen.isascii() and seen.isdecimal() and len(seen) <= LONGEST_VERSION):
        raise _not_whole()
    return int(seen)


def seen_and_key(fields: Mapping[str, str]) -> tuple[int, str]:
    """Both, in the order in which use cases take them.

    Raises:
        InvalidInput: one is missing.
    """
    return typed_version(fields), typed_key(fields)


def seen_if_any(fields: Mapping[str, str]) -> int:
    """The same for a page that is shown again: where the form does not say, nothing has happened since."""
    try:
        return typed_version(fields)
    except InvalidInput:
        return LATEST_VERSION


def _not_whole() -> InvalidInput:
    return InvalidInput("这份表单不完整：请回到页面上再填一次。", "The form is not whole: go back and fill it in anew.")


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
