"""Photos as phones make them, of pages drawn by the real renderer: turned, at an angle, pale, small, noisy."""

import io
import random
from collections.abc import Callable, Sequence

import pypdfium2
import zxingcpp
from PIL import Image, ImageEnhance, ImageFilter

from certsvc.render.qr import qr_symbol

DPI = 220
ORIENTATION = 0x0112
"""The EXIF tag that says how a camera was held."""


def paper(pdf: bytes, dpi: int = DPI) -> Image.Image:
    """The first page as it lies on a table."""
    with pypdfium2.PdfDocument(pdf) as document:
        document.init_forms()
        page: Image.Image = document[0].render(scale=dpi / 72, may_draw_forms=True).to_pil()
        return page.convert("RGB")


def saved(picture: Image.Image, kind: str = "JPEG", **how: object) -> bytes:
    """As a file."""
    out = io.BytesIO()
    picture.save(out, kind, **({"quality": 85} if kind == "JPEG" else {}), **how)
    return out.getvalue()


def on_a_table(picture: Image.Image, factor: float = 1.3) -> Image.Image:
    """With dark wood around it."""
    size = (round(picture.width * factor), round(picture.height * factor))
    table = Image.new("RGB", size, (92, 71, 54))
    table.paste(picture, ((size[0] - picture.width) // 2, (size[1] - picture.height) // 2))
    return table


def turned(picture: Image.Image) -> Image.Image:
    """Not held straight."""
    return on_a_table(picture).rotate(17, expand=True, fillcolor=(92, 71, 54), resample=Image.Resampling.BICUBIC)


def upside_down(picture: Image.Image) -> Image.Image:
    """Held the other way round."""
    return on_a_table(picture).rotate(180)


def at_an_angle(picture: Image.Image) -> Image.Image:
    """Taken from one side: the far edge is shorter."""
    lying = on_a_table(picture)
    width, height = lying.size
    return lying.transform(
        (width, height),
        Image.Transform.PERSPECTIVE,
        (1.25, 0.18, -0.12 * width, 0.03, 1.22, -0.08 * height, 0.00006, 0.00009),
        resample=Image.Resampling.BICUBIC,
        fillcolor=(92, 71, 54),
    )


def pale(picture: Image.Image) -> Image.Image:
    """Hardly any contrast, as in poor light."""
    return ImageEnhance.Brightness(ImageEnhance.Contrast(picture).enhance(0.18)).enhance(0.7)


def noisy(picture: Image.Image) -> Image.Image:
    """Grainy and a little out of focus."""
    chance = random.Random(20261127)
    grain = Image.frombytes("L", picture.size, chance.randbytes(picture.width * picture.height)).convert("RGB")
    return Image.blend(picture, grain, 0.22).filter(ImageFilter.GaussianBlur(1.2))


def in_the_shade(picture: Image.Image) -> Image.Image:
    """Half of it dark."""
    shade = Image.linear_gradient("L").resize(picture.size).rotate(90)
    return Image.composite(picture, ImageEnhance.Brightness(picture).enhance(0.25), shade)


TAKEN: Sequence[Callable[[Image.Image], Image.Image]] = (turned, upside_down, at_an_angle, pale, noisy, in_the_shade)


def of_a_large_sensor(picture: Image.Image) -> Image.Image:
    """48 million pixels."""
    return on_a_table(picture).resize((8000, 6000), Image.Resampling.BILINEAR)


def national_qr(text: str, size: int = 420) -> Image.Image:
    """A QR of somebody else, such as the national one on a business licence."""
    written = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode)
    return Image.fromarray(written.to_image(scale=6)).convert("RGB").resize((size, size))


def qr(prefix: str, digits: str, module: int = 6) -> Image.Image:
    """A QR alone, with its quiet zone."""
    rows = qr_symbol(prefix, digits).rows
    side = len(rows) + 8
    picture = Image.new("L", (side, side), 255)
    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            if dark:
                picture.putpixel((x + 4, y + 4), 0)
    return picture.resize((side * module, side * module), Image.Resampling.NEAREST).convert("RGB")


def beside(*pictures: Image.Image) -> Image.Image:
    """Side by side on white."""
    width, height = sum(one.width for one in pictures) + 60 * len(pictures), max(one.height for one in pictures) + 60
    whole, place = Image.new("RGB", (width, height), "white"), 30
    for one in pictures:
        whole.paste(one, (place, 30))
        place += one.width + 60
    return whole


def as_scan(picture: Image.Image) -> bytes:
    """A PDF that is only this picture, as a scanner makes it."""
    out = io.BytesIO()
    picture.save(out, "PDF", resolution=DPI)
    return out.getvalue()
