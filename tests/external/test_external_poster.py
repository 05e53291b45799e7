"""The QR alone and on a poster: exact in millimetres, agreed on by two encoders, and read back from what is printed."""

import io
import re
from datetime import date
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from foreign_pages import CODE, DIGITS, HOST, PREFIX, QR, SYMBOL, picture
from PIL import Image

from certsvc.domain.certificate import Category
from certsvc.errors import InvalidInput, MissingGlyph, SelfCheckFailed
from certsvc.render import qr_image
from certsvc.render.poster import Poster, PosterSize, poster_pdf
from certsvc.render.qr import QrSymbol
from certsvc.render.qr_image import agreed_symbol, qr_png, qr_svg

LONGEST = "云山市清溪镇荔枝小吃店（普通合伙）连锁经营管理有限责任公司云岗镇石塘村第一分公司及其直属门店"


def poster(**changed: Any) -> Poster:
    known: dict[str, Any] = {
        "symbol": SYMBOL,
        "name": "云山市岭南茶餐厅有限公司",
        "kind": "营业执照",
        "category": Category.LICENCE,
        "number": "91441900MA51ABC088",
        "issuer": "云山市市场监督管理局",
        "typed_code": CODE,
        "host": HOST,
        "on": date(2026, 11, 27),
        "specimen": True,
    }
    return Poster(**{**known, **changed})


def text_of(data: bytes) -> str:
    with pypdfium2.PdfDocument(data) as document:
        assert len(document) == 1
        return str(document[0].get_textpage().get_text_bounded())


def test_two_encoders_agree() -> None:
    assert agreed_symbol(PREFIX, DIGITS) == SYMBOL


def test_where_they_do_not_nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [list(row) for row in SYMBOL.rows]
    rows[30][30] = not rows[30][30]
    spoilt = QrSymbol(SYMBOL.version, tuple(map(tuple, rows)), SYMBOL.mask)
    monkeypatch.setattr(qr_image, "qr_symbol", lambda prefix, digits: spoilt)
    with pytest.raises(SelfCheckFailed):
        agreed_symbol(PREFIX, DIGITS)


@pytest.mark.parametrize("module", [0.4, 0.42, 1.0, 3.25])
def test_the_svg_is_as_large_as_asked_for(module: float) -> None:
    svg = qr_svg(SYMBOL, module).decode()
    found = re.match(r'<svg xmlns="http://www.w3.org/2000/svg" width="([0-9.]+)mm" height="([0-9.]+)mm"', svg)
    assert found is not None
    assert [float(side) for side in found.groups()] == pytest.approx([SYMBOL.modules * module] * 2, abs=1e-4)
    assert svg.count("<path") == 1 and f'viewBox="0 0 {SYMBOL.modules} {SYMBOL.modules}"' in svg


def drawn(svg: str) -> Image.Image:
    """Its one path, run by run."""
    side = SYMBOL.modules
    page = Image.new("L", (side, side), 255)
    for x, y, run in re.findall(r"M(\d+) (\d+)h(\d+)v1H\d+z", svg):
        for column in range(int(run)):
            page.putpixel((int(x) + column + 4, int(y) + 4), 0)
    return page.resize((side * 4, side * 4), Image.Resampling.NEAREST)


def test_the_svg_is_read_back() -> None:
    (code,) = zxingcpp.read_barcodes(drawn(qr_svg(SYMBOL, 0.4).decode()), formats=QR)
    assert code.text == PREFIX + DIGITS


