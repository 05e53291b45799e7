"""The fonts we print with, and which characters they have."""

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import pylopdf_fonts_zh_cn
from fontTools.ttLib import TTCollection, TTFont, TTLibError

from certsvc.errors import MissingGlyph, Problem, SettingsError

SERIF: Path = pylopdf_fonts_zh_cn.serif_path()
FOLDER = SERIF.parent
SUFFIXES = {".otf", ".ttf", ".ttc", ".otc"}


@cache
def serif() -> TTFont:
    """The serif face (宋体), parsed once."""
    return TTFont(SERIF, lazy=True)


@cache
def characters(extra: tuple[str, ...] = ()) -> frozenset[int]:
    """Every code point that our fonts or those in the `extra` folders can print.

    Raises:
        SettingsError: a folder cannot be read, or a font in it is broken.
    """
    found = set(serif().getBestCmap())
    for folder in extra:
        try:
            for path in sorted(Path(folder).iterdir()):
                if path.suffix.lower() in SUFFIXES:
                    found.update(*(font.getBestCmap() for font in _faces(path)))
        except (OSError, TTLibError) as error:
            raise SettingsError(
                f"设置 fonts.extra 中的 {folder} 无法使用：{error}", f"{folder} in fonts.extra cannot be used: {error}"
            ) from None
    return frozenset(found)


def require_glyphs(texts: Iterable[tuple[str, str]], extra: Sequence[str] = ()) -> None:
    """Stop before printing when a character of a (field, text) pair is in no font.

    Raises:
        MissingGlyph: with the character, its code point, the field, and the setting that adds a font.
    """
    known = characters(tuple(extra))
    for field, text in texts:
        for character in text:
            if ord(character) not in known:
                raise missing_glyph(field, character)


def missing_glyph(field: str, character: str) -> MissingGlyph:
    """The error for one character that no font has."""
    point = f"U+{ord(character):04X}"
    zh = f"{field} 中的“{character}”（{point}）在字库中没有；请把含有它的字体放进设置 fonts.extra 指定的目录。"
    en = f'No font has "{character}" ({point}) in {field}: put one into a folder named by the setting fonts.extra.'
    return MissingGlyph(zh, en, problems=[Problem(field, MissingGlyph.code, zh, en)])


def _faces(path: Path) -> list[TTFont]:
    if path.suffix.lower() in {".ttc", ".otc"}:
        return list(TTCollection(path, lazy=True).fonts)
    return [TTFont(path, lazy=True)]
