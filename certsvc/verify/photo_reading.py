"""Reading QR codes in any phone's photo: large, turned, at an angle, pale. Runs in a worker process only."""

import io
from collections.abc import Iterator

from PIL import Image, ImageFilter, ImageOps

from certsvc.verify.looking_shapes import Code, Codes, Unseen
from certsvc.verify.pixels import code_of, qr_texts

FORMATS = ("JPEG", "PNG", "WEBP")
MOST_PIXELS = 60_000_000
"""What is unpacked whole; a JPEG is unpacked at half, a quarter or an eighth of its size, and may be larger."""

LONGEST_JPEG_SIDE = 30_000
SIDES = (4000, 2000, 1200)
"""Longest sides, in pixels, at which a photo is looked at: fine print wants all of it, noise and blur want less."""

MOST_CODES = 8

Image.MAX_IMAGE_PIXELS = None  # the limits above are asked first


def read_photo(data: bytes) -> Codes | Unseen:
    """The codes of the form of ours in a photo (JPEG, PNG, WebP; its first picture), each once."""
    picture = _open(data)
    if isinstance(picture, Unseen):
        return picture
    found: dict[Code, None] = {}
    others: set[str] = set()
    for variant in _variants(picture):
        for text in qr_texts(variant):
            if (code := code_of(text)) is not None:
                found[code] = None
            else:
                others.add(text)
        if found and variant.size != picture.size:  # looked at twice: a second code may be smaller
            break
    return Codes(tuple(found)[:MOST_CODES], len(others))


def _open(data: bytes) -> Image.Image | Unseen:
    opened = Image.open(io.BytesIO(data), formats=FORMATS)
    width, height = opened.size
    if opened.format == "JPEG":
        if max(width, height) > LONGEST_JPEG_SIDE:
            return Unseen("too_large")
        opened.draft("L", (SIDES[0], SIDES[0]))
        width, height = opened.size
    if width * height > MOST_PIXELS:
        return Unseen("too_large")
    return _flattened(_upright(opened))


def _upright(opened: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(opened)
    except Exception:  # what a camera wrote about the picture may be nonsense: codes are found in any direction
        return opened


def _flattened(opened: Image.Image) -> Image.Image:
    """Grey on white: what is transparent shows the paper."""
    if opened.mode in ("RGBA", "LA", "PA") or "transparency" in opened.info:
        coloured = opened.convert("RGBA")
        ground = Image.new("RGBA", coloured.size, "white")
        return Image.alpha_composite(ground, coloured).convert("L")
    return opened.convert("L")


def _variants(picture: Image.Image) -> Iterator[Image.Image]:
    """The picture at several sizes, then with its contrast stretched, then sharpened."""
    longest = max(picture.size)
    sides = [side for side in SIDES if side < longest] or [longest]
    yield picture
    for side in sides:
        yield _at(picture, side)
    for side in sides:
        yield ImageOps.autocontrast(_at(picture, side), cutoff=2)
    for side in sides:
        yield ImageOps.equalize(_at(picture, side).filter(ImageFilter.UnsharpMask(radius=3, percent=200)))
    yield _at(picture, 2 * longest) if longest < SIDES[-1] else picture


def _at(picture: Image.Image, side: int) -> Image.Image:
    factor = side / max(picture.size)
    size = tuple(max(1, round(length * factor)) for length in picture.size)
    return picture.resize((size[0], size[1]), Image.Resampling.BICUBIC)
