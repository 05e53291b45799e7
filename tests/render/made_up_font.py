"""A tiny font with one rare character that ours lack."""

from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

RARE = "𠮷"


def make_font(folder: Path, character: str, *, named: bool = True) -> None:
    """A TrueType font with one character, a square in an em of 2048 units; typst uses none without all its names."""
    pen = TTGlyphPen(None)
    pen.moveTo((200, -100))
    for point in [(200, 1700), (1848, 1700), (1848, -100)]:
        pen.lineTo(point)
    pen.closePath()
    square = pen.glyph()
    builder = FontBuilder(2048, isTTF=True)
    builder.setupGlyphOrder([".notdef", "rare"])
    builder.setupCharacterMap({ord(character): "rare"})
    builder.setupGlyf({".notdef": square, "rare": square})
    builder.setupHorizontalMetrics({".notdef": (2048, 200), "rare": (2048, 200)})
    builder.setupHorizontalHeader(ascent=1802, descent=-246)
    names = {"familyName": "Made Up Rare", "styleName": "Regular"} | ({"psName": "MadeUpRare"} if named else {})
    builder.setupNameTable(names)
    builder.setupOS2(sTypoAscender=1802, sTypoDescender=-246, usWinAscent=1802, usWinDescent=246)
    builder.setupPost()
    builder.save(folder / "rare.ttf")
