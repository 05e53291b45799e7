"""Read the QR from the page as a picture, as a phone would: what the eye sees, not what the file says it shows."""

import re
from collections.abc import Iterable

import pypdfium2
import zxingcpp
from PIL import Image
from pypdfium2 import raw

from certsvc.verify.inspection import MAX_PAGES
from certsvc.verify.looking_shapes import Code

DPI = 200
MOST_PIXELS, LONGEST_SIDE = 40_000_000, 20_000
MAX_CODES = 8
MOST_SCANNED, MOST_OBJECTS, MOST_OF_A_PAGE = 4, 2000, 0.6
LINK = re.compile(r"HTTPS?://([A-Z0-9.:\-]{1,80})/Q/([0-9]{1,700})", re.IGNORECASE | re.ASCII)


def read_pages(data: bytes) -> tuple[str, ...]:
    """The digits of every verification QR on the pages of a PDF, each once, in order. Raises as `read_codes`."""
    return digits_of(read_codes(data))


def read_codes(data: bytes) -> tuple[Code, ...]:
    """Every verification QR on the pages of a PDF, whatever host it leads to, each once, in order.

    Raises:
        ValueError: the PDF or a page of it does not open, or it has more than 200 pages.
    """
    try:
        with pypdfium2.PdfDocument(data) as document:
            return _read(document)
    except pypdfium2.PdfiumError as error:
        raise ValueError(str(error)) from None


def require_pages(data: bytes, most: int) -> None:
    """See that a PDF opens and has at most so many pages; nothing is drawn.

    Raises:
        ValueError: it does not open, or has none or more.
    """
    try:
        with pypdfium2.PdfDocument(data) as document:
            _require(document, most)
    except pypdfium2.PdfiumError as error:
        raise ValueError(str(error)) from None


def is_picture(data: bytes) -> bool:
    """Whether the pages of a PDF are pictures and nothing else that is seen, as a scanner or a phone makes them; only
    the first pages are looked at.

    Raises:
        ValueError: it does not open.
    """
    try:
        with pypdfium2.PdfDocument(data) as document:
            pages = range(min(len(document), MOST_SCANNED))
            return bool(pages) and all(_is_scan(document[number]) for number in pages)
    except pypdfium2.PdfiumError as error:
        raise ValueError(str(error)) from None


def _is_scan(page: pypdfium2.PdfPage) -> bool:
    """A picture that covers most of the page, and no line, no shape and no text that can be seen: what a scanner read
    off the picture lies under it, unseen."""
    width, height = page.get_size()
    covered = 0.0
    for number, drawn in enumerate(page.get_objects()):
        if number > MOST_OBJECTS:
            return False
        if drawn.type == raw.FPDF_PAGEOBJ_IMAGE:
            left, bottom, right, top = drawn.get_bounds()
            covered = max(covered, (right - left) * (top - bottom))
        elif drawn.type == raw.FPDF_PAGEOBJ_TEXT:
            if raw.FPDFTextObj_GetTextRenderMode(drawn.raw) != raw.FPDF_TEXTRENDERMODE_INVISIBLE:
                return False
        elif drawn.type != raw.FPDF_PAGEOBJ_FORM:
            return False
    return bool(covered >= MOST_OF_A_PAGE * width * height > 0)


def _require(document: pypdfium2.PdfDocument, most: int) -> None:
    if not 1 <= len(document) <= most:
        raise ValueError("too many pages")


def _read(document: pypdfium2.PdfDocument) -> tuple[Code, ...]:
    document.init_forms()
    _require(document, MAX_PAGES)
    found: dict[Code, None] = {}
    for page in document:
        found.update(dict.fromkeys(codes_in(_picture(page))))
        if len(found) > MAX_CODES:
            break
    return tuple(found)


def read_picture(picture: Image.Image) -> tuple[str, ...]:
    """The digits of the verification QR codes in a picture, such as a photo of a paper."""
    return digits_of(codes_in(picture))


def codes_in(picture: Image.Image) -> tuple[Code, ...]:
    """The verification QR codes in a picture, each once."""
    codes = map(code_of, qr_texts(picture))
    return tuple(dict.fromkeys(code for code in codes if code))


def digits_of(codes: Iterable[Code]) -> tuple[str, ...]:
    """The digits of codes, each once."""
    return tuple(dict.fromkeys(code.digits for code in codes))


def qr_texts(picture: Image.Image) -> tuple[str, ...]:
    """What the QR codes in a picture say, of whatever form."""
    codes = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode]))
    return tuple(code.text for code in codes)


def code_of(text: str) -> Code | None:
    """What a QR says as a code of the form of ours."""
    link = LINK.fullmatch(text)
    return Code(link[1].lower(), link[2]) if link else None


def _picture(page: pypdfium2.PdfPage) -> Image.Image:
    width, height = page.get_size()
    scale = min(DPI / 72, (MOST_PIXELS / max(1.0, width * height)) ** 0.5, LONGEST_SIDE / max(1.0, width, height))
    picture: Image.Image = page.render(scale=scale, may_draw_forms=True, grayscale=True).to_pil()
    return picture
