"""Pages as departments' own systems might lay them out, and ways to put tricks on them."""

import io
from collections.abc import Callable, Mapping
from typing import Any

import pikepdf
import pypdfium2
import zxingcpp
from pikepdf import Array, Dictionary, Name, Pdf, Stream
from PIL import Image

from certsvc.render.external import answer
from certsvc.render.external_shapes import Answer, Box, Draw, Drawn, Look, Refusal
from certsvc.render.qr import qr_symbol
from certsvc.render.stamp import block, stamp

A4_ACROSS = (842, 595)
QR = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
"""What is looked for: in so many dots a reader of everything finds now and then a code that is none."""

PREFIX, DIGITS = "HTTPS://YZ.EXAMPLE/Q/", "1" * 400
CODE, HOST = "ABCD-EFGH-JKMN-PQRS-T", "yz.example"
SYMBOL = qr_symbol(PREFIX, DIGITS)
X_MM, Y_MM = 200.0, 20.0
PLACE = block(SYMBOL, 0.4, X_MM, Y_MM, specimen=False)
IN_PLACE = "600 480"
"""A point inside of it, in the coordinates of such a page."""

TITLE = b"0 0 0 rg BT /F1 24 Tf 60 520 Td (Business Licence) Tj ET 1 0 0 RG 4 w 30 30 782 535 re S"
NATIONAL = qr_symbol("HTTPS://NATIONAL.EXAMPLE/", "2" * 60)


def pdf_bytes(pdf: Pdf, **options: Any) -> bytes:
    """The file."""
    sink = io.BytesIO()
    pdf.save(sink, **options)
    return sink.getvalue()


def national_symbol(x: float, y: float, module: float = 1.4) -> bytes:
    """The national QR, drawn with its lower left corner there."""
    rows = NATIONAL.rows
    boxes = [
        b"%.2f %.2f %.2f %.2f re" % (x + column * module, y + (len(rows) - 1 - line) * module, module, module)
        for line, row in enumerate(rows)
        for column, dark in enumerate(row)
        if dark
    ]
    return b"0 0 0 rg " + b" ".join(boxes) + b" f"


def a_page(
    content: bytes = b"",
    *,
    size: tuple[float, float] = A4_ACROSS,
    resources: Mapping[str, Any] | None = None,
    change: Callable[[Pdf, Any], None] | None = None,
    **options: Any,
) -> bytes:
    """A licence across A4 with its national QR at the upper right, and `content` drawn after it."""
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=size)
    page = pdf.pages[0].obj
    page.Contents = pdf.make_stream(TITLE + b"\n" + national_symbol(700, 470) + b"\n" + content)
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
    page.Resources = Dictionary({"/Font": Dictionary(F1=font), **(resources or {})})
    if change is not None:
        change(pdf, page)
    return pdf_bytes(pdf, **options)


def a_note(pdf: Pdf, page: Any, subtype: str, rect: list[float], **entries: Any) -> None:
    """Put an annotation on a page."""
    note = Dictionary({"/Type": Name.Annot, "/Subtype": Name(subtype), "/Rect": Array(rect), "/F": 4, **entries})
    page.Annots = Array([*page.get("/Annots", []), pdf.make_indirect(note)])


def appearance(pdf: Pdf, drawn: bytes, width: float, height: float) -> Dictionary:
    """What an annotation shows."""
    form = Stream(pdf, drawn)
    form.Type, form.Subtype, form.BBox = Name.XObject, Name.Form, Array([0, 0, width, height])
    return Dictionary(N=form)


def an_image(pdf: Pdf, grey: int, *, alpha: int | None = None) -> Stream:
    """A picture of one grey, of this opacity."""
    size = dict.fromkeys(("Width", "Height"), 8)
    image = Stream(pdf, bytes([grey]) * 64)
    for key, value in {**size, "BitsPerComponent": 8}.items():
        image[f"/{key}"] = value
    image.Type, image.Subtype, image.ColorSpace = Name.XObject, Name.Image, Name.DeviceGray
    if alpha is not None:
        image.SMask = an_image(pdf, alpha)
    return image


def drawing(data: bytes, place: Box = PLACE, *, page: int = 1, seal: Box | None = None) -> Draw:
    """What is asked to have our block drawn."""
    return Draw(
        pdf=data,
        stamp=stamp(SYMBOL, place, CODE, HOST, specimen=False),
        page=page,
        place=place,
        seal=seal,
        title="营业执照",
        page_words="版面由登记机关制作",
        stamp_words=f"查验二维码，查验码 {CODE}",
        attachment=b'{"schema": "x"}',
    )


def drawn(data: bytes, place: Box = PLACE, **more: Any) -> bytes:
    """The new file; fails with what was said against it."""
    found = answer(drawing(data, place, **more))
    assert isinstance(found, Drawn), found
    return found.pdf


def refusal(found: Answer) -> str:
    """Why not."""
    assert isinstance(found, Refusal), found
    return found.reason


def refused(data: bytes, place: Box = PLACE, **more: Any) -> str:
    """Why our block is not drawn."""
    return refusal(answer(drawing(data, place, **more)))


def unusable(data: bytes) -> str:
    """Why a file is not taken."""
    return refusal(answer(Look(data)))


def picture(data: bytes, dpi: float = 150, page: int = 1) -> Image.Image:
    """A page as the eye sees it."""
    with pypdfium2.PdfDocument(data) as document:
        document.init_forms()
        found: Image.Image = document[page - 1].render(scale=dpi / 72, may_draw_forms=True).to_pil().convert("RGB")
        return found
