"""What a text of a payload may be: the formats schemas may name, and the characters any text may hold."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date

from certsvc.errors import CertsvcError, InvalidInput
from certsvc.ids import parse_citizen_id, parse_uscc

FIRST_YEAR, LAST_YEAR = 1900, 2999


def parse_iso_date(text: str) -> date:
    """A calendar date written 2026-11-24 (RFC 3339 full-date), of the years 1900 to 2999.

    Raises:
        InvalidInput: it is written otherwise or does not exist.
    """
    try:
        day = date.fromisoformat(text) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None
    except ValueError:
        day = None
    if day is None or not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise InvalidInput("应为存在的日期，写作 2026-11-24。", "It must be a date that exists, written 2026-11-24.")
    return day


PARSERS: Mapping[str, Callable[[str], object]] = {
    "date": parse_iso_date,
    "uscc": parse_uscc,
    "citizen-id": parse_citizen_id,
}
"""The formats a schema may name; each bounds the length of its text."""


def format_fault(name: str, text: str) -> tuple[str, str] | None:
    """Why `text` is not of the format (zh, en), or None. Only the normal form counts: it is printed as it stands."""
    try:
        parsed = PARSERS[name](text)
    except CertsvcError as error:
        return error.zh, error.en
    if isinstance(parsed, str) and parsed != text:
        return "请用大写，前后不留空格。", "Use capitals, and no spaces around it."
    return None


def is_printable(text: str) -> bool:
    """Whether a text is what it looks like on paper: no control, invisible or private-use characters, no space but
    single ones between words."""
    if text != text.strip(" ") or "  " in text:
        return False
    return text.isprintable() or not any(_is_hidden(character) for character in text)


def _is_hidden(character: str) -> bool:
    category = unicodedata.category(character)
    return category in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} or (category == "Zs" and character != " ")
