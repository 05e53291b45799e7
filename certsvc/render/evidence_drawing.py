"""Drawing a stranger's photo or PDF anew, so that nothing of the file is left but what the eye sees. Runs in a worker
process only.

A picture is made from pixels alone: no metadata (a phone writes where a photo was taken), no colour profile, no second
picture, no text, link or script.
"""

import io
from collections.abc import Iterator

import pypdfium2
from PIL import Image, ImageOps, UnidentifiedImageError

from certsvc.domain.evidence import MOST_PAGES, MOST_PICTURE
from certsvc.render.evidence_shapes import Answer, Drawn, Undrawn

FORMATS = ("JPEG", "PNG", "WEBP")
MOST_PIXELS, LONGEST_JPEG_SIDE = 60_000_000, 30_000
"""What is unpacked whole; a JPEG is unpacked at half, a quarter or an eighth of its size, and may be larger."""

SIDE, THUMBNAIL_SIDE = 2200, 320
"""Pixels of the longest side: small print of an A4 page can be read, a thumbnail is recognised."""

DPI = 170
QUALITIES = (85, 70, 55, 40)
PDF_MARK, MARK_WITHIN = b"%PDF-", 1024

Image.MAX_IMAGE_PIXELS = None  # the limits above are asked first


def draw(content: bytes) -> Answer:
    """The file as JPEG pictures; what it is, is told by its content, whatever its name says."""
    is_pdf = PDF_MARK in content[:MARK_WITHIN]
    try:
        return _pdf(content) if is_pdf else _photo(content)
    except pypdfium2.PdfiumError:
        return Undrawn("pdf")
    except UnidentifiedImageError:
        return Undrawn("kind")


def _photo(content: bytes) -> Answer:
    opened = Image.open(io.BytesIO(content), formats=FORMATS)
    width, height = opened.size
    if opened.format == "JPEG":
        if max(width, height) > LONGEST_JPEG_SIDE:
            return Undrawn("too_large")
        opened.draft("RGB", (SIDE, SIDE))
        width, height = opened.size
    if width * height > MOST_PIXELS:
        return Undrawn("too_large")
    return _drawn("photo", iter([_flattened(_upright(opened))]))


def _pdf(content: bytes) -> Answer:
    with pypdfium2.PdfDocument(content) as document:
        if len(document) > MOST_PAGES:
            return Undrawn("pages")
        if len(document) < 1:
            return Undrawn("pdf")
        document.init_forms()
        return _drawn("pdf", (_page(page) for page in document))


def _page(page: pypdfium2.PdfPage) -> Image.Image:
    longest = max(1.0, *page.get_size())
    picture: Image.Image = page.render(scale=min(DPI / 72, SIDE / longest), may_draw_forms=True).to_pil()
    return picture.convert("RGB")


def _drawn(kind: str, pictures: Iterator[Image.Image]) -> Answer:
    pages: list[bytes] = []
    thumbnail = b""
    for picture in pictures:
        if not pages:
            thumbnail = _jpeg(_within(picture, THUMBNAIL_SIDE), QUALITIES[0])
        pages.append(_small_enough(picture))
    return Drawn(kind, thumbnail, tuple(pages))


def _upright(opened: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(opened)
    except Exception:  # what a camera wrote about the picture may be nonsense
        return opened


def _flattened(opened: Image.Image) -> Image.Image:
    """Colours on white: what is transparent shows the paper."""
    if opened.mode in ("RGBA", "LA", "PA") or "transparency" in opened.info:
        coloured = opened.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", coloured.size, "white"), coloured).convert("RGB")
    return opened.convert("RGB")


def _small_enough(picture: Image.Image) -> bytes:
    """As good as it can be within the limit; what is still too large at the lowest quality is drawn smaller."""
    fitting = _within(picture, SIDE)
    while True:
        for quality in QUALITIES:
            if len(made := _jpeg(fitting, quality)) <= MOST_PICTURE:
                return made
        fitting = _within(fitting, max(fitting.size) // 2)


def _within(picture: Image.Image, side: int) -> Image.Image:
    longest = max(picture.size)
    if longest <= side:
        return picture
    size = [max(1, round(length * side / longest)) for length in picture.size]
    return picture.resize((size[0], size[1]), Image.Resampling.LANCZOS, reducing_gap=2.0)


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    """A new picture with the same pixels: what came with the old one stays behind."""
    clean = Image.new("RGB", picture.size)
    clean.paste(picture)
    out = io.BytesIO()
    clean.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()
