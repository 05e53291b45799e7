"""Attacks that have names in the literature: shadow content, wrapped signatures, universal forgery, increments."""

import re

from alter_structure import pressed, second_content
from flaws import Bench, flaw
from pdf_bytes import add_object, append_revision, contents, hole, objects, read_stream, stream


def _numbered(data: bytes, mark: bytes) -> tuple[int, bytes]:
    """The object whose body has this mark."""
    return next((number, body) for number, body in objects(data).items() if mark in body)


def _page(data: bytes) -> tuple[int, bytes]:
    return _numbered(data, b"<</Type/Page/")


def _with_page(bench: Bench, old: bytes, new: bytes) -> bytes:
    """The page object changed in an appended revision."""
    number, page = _page(bench.genuine.pdf)
    assert old in page
    return append_revision(bench.genuine.pdf, {number: page.replace(old, new, 1)})


def _drawn_over(data: bytes, content: bytes) -> bytes:
    number, page = _page(data)
    added = max(objects(data)) + 1
    (own,) = re.findall(rb"/Contents (\d+) 0 R", page)
    more = page.replace(b"/Contents %b 0 R" % own, b"/Contents[%b 0 R %d 0 R]" % (own, added))
    return append_revision(data, {number: more, added: stream(b"", content)})


def _widget(data: bytes) -> tuple[int, bytes, bytes]:
    number, widget = _numbered(data, b"/FT/Sig")
    (place,) = re.findall(rb"/Rect\[([0-9. ]+)\]", widget)
    return number, widget, place


# ---- what is seen: seal, QR, page ----


@flaw("format.revisions")
def the_seal_moved_in_a_revision(bench: Bench) -> bytes:
    data = bench.genuine.pdf
    number, widget, place = _widget(data)
    left, bottom, right, top = map(float, place.split())
    return append_revision(
        data, {number: widget.replace(place, b"%.2f %.2f %.2f %.2f" % (left - 60, bottom + 50, right - 60, top + 50))}
    )


@flaw("format.revisions")
def the_seals_picture_replaced_in_a_revision(bench: Bench) -> bytes:
    data = bench.genuine.pdf
    _, widget, _ = _widget(data)
    (picture,) = re.findall(rb"/AP<</N (\d+) 0 R>>", widget)
    entries = b"/Type/XObject/Subtype/Form/BBox[0 0 100 100]"
    return append_revision(data, {int(picture): stream(entries, b"1 0 0 rg 0 0 100 100 re f")})


@flaw("format.revisions")
def the_seal_hidden_in_a_revision(bench: Bench) -> bytes:
    data = bench.genuine.pdf
    number, widget, _ = _widget(data)
    return append_revision(data, {number: re.sub(rb"/F \d+", b"/F 2", widget)})


@flaw("format.revisions")
def the_qr_covered_in_a_revision(bench: Bench) -> bytes:
    return _drawn_over(bench.genuine.pdf, b"q 1 g 600 0 250 800 re f Q")


@flaw("format.revisions")
def a_number_painted_over_in_a_revision(bench: Bench) -> bytes:
    return _drawn_over(bench.genuine.pdf, b"q 1 g 150 420 200 24 re f Q")


@flaw("format.revisions")
def a_page_turned_in_a_revision(bench: Bench) -> bytes:
    return _with_page(bench, b"<</Type/Page/", b"<</Rotate 180/Type/Page/")


@flaw("format.revisions")
def a_page_cropped_in_a_revision(bench: Bench) -> bytes:
    return _with_page(bench, b"<</Type/Page/", b"<</CropBox[0 0 300 300]/Type/Page/")


@flaw("format.revisions")
def a_page_more_in_a_revision(bench: Bench) -> bytes:
    data = bench.genuine.pdf
    number, tree = _numbered(data, b"/Type/Pages")
    (page,) = re.findall(rb"/Kids\[(\d+ 0 R)\]", tree)
    added = max(objects(data)) + 1
    blank = b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 595 842]/Resources<<>>>>" % number
    more = tree.replace(b"/Count 1", b"/Count 2").replace(b"[" + page + b"]", b"[%d 0 R %b]" % (added, page))
    return append_revision(data, {number: more, added: blank})


# ---- shadow content: prepared before the seal, shown after it ----


def _with_a_shadow(bench: Bench) -> tuple[bytes, int, int]:
    """A page that was sealed with a second content already in the file: where it is, and the page."""
    kept: dict[str, int] = {}

    def edit(data: bytes) -> bytes:
        longer, kept["shadow"] = add_object(data, stream(b"", b"q 1 g 0 0 2000 2000 re f Q"))
        return longer

    data = pressed(bench, edit)
    return data, kept["shadow"], _page(data)[0]


@flaw("format.revisions")
def shadow_content_that_replaces(bench: Bench) -> bytes:
    """Hide and replace: what the seal covers holds both contents, the appended revision chooses the other."""
    data, shadow, page = _with_a_shadow(bench)
    body = re.sub(rb"/Contents \d+ 0 R", b"/Contents %d 0 R" % shadow, objects(data)[page])
    return append_revision(data, {page: body})


