"""The languages of the pages: words from files, and dates, ages and choice of language by rule.

Chinese is written in two ways, each in words of its own: what a reader in Taiwan or Hong Kong calls 檔案 is no 文件 in
other characters. What exists in Chinese only once (sentences of errors, titles of types, labels of faces) is in
simplified characters, and says so on a page in traditional ones, by `lang`.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from certsvc.domain.calendar import BEIJING, beijing_date
from certsvc.errors import SettingsError

NAMES = {"zh": "简体中文", "hant": "繁體中文", "en": "English"}
TAGS = {"zh": "zh-Hans", "hant": "zh-Hant", "en": "en"}
"""What each calls itself, and its BCP 47 tag."""

CODES = tuple(NAMES)
MINUTE, HOUR, LONGEST_AGE_IN_HOURS = 60, 3600, 48
COULD_NOT_RUN = "could_not_run"
"""A check that broke down; what follows it in a reason is for the machine's report."""

MONTHS = (
    "January February March April May June July August September October November December".split()  # no locale needed
)
ACCEPTED = re.compile(
    r"\s*(zh|en|\*)((?:-[a-z0-9]{1,8})*)\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*", re.IGNORECASE | re.ASCII
)
TRADITIONAL = {"hant", "tw", "hk", "mo"}
"""Script and regions (RFC 5646) whose readers get traditional characters, unless they ask for simplified ones."""


class Simplified(str):
    """Chinese in simplified characters on a page in another language: in HTML it says so."""

    __slots__ = ()

    def __html__(self) -> Markup:
        return Markup('<span lang="zh-Hans">{}</span>').format(str(self))


@dataclass(frozen=True, slots=True)
class Language:
    """One language: `code` is what `?lang=` takes, `words` the tables of its files."""

    code: str
    words: Mapping[str, Any]

    @property
    def tag(self) -> str:
        """The BCP 47 tag of a page in this language."""
        return TAGS[self.code]

    @property
    def is_chinese(self) -> bool:
        """Whether it is Chinese, in whichever characters."""
        return self.code != "en"

    def day(self, day: date) -> str:
        """A date as in a sentence: 2026年11月23日, 23 November 2026."""
        if self.is_chinese:
            return f"{day.year}年{day.month}月{day.day}日"
        return f"{day.day} {MONTHS[day.month - 1]} {day.year}"

    def moment(self, instant: datetime) -> str:
        """Date and time in Beijing, to the second."""
        local = instant.astimezone(BEIJING)
        return f"{self.day(local.date())}{' ' if self.is_chinese else ', '}{local:%H:%M:%S}"

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
        """The text of this language, where a program gives Chinese and English; traditional Chinese has none."""
        return en if self.code == "en" else Simplified(zh) if self.code == "hant" else zh

    def beside(self, zh: str, shown: str = "") -> str | None:
        """What stands beside a title or label so that it is found on the paper: the simplified Chinese of the paper,
        None where `shown` is that already."""
        return None if self.code == "zh" or shown == zh else zh

    def titled(self, zh: str, en: str) -> tuple[str, str | None]:
        """A title or label in this language, and what stands beside it."""
        title = self.pick(zh, en)
        return title, self.beside(zh, title)

    def put(self, template: str, **values: object) -> str:
        """A sentence with values in it; what is simplified in a traditional one stays marked."""
        if any(isinstance(value, Simplified) for value in values.values()):
            return Markup(escape(template)).format(**values)  # noqa: S704  escaped just now
        return template.format(**values)

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
    """Read the folders `zh`, `hant` and `en`: a file for each part of the pages.

    Raises:
        SettingsError: a file is missing or not TOML, two files have the same table, or one language has words that
            another lacks.
    """
    languages = {code: Language(code, _read_folder(folder / code)) for code in CODES}
    keys = [set(_keys(language.words)) for language in languages.values()]
    differing = set().union(*keys) - keys[0].intersection(*keys)
    if differing:
        named = ", ".join(sorted(differing))
        raise SettingsError(f"各语言用语不一致：{named}", f"Words that stand in some languages only: {named}")
    return languages


def choose_language(asked: str | None, accept_language: str) -> str:
    """`?lang=` if it names one of ours, else the best of Accept-Language (RFC 9110 section 12.5.4), else Chinese."""
    if asked in CODES:
        return asked
    found = (ACCEPTED.fullmatch(part) for part in accept_language[:500].split(","))
    wanted = [(float(match[3] or 1), _code(match[1].lower(), match[2].lower())) for match in found if match]
    quality, code = max(wanted, key=lambda pair: pair[0], default=(0.0, "zh"))
    return code if quality > 0 else "zh"


def _code(language: str, rest: str) -> str:
    if language == "en":
        return "en"
    parts = rest.split("-")
    return "hant" if "hans" not in parts and TRADITIONAL & {*parts} else "zh"


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
