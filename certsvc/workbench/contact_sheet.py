"""One picture of all types: a tile for each, with its titles, id and number."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image, ImageColor, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from certsvc.catalog import CertificateType
from certsvc.catalog.load import examples
from certsvc.catalog.published import digests
from certsvc.domain.certificate import Category
from certsvc.render.fonts import FOLDER, SERIF
from certsvc.workbench.sample import owners_of, printed_number

COLUMNS = 6
TILE, PICTURE = (404, 398), (380, 269)
"""Pixels of a tile, and of the room for the picture in it (an A4 page lying)."""

EDGE, HEAD = 20, 84
COLOURS = (112, 80, 48, 24)
"""How many of the sheet's colours are kept: as many as the size allows."""

KEPT = "#f4f4f1 #ffffff #1a1a1e #4a4a50 #b01822 #c8202b #d97d82 #eebfc1"
"""Colours that stay what they are, however few there are: paper, ink, and the red of the marks."""

MOST_BYTES = 1_500_000
MADE_FROM = "certsvc-made-from"
"""The name of the PNG text chunk with the digest of everything that the picture was made from."""

INK, QUIET, RED, PAPER, RULE = "#1a1a1e", "#4a4a50", "#b01822", "#f4f4f1", "#c9c9c4"
SANS = FOLDER / "NotoSansSC-Regular.otf"
ORDER = [Category.LICENCE, Category.PERMIT, Category.PROOF]
OWN_FILES = ("contact_sheet.py", "sample.py", "preview.typ")


@dataclass(frozen=True, slots=True)
class Tile:
    """What stands on a tile; `picture` is the sheet as PNG, None where it could not be printed."""

    zh: str
    en: str
    id: str
    number: str
    picture: Path | None


def in_order(kinds: Iterable[CertificateType]) -> list[CertificateType]:
    """The newest version of each type: licences, permits, proofs, each by number."""
    newest: dict[str, CertificateType] = {}
    for kind in kinds:
        if kind.id not in newest or newest[kind.id].version < kind.version:
            newest[kind.id] = kind
    return sorted(newest.values(), key=lambda kind: (ORDER.index(kind.category), kind.type_number))


def tile(kind: CertificateType, picture: Path | None) -> Tile:
    """The tile of a type."""
    payload = next(payload for _, payload in examples(kind, "good"))
    number = printed_number(kind, payload, kind.term(payload).start)
    return Tile(kind.zh, kind.en, f"{kind.type_number} · {kind.id} · v{kind.version}", number, picture)


def draw_contact_sheet(tiles: Sequence[Tile], path: Path, made_from: str = "") -> None:
    """Write the picture as PNG, at most 1.5 MB; `made_from` goes into its text chunk."""
    columns = min(COLUMNS, max(1, len(tiles)))
    rows = -(-len(tiles) // columns)
    size = (max(3, columns) * TILE[0] + 2 * EDGE, HEAD + rows * TILE[1] + EDGE)
    sheet = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((EDGE + 12, 22), "证照类型一览 Certificate types", font=_font(SERIF, 34), fill=INK)
    said = f"预览 无效 PREVIEW NOT VALID · {len(tiles)}"
    pen.text((size[0] - EDGE - 12, 30), said, font=_font(SANS, 24), fill=RED, anchor="ra")
    for place, each in enumerate(tiles):
        corner = EDGE + place % columns * TILE[0], HEAD + place // columns * TILE[1]
        _draw_tile(sheet, pen, each, corner)
    _save(sheet, path, made_from)


def _draw_tile(sheet: Image.Image, pen: ImageDraw.ImageDraw, each: Tile, corner: tuple[int, int]) -> None:
    left, top = corner[0] + (TILE[0] - PICTURE[0]) // 2, corner[1] + 6
    if each.picture is None:
        pen.rectangle((left, top, left + PICTURE[0], top + PICTURE[1]), outline=RED)
        pen.text((left + 12, top + 12), "印不出来 does not print", font=_font(SANS, 20), fill=RED)
    else:
        with Image.open(each.picture) as picture:
            small = picture.convert("RGB")
            small.thumbnail(PICTURE, Image.Resampling.LANCZOS)
        x, y = left + (PICTURE[0] - small.width) // 2, top + (PICTURE[1] - small.height) // 2
        sheet.paste(small, (x, y))
        pen.rectangle((x - 1, y - 1, x + small.width, y + small.height), outline=RULE)
    line = top + PICTURE[1] + 8
    for text, face, largest, step in (
        (each.zh, SERIF, 24, 34),
        (each.en, SANS, 17, 24),
        (each.id, SANS, 16, 22),
        (each.number, SANS, 16, 22),
    ):
        pen.text((left, line), text, font=_fitting(text, face, largest), fill=INK if face == SERIF else QUIET)
        line += step


def _fitting(text: str, face: Path, largest: int) -> ImageFont.FreeTypeFont:
    """The font in the largest size in which the text has room on its line."""
    size = largest
    while size > 9 and _font(face, size).getlength(text) > PICTURE[0]:
        size -= 1
    return _font(face, size)


@cache
def _font(face: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(face), size)


def _save(sheet: Image.Image, path: Path, made_from: str) -> None:
    """In as many colours as the size allows."""
    chunk = PngInfo()
    if made_from:
        chunk.add_text(MADE_FROM, made_from)
    unfinished = path.with_name(f".unfinished-{path.name}")
    for colours in COLOURS:
        few = sheet.quantize(palette=_palette(sheet, colours), dither=Image.Dither.NONE)
        few.save(unfinished, format="PNG", optimize=True, pnginfo=chunk)
        if unfinished.stat().st_size <= MOST_BYTES:
            break
    unfinished.replace(path)


def _palette(sheet: Image.Image, colours: int) -> Image.Image:
    own = sheet.quantize(colours, method=Image.Quantize.MEDIANCUT).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([*(part for name in KEPT.split() for part in ImageColor.getrgb(name)), *own[: 3 * colours]])
    return palette


def digest_of(schemas: Path, kinds: Sequence[CertificateType]) -> str:
    """SHA-256 (hex) of everything that the picture of these types is made from: their folders and first examples, the
    shared parts, who issues them, the fonts, and the files that draw it."""
    parts: dict[str, str | bytes] = {name: digest for name, digest in digests(schemas).items() if name[:7] == "common/"}
    there: Mapping[str, str] = digests(schemas)
    for kind in kinds:
        name = f"{kind.id}/v{kind.version}"
        path, _ = next(examples(kind, "good"))
        owners = owners_of(kind)
        parts[name] = there[name]
        parts[f"{name}/{path.name}"] = path.read_bytes()
        parts[f"{name} issuer"] = " ".join(f"{owner.name} {owner.uscc}" for owner in owners)
    for own in OWN_FILES:
        parts[own] = Path(__file__).with_name(own).read_bytes()
    for face in (SERIF, SANS):
        parts[face.name] = str(face.stat().st_size)
    digest = hashlib.sha256()
    for name, part in sorted(parts.items()):
        content = part if isinstance(part, bytes) else part.encode()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def made_from(path: Path) -> str:
    """The digest in the text chunk of a picture; empty where there is none."""
    if not path.exists():
        return ""
    with Image.open(path) as picture:
        return str(picture.info.get(MADE_FROM, ""))