@pytest.mark.parametrize(("module", "dpi"), [(0.4, 203), (0.4, 300), (0.45, 300), (1.2, 72), (0.4, 2400)])
def test_the_png_has_whole_dots_and_says_how_large_it_is(module: float, dpi: int) -> None:
    """203 dpi is a label printer: there a module is 0.5 mm, as 0.40 would be 3.2 dots."""
    image = Image.open(io.BytesIO(qr_png(SYMBOL, module, dpi)))
    dots, rest = divmod(image.width, SYMBOL.modules)
    true_module = dots / dpi * 25.4
    assert rest == 0 and image.mode == "1" and image.height == image.width
    assert true_module >= 0.4 - 1e-9 and abs(true_module - module) <= 25.4 / dpi
    assert image.info["dpi"][0] == pytest.approx(dpi, abs=0.02)
    (code,) = zxingcpp.read_barcodes(image.convert("L"), formats=QR)
    assert code.text == PREFIX + DIGITS


@pytest.mark.parametrize(
    ("module", "dpi"), [(0.39, 600), (20.1, 600), (float("nan"), 600), (0.4, 71), (0.4, 2401), (0.4, 96), (20, 2400)]
)
def test_what_cannot_be_printed_is_refused(module: float, dpi: int) -> None:
    with pytest.raises(InvalidInput):
        qr_png(SYMBOL, module, dpi)


@pytest.mark.parametrize("module", [0.39, 20.1, float("nan"), float("inf")])
def test_a_module_that_cannot_be_is_refused(module: float) -> None:
    with pytest.raises(InvalidInput):
        qr_svg(SYMBOL, module)


@pytest.mark.parametrize("size", PosterSize)
@pytest.mark.parametrize("dpi", [50, 150])
def test_the_qr_on_a_poster_is_read_back(size: PosterSize, dpi: int) -> None:
    data = poster_pdf(poster(), size)
    found = picture(data, dpi)
    width, height = size.millimetres
    assert found.size == pytest.approx((width * dpi / 25.4, height * dpi / 25.4), abs=2)
    texts = {code.text for code in zxingcpp.read_barcodes(picture(data, max(dpi, 75)))}
    assert texts == {PREFIX + DIGITS}


def test_a_poster_says_whose_it_is_and_the_code_in_letters() -> None:
    text = text_of(poster_pdf(poster(), PosterSize.A4))
    for said in (CODE, HOST, "云山市岭南茶餐厅有限公司", "91441900MA51ABC088", "云山市市场监督管理局", "样本 SPECIMEN"):
        assert said in text
    assert "SPECIMEN" not in text_of(poster_pdf(poster(specimen=False), PosterSize.A4))


def test_what_a_scan_shows_is_said_by_kind_and_a_proof_has_no_poster() -> None:
    permit = text_of(poster_pdf(poster(category=Category.PERMIT), PosterSize.A5))
    assert "所属的营业执照" in permit and "名下有哪些许可" not in permit
    with pytest.raises(InvalidInput):
        poster_pdf(poster(category=Category.PROOF), PosterSize.A5)


@pytest.mark.long
@pytest.mark.parametrize("name", ["店", LONGEST, "A Very Long Name of a Foreign Company " * 3])
def test_a_name_of_any_length_stays_clear_of_the_qr(name: str) -> None:
    """Nothing is set into the frame, and the whole name is there."""
    data = poster_pdf(poster(name=name), PosterSize.A4)
    assert name.replace(" ", "") in "".join(text_of(data).split())
    (code,) = zxingcpp.read_barcodes(picture(data, 200), formats=QR)
    assert code.text == PREFIX + DIGITS
    with pypdfium2.PdfDocument(data) as document:
        page = document[0]
        text = page.get_textpage()
        boxes = [text.get_charbox(index) for index in range(text.count_chars())]
    top, bottom = 297 - 86, 297 - 86 - 123
    inside = [box for box in boxes if bottom < box[1] / 72 * 25.4 and box[3] / 72 * 25.4 < top and box[0] < box[2]]
    assert inside == []


def test_a_character_that_no_font_has_is_named() -> None:
    with pytest.raises(MissingGlyph, match="U\\+1F600"):
        poster_pdf(poster(name="😀店"), PosterSize.A4)


def test_the_same_poster_is_the_same_bytes() -> None:
    assert poster_pdf(poster(), PosterSize.A4) == poster_pdf(poster(), PosterSize.A4)