@flaw("format.revisions")
def shadow_content_that_is_uncovered(bench: Bench) -> bytes:
    """Hide: something lay over the page when it was sealed, and is taken away."""

    def edit(data: bytes) -> bytes:
        longer, number = add_object(data, stream(b"", b"q 1 g 100 300 200 40 re f Q"))
        return second_content(longer, number)

    data = pressed(bench, edit)
    number, page = _page(data)
    (own,) = re.findall(rb"/Contents\[(\d+) 0 R \d+ 0 R\]", page)
    bare = re.sub(rb"/Contents\[[^\]]*\]", b"/Contents %b 0 R" % own, page)
    return append_revision(data, {number: bare})


@flaw("format.revisions")
def a_content_swapped_for_another_in_a_table(bench: Bench) -> bytes:
    """Replace by the table alone: no new object, an entry that leads to another one."""
    data = bench.genuine.pdf
    (own,) = re.findall(rb"/Contents (\d+) 0 R", _page(data)[1])
    other = next(number for number, body in objects(data).items() if b"/Type/EmbeddedFile" in body)
    place = data.index(b"\n%d 0 obj" % other) + 1
    start = len(data)
    table = b"xref\n%b 1\n%010d 00000 n \n" % (own, place)
    last = data[data.rindex(b"trailer\n<<") : data.rindex(b">>\nstartxref")]
    previous = int(re.findall(rb"startxref\n(\d+)", data)[-1])
    entries = re.sub(rb"/Prev \d+", b"/Prev %d" % previous, last)
    return data + table + entries + b">>\nstartxref\n%d\n%%%%EOF\n" % start


# ---- the signature: wrapped, forged by omission, saved again ----


@flaw("coverage.not_whole_file")
def a_wrapped_signature(bench: Bench) -> bytes:
    """The second signed part is copied to the end, and a signature in an appended revision points to the copy; between
    the two there is room for anything."""
    data = bench.genuine.pdf
    start, stop = hole(data)
    number, body = _numbered(data, b"/Type/Sig/")
    copy = data[stop + 1 :]
    filler = b"% anything\n"
    moved = len(data) + len(filler)
    wrapped = re.sub(rb"/ByteRange\[[0-9 ]+\]", b"/ByteRange[0 %d %d %d]" % (start - 1, moved, len(copy)), body)
    return append_revision(data + filler + copy, {number: wrapped})


@flaw("unreadable_file")
def a_signature_without_contents(bench: Bench) -> bytes:
    """Universal forgery: nothing to check, so perhaps nothing is wrong."""
    data = bench.genuine.pdf
    number, body = _numbered(data, b"/Type/Sig/")
    return append_revision(data, {number: re.sub(rb"/Contents<[0-9a-f]+>", b"", body)})


@flaw("unreadable_file")
def a_signature_without_a_byte_range(bench: Bench) -> bytes:
    data = bench.genuine.pdf
    number, body = _numbered(data, b"/Type/Sig/")
    return append_revision(data, {number: re.sub(rb"/ByteRange\[[0-9 ]+\]", b"", body)})


@flaw("coverage.no_single_byte_range")
def a_byte_range_that_goes_backwards(bench: Bench) -> bytes:
    data = bench.genuine.pdf
    number, body = _numbered(data, b"/Type/Sig/")
    return append_revision(data, {number: re.sub(rb"/ByteRange\[[0-9 ]+\]", b"/ByteRange[9 9 0 0]", body)})


@flaw("format.bytes_after_end")
def an_increment_without_a_table(bench: Bench) -> bytes:
    """Saved in part: some readers find the new object all the same."""
    number, page = _page(bench.genuine.pdf)
    body = page.replace(b"/Contents", b"/Contints")
    return bench.genuine.pdf + b"%d 0 obj\n%b\nendobj\n" % (number, body)


@flaw("signature.not_one_signature")
def an_increment_with_a_copy_of_the_signature(bench: Bench) -> bytes:
    """So that a reader takes the copy, which lies in the last revision, for the signature of it."""
    data = bench.genuine.pdf
    number, body = _numbered(data, b"/Type/Sig/")
    page_number, page = _page(data)
    return append_revision(data, {page_number: page.replace(b"/Tabs/S", b"/Tabs/R"), number: body})


@flaw("format.revisions")
def the_attached_data_replaced_in_a_revision(bench: Bench) -> bytes:
    data = bench.genuine.pdf
    number, _ = _numbered(data, b"/Type/EmbeddedFile")
    content = read_stream(data, number).replace(b'"version": 1', b'"version": 2')
    return append_revision(data, {number: stream(b"/Type/EmbeddedFile", content)})


@flaw("signature.not_one_signature")
def the_signature_of_another_file_in_a_revision(bench: Bench) -> bytes:
    """A transplanted signature with all that it says."""
    data = bench.genuine.pdf
    number, body = _numbered(data, b"/Type/Sig/")
    start = body.index(b"/Contents<") + len(b"/Contents<")
    room = body.index(b">", start) - start
    other = contents(bench.other.pdf).hex().encode("ascii").ljust(room, b"0")
    return append_revision(data, {number: body[:start] + other + body[start + room :]})
