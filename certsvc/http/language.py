"""The two languages of the pages: words from files, and dates, ages and choice of language by rule."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from certsvc.domain.calendar import BEIJING, beijing_date
from certsvc.errors import SettingsError

CODES = ("zh", "en")
MINUTE, HOUR, LONGEST_AGE_IN_HOURS = 60, 3600, 48
COULD_NOT_RUN = "could_not_run"
"""A check that broke down; what follows it in a reason is for the machine's report."""

MONTHS = (
    "January February March April May June July August September October November December".split()  # no locale needed
)
ACCEPTED = re.compile(r"\s*(zh|en|\*)(?:-[\w-]*)?\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Language:
    """One language: `code` is what `?lang=` takes, `words` the tables of its files."""

    code: str
    words: Mapping[str, Any]

    @property
    def tag(self) -> str:
        """The BCP 47 tag of a page in this language."""
        return str(self.words["lang"])

    def day(self, day: date) -> str:
        """A date as in a sentence: 2026年11月23日, 23 November 2026."""
        if self.code == "zh":
            return f"{day.year}年{day.month}月{day.day}日"
        return f"{day.day} {MONTHS[day.month - 1]} {day.year}"

    def moment(self, instant: datetime) -> str:
        """Date and time in Beijing, to the second."""
        local = instant.astimezone(BEIJING)
        return f"{self.day(local.date())}{' ' if self.code == 'zh' else ', '}{local:%H:%M:%S}"

    def age(self, seconds: int, now: datetime) -> str:
        """How long ago, in words; from 48 hours on the date."""
        table = self.words["age"]
        if seconds < MINUTE:
            return str(table["now"])
        if seconds < HOUR:
            return _count(table, "minute", seconds // MINUTE)
        if seconds < LONGEST_AGE_IN_HOURS * HOUR:
            return _count(table, "hour", seconds // HOUR)
        return str(table["since"]).format(day=self.day(beijing_date(now - timedelta(seconds=seconds))))

    def pick(self, zh: str, en: str) -> str:
        """The text of this language, where a program gives both."""
        return zh if self.code == "zh" else en

    def reason(self, kind: str, outcome: str, reason: str) -> str:
        """What a check found, in words; a code that has none is shown beside the word of its outcome."""
        if reason.startswith(COULD_NOT_RUN):
            return str(self.words["outcome"][COULD_NOT_RUN])
        known = self.words["checks"].get(kind, {}).get(reason) or self.words["status"].get(reason)
        return known or f"{self.words['outcome'][outcome]} ({reason})"

    def check_name(self, kind: str) -> str:
        """What a check looks at, in words."""
        return str(self.words["checks"].get(kind, {}).get("name", kind))


def load_languages(folder: Path) -> dict[str, Language]:
    """Read the folders `zh` and `en`: a file for each part of the pages.

    Raises:
        SettingsError: a file is missing or not TOML, two files have the same table, or one language has words that
            the other lacks.
    """
    languages = {code: Language(code, _read_folder(folder / code)) for code in CODES}
    differing = set(_keys(languages["zh"].words)) ^ set(_keys(languages["en"].words))
    if differing:
        named = ", ".join(sorted(differing))
        raise SettingsError(f"中英文用语不一致：{named}", f"Words that stand in one language only: {named}")
    return languages


def choose_language(asked: str | None, accept_language: str) -> str:
    """`?lang=` if it names one of ours, else the best of Accept-Language (RFC 9110 section 12.5.4), else Chinese."""
    if asked in CODES:
        return asked
    found = (ACCEPTED.fullmatch(part) for part in accept_language[:500].split(","))
    wanted = [(float(match[2] or 1), match[1].lower()) for match in found if match]
    best = max(wanted, key=lambda pair: pair[0], default=(0.0, "zh"))
    return "en" if best[1] == "en" and best[0] > 0 else "zh"


def _count(table: Mapping[str, str], unit: str, number: int) -> str:
    return table[unit] if number == 1 else table[f"{unit}s"].format(n=number)


def _read_folder(folder: Path) -> dict[str, Any]:
    words: dict[str, Any] = {}
    for path in sorted(folder.glob("*.toml")):
        part = _read(path)
        if twice := words.keys() & part.keys():
            raise SettingsError(f"用语 {path} 中重复：{min(twice)}", f"{path} has words of another file: {min(twice)}")
        words |= part
    if not words:
        raise SettingsError(f"缺少用语文件夹 {folder}。", f"There are no words in {folder}.")
    return words


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"用语文件 {path} 有误：{error}", f"The words in {path} are wrong: {error}") from None


def _keys(table: Mapping[str, Any], path: str = "") -> list[str]:
    keys = []
    for key, value in table.items():
        keys += _keys(value, f"{path}{key}.") if isinstance(value, dict) else [f"{path}{key}"]
    return keys
