"""Files of ours that somebody changed, so that people see it or do not: each function says what was done."""

import io
import re
import sys
from dataclasses import replace
from pathlib import Path

import pikepdf
import pypdfium2

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "verify"))
from flaws import Bench
from pdf_bytes import append_revision, objects, stream
from seal_workshop import Made


def _page(data: bytes) -> tuple[int, bytes]:
    found = objects(data)
    return next((number, body) for number, body in found.items() if body.startswith(b"<</Type/Page/"))


def with_content(data: bytes, content: bytes) -> bytes:
    """An appended revision that draws something over the first page."""
    number, page = _page(data)
    added = max(objects(data)) + 1
    (own,) = re.findall(rb"/Contents (\d+) 0 R", page)
    changed = page.replace(b"/Contents %b 0 R" % own, b"/Contents[%b 0 R %d 0 R]" % (own, added))
    return append_revision(data, {number: changed, added: stream(b"", content)})


def painted_over(bench: Bench) -> bytes:
    """A word on the page is hidden under a white box in an appended revision."""
    return with_content(bench.genuine.pdf, b"q 1 g 150 420 200 24 re f Q")


def the_seal_moved(bench: Bench) -> bytes:
    """The seal's picture stands elsewhere, in an appended revision."""
    data = bench.genuine.pdf
    number, widget = next((number, body) for number, body in objects(data).items() if b"/FT/Sig" in body)
    (place,) = re.findall(rb"/Rect\[([0-9. ]+)\]", widget)
    left, bottom, right, top = map(float, place.split())
    moved = b"%.2f %.2f %.2f %.2f" % (left - 60, bottom + 50, right - 60, top + 50)
    return append_revision(data, {number: widget.replace(place, moved)})


def with_bytes_after_the_end(bench: Bench) -> bytes:
    """Nothing that anybody sees."""
    return bench.genuine.pdf + b"hidden\n"


def another_name(bench: Bench, name: str = "云山市岭南生鲜商贸有限公司") -> tuple[bytes, str, str]:
    """A page about somebody else with the genuine QR and data, sealed by a look-alike; and both names."""
    face = bench.genuine.face
    (key,) = (key for key, value in face.payload.items() if value == bench.genuine.registered.holder_name)
    forged = replace(face, payload={**face.payload, key: name})
    workshop = bench.workshop
    data = workshop.seal(workshop.page_of(forged), face, authority=workshop.lookalike)
    return data, str(face.payload[key]), name


def saved_by_another_program(made: Made) -> bytes:
    """The same page; seal and data lost their meaning."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(made.pdf)) as pdf:
        pdf.save(out)
    return out.getvalue()


def printed_to_a_picture(data: bytes) -> bytes:
    """A PDF that is only a picture of the page."""
    out = io.BytesIO()
    with pypdfium2.PdfDocument(data) as document:
        document.init_forms()
        picture = document[0].render(scale=200 / 72, may_draw_forms=True).to_pil().convert("RGB")
        picture.save(out, "PDF", resolution=200)
    return out.getvalue()


def with_hidden_text(bench: Bench) -> bytes:
    """Text in white on white, for machines that read and people who do not see."""
    data = bench.genuine.pdf
    (font,) = re.findall(rb"/Font<</(\w+) ", data)[:1] or re.findall(rb"/Font<<\s*/(\w+)\s", data)[:1]
    return with_content(data, b"q BT 1 g /%b 12 Tf 40 40 Td 3 Tr (\x00\x01\x00\x02\x00\x03) Tj ET Q" % font)
