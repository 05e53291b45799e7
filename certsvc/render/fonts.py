"""The fonts we print with, and which characters they have."""

from collections.abc import Collection, Iterable, Sequence
from functools import cache
from pathlib import Path

import pylopdf_fonts_zh_cn
from fontTools.ttLib import TTCollection, TTFont, TTLibError

from certsvc.errors import MissingGlyph, Problem, SettingsError

SERIF: Path = pylopdf_fonts_zh_cn.serif_path()
FOLDER = SERIF.parent
SUFFIXES = {".otf", ".ttf", ".ttc", ".otc"}


@cache
def faces(extra: tuple[str, ...] = ()) -> tuple[TTFont, ...]:
    """Our serif face (宋体), then the faces in the `extra` folders, each parsed once.

    Raises:
        SettingsError: a folder cannot be read, or a font in it is broken.
    """
    found = [TTFont(SERIF, lazy=True)]
    for folder in extra:
        for path in _files(folder):
            try:
                found += _faces(path)
            except (OSError, TTLibError) as error:
                raise _unusable(path, error) from None
    return tuple(found)


def require_usable(extra: Sequence[str], used: Collection[str | None]) -> None:
    """Stop at the start when the typesetter does not use a font that we would count on.

    Raises:
        SettingsError: with the folder or the font.
    """
    for folder in extra:
        for path in _files(folder):
            if not any(font and Path(font).samefile(path) for font in used):
                raise _unusable(path, "typst cannot read it")


@cache
def characters(extra: tuple[str, ...] = ()) -> frozenset[int]:
    """Every code point that our fonts or those in the `extra` folders can print. Raises `SettingsError` as `faces`."""
    return frozenset(point for face in faces(extra) for point in face.getBestCmap() or ())


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
    """The error for one character that no font has: the error itself is for who runs the server, and its problem, which
    pages show at the field, for who typed the character."""
    point = f"U+{ord(character):04X}"
    zh = f"{field} 中的“{character}”（{point}）在字库中没有；请把含有它的字体放进设置 fonts.extra 指定的目录。"
    en = f'No font has "{character}" ({point}) in {field}: put one into a folder named by the setting fonts.extra.'
    typed_zh = f"“{character}”（{point}）这个字印不出来：字库里没有它。请联系系统管理员添加字体。"
    typed_en = (
        f"“{character}” ({point}) cannot be printed: no font has it. Ask the operator of the system to add a font."
    )
    return MissingGlyph(zh, en, problems=[Problem(field, MissingGlyph.code, typed_zh, typed_en)])


def _files(folder: str) -> list[Path]:
    try:
        return sorted(path for path in Path(folder).iterdir() if path.suffix.lower() in SUFFIXES)
    except OSError as error:
        raise _unusable(folder, error) from None


def _unusable(place: Path | str, why: object) -> SettingsError:
    return SettingsError(
        f"设置 fonts.extra 中的 {place} 无法使用：{why}", f"{place} in fonts.extra cannot be used: {why}"
    )


def _faces(path: Path) -> list[TTFont]:
    if path.suffix.lower() in {".ttc", ".otc"}:
        return list(TTCollection(path, lazy=True).fonts)
    return [TTFont(path, lazy=True)]
