"""What anybody can do to a file of ours with an editor and no key: bytes, revisions, the signature's room."""

import io
import re
from collections.abc import Callable
from typing import Any

import pikepdf
from flaws import Bench, flaw
from pdf_bytes import append_revision, contents, fill, hole, objects
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

PAGE_END = b"%%EOF\n"


def _page_number(data: bytes) -> int:
    return next(number for number, body in objects(data).items() if body.startswith(b"<</Type/Page/"))


def _in_place(data: bytes, old: bytes, new: bytes) -> bytes:
    assert len(old) == len(new)
    assert old in data
    start = data.rindex(old)
    return data[:start] + new + data[start + len(old) :]


@flaw("signature.altered")
def a_byte_of_the_text(bench: Bench) -> bytes:
    data = bench.genuine.pdf
    (content,) = re.findall(rb"/Contents (\d+) 0 R", objects(data)[_page_number(data)])
    place = data.index(b"\n%b 0 obj" % content) + 200
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@flaw("signature.altered")
def a_byte_of_the_attached_data(bench: Bench) -> bytes:
    data = bench.genuine.pdf
    place = data.index(b"stream\n", data.index(b"/Type/EmbeddedFile")) + 60
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@flaw("signature.altered")
def changed_info_title_in_place(bench: Bench) -> bytes:
    title = re.findall(rb"/Title<FEFF[0-9A-F]+", bench.genuine.pdf)[0]
    return _in_place(bench.genuine.pdf, title, title[:-4] + b"0041")


@flaw("format.header")
def another_pdf_version(bench: Bench) -> bytes:
    return b"%PDF-1.4" + bench.genuine.pdf[8:]


@flaw("format.bytes_after_end")
def trailing_bytes(bench: Bench) -> bytes:
    return bench.genuine.pdf + b"hidden\n"


@flaw("format.bytes_after_end")
def one_newline_more(bench: Bench) -> bytes:
    return bench.genuine.pdf + b"\n"


@flaw("coverage.not_whole_file")
def one_newline_less(bench: Bench) -> bytes:
    return bench.genuine.pdf[:-1]


@flaw("unreadable_file")
def trailing_bytes_with_an_end_of_their_own(bench: Bench) -> bytes:
    return bench.genuine.pdf + b"%hidden\n%%EOF\n"


@flaw("not_a_pdf")
def bytes_before_the_header(bench: Bench) -> bytes:
    return b"\n" + bench.genuine.pdf


@flaw("format.revisions")
def an_appended_revision(bench: Bench) -> bytes:
    def change(writer: Any) -> None:
        writer.root["/Lang"] = generic.pdf_string("en")
        writer.update_root()

    return _by_a_pdf_program(bench, change)


def _by_a_pdf_program(bench: Bench, change: Callable[[Any], None]) -> bytes:
    out, writer = io.BytesIO(), IncrementalPdfFileWriter(io.BytesIO(bench.genuine.pdf))
    change(writer)
    save: Any = writer.write
    save(out)
    return out.getvalue()


@flaw("format.revisions")
def an_appended_revision_that_changes_nothing(bench: Bench) -> bytes:
    return append_revision(bench.genuine.pdf, {})


@flaw("active_content.active_content")
def an_added_annotation(bench: Bench) -> bytes:
    data = bench.genuine.pdf
    number, found = _page_number(data), objects(data)
    note = max(found) + 1
    page = found[number].replace(b"/Annots[", b"/Annots[%d 0 R " % note)
    text = b"<</Type/Annot/Subtype/FreeText/Rect[100 100 300 140]/Contents(void)/DA(/Helv 12 Tf)>>"
    return append_revision(data, {number: page, note: text})


@flaw("format.revisions")
def changed_info_title_in_a_revision(bench: Bench) -> bytes:
    def change(writer: Any) -> None:
        dictionary: Any = generic.DictionaryObject
        writer.set_info(dictionary({generic.pdf_name("/Title"): generic.pdf_string("Another title")}))

    return _by_a_pdf_program(bench, change)


@flaw("format.revisions")
def another_page_content_in_a_revision(bench: Bench) -> bytes:
    data = bench.genuine.pdf
    number = _page_number(data)
    page = re.sub(rb"/Contents \d+ 0 R", b"/Contents 2 0 R", objects(data)[number])
    return append_revision(data, {number: page, 2: b"<</Length 0>>\nstream\n\nendstream"})


@flaw("format.revisions")
def a_second_catalogue(bench: Bench) -> bytes:
    data = bench.genuine.pdf
    root = int(re.findall(rb"/Root (\d+) 0 R", data)[-1])
    number = max(objects(data)) + 1
    moved = append_revision(data, {number: objects(data)[root].replace(b"zh-CN", b"en-GB")})
    return moved[: len(data)] + moved[len(data) :].replace(b"/Root %d 0 R" % root, b"/Root %d 0 R" % number)


@flaw("format.revisions")
def a_hybrid_cross_reference_stream(bench: Bench) -> bytes:
    data = bench.genuine.pdf
    number = max(objects(data)) + 1
    table = b"<</Type/XRef/Size %d/W[1 4 2]/Index[0 0]/Length 0>>\nstream\n\nendstream" % (number + 1)
    return append_revision(data, {number: table}, trailer=b"/XRefStm %d" % len(data))


@flaw("unreadable_file")
def a_chain_of_revisions_without_end(bench: Bench) -> bytes:
    data = bench.genuine.pdf
    own = re.findall(rb"startxref\n(\d+)", data)[-1]
    previous = re.findall(rb"/Prev (\d+)", data)[-1]
    return _in_place(data, b"/Prev %b" % previous, b"/Prev %b" % own[: len(previous)].ljust(len(previous)))


@flaw("signature.no_seal")
def the_first_revision_alone(bench: Bench) -> bytes:
    return bench.genuine.pdf[: bench.genuine.pdf.index(PAGE_END) + len(PAGE_END)]


@flaw("signature.no_seal")
def the_last_table_left_out(bench: Bench) -> bytes:
    """The seal's revision is still there, but the file says that the page's table is the last one."""
    data = bench.genuine.pdf
    first, *_, last = re.findall(rb"startxref\n(\d+)", data)
    start = data.rindex(b"startxref\n")
    return data[:start] + b"startxref\n" + bytes(first) + data[start + len(b"startxref\n") + len(last) :]


@flaw("signature.no_seal")
def the_seal_removed_with_its_picture_left(bench: Bench) -> bytes:
    data = bench.genuine.pdf
    page, found = _page_number(data), objects(data)
    widget = next(body for body in found.values() if b"/FT/Sig" in body)
    number = next(number for number, body in found.items() if body == widget)
    root = int(re.findall(rb"/Root (\d+) 0 R", data)[-1])
    stamp = re.sub(rb"/FT/Sig/T\(Seal1\)|/V \d+ 0 R", b"", widget).replace(b"/Widget", b"/Stamp")
    catalogue = re.sub(rb"/AcroForm<<.*?>>|/Perms<<.*?>>", b"", found[root])
    return append_revision(data, {page: found[page], number: stamp, root: catalogue})


@flaw("format.revisions")
def rewritten_by_another_program(bench: Bench) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(bench.genuine.pdf)) as pdf:
        pdf.save(out)
    return out.getvalue()


@flaw("unreadable_file")
def encrypted_without_a_password(bench: Bench) -> bytes:
    return _encrypted(bench, "")


@flaw("unreadable_file")
def encrypted_with_a_password(bench: Bench) -> bytes:
    return _encrypted(bench, "secret")


def _encrypted(bench: Bench, user: str) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(bench.genuine.pdf)) as pdf:
        pdf.save(out, encryption=pikepdf.Encryption(owner="owner", user=user))
    return out.getvalue()


@flaw("unreadable_file")
def truncated_in_the_page(bench: Bench) -> bytes:
    return bench.genuine.pdf[: len(bench.genuine.pdf) // 2]


@flaw("unreadable_file")
def truncated_in_the_signature(bench: Bench) -> bytes:
    return bench.genuine.pdf[: sum(hole(bench.genuine.pdf)) // 2]


@flaw("unreadable_file")
def truncated_by_its_last_bytes(bench: Bench) -> bytes:
    return bench.genuine.pdf[:-7]


@flaw("signature.altered")
def a_moved_signature(bench: Bench) -> bytes:
    return fill(bench.other.pdf, contents(bench.genuine.pdf))


@flaw("coverage.not_whole_file")
def the_gap_shifted(bench: Bench) -> bytes:
    start, _ = hole(bench.genuine.pdf)
    return _in_place(bench.genuine.pdf, b"/ByteRange[0 %d" % (start - 1), b"/ByteRange[0 %d" % (start - 3))


@flaw("padding.not_hexadecimal")
def the_gap_widened(bench: Bench) -> bytes:
    _, stop = hole(bench.genuine.pdf)
    (rest,) = (int(found) for found in re.findall(rb"/ByteRange\[0 \d+ %d (\d+)" % (stop + 1), bench.genuine.pdf))
    old, new = b"%d %d" % (stop + 1, rest), b"%d %d" % (stop + 3, rest - 2)
    return _in_place(bench.genuine.pdf, old, new.ljust(len(old)))


@flaw("coverage.no_single_byte_range")
def a_byte_range_not_from_0(bench: Bench) -> bytes:
    start, _ = hole(bench.genuine.pdf)
    old = b"/ByteRange[0 %d" % (start - 1)
    return _in_place(bench.genuine.pdf, old, b"/ByteRange[8 %d" % (start - 9))


@flaw("padding.data_in_padding")
def data_in_the_padding(bench: Bench) -> bytes:
    _, stop = hole(bench.genuine.pdf)
    return bench.genuine.pdf[: stop - 8] + b"00c0ffee" + bench.genuine.pdf[stop:]


@flaw("padding.not_hexadecimal")
def the_signature_in_capitals(bench: Bench) -> bytes:
    start, stop = hole(bench.genuine.pdf)
    data = bench.genuine.pdf
    return data[:start] + data[start:stop].upper() + data[stop:]


@flaw("padding.not_hexadecimal")
def white_space_in_the_padding(bench: Bench) -> bytes:
    _, stop = hole(bench.genuine.pdf)
    return bench.genuine.pdf[: stop - 4] + b" \t\r\n" + bench.genuine.pdf[stop:]


@flaw("unreadable_file")
def an_odd_digit_left_out(bench: Bench) -> bytes:
    _, stop = hole(bench.genuine.pdf)
    return bench.genuine.pdf[: stop - 1] + b">" + bench.genuine.pdf[stop:]


@flaw("unreadable_file")
def no_signature_in_its_room(bench: Bench) -> bytes:
    start, stop = hole(bench.genuine.pdf)
    return bench.genuine.pdf[:start] + b"0" * (stop - start) + bench.genuine.pdf[stop:]


@flaw("format.revisions")
def a_second_signature_by_nobody(bench: Bench) -> bytes:
    data = bench.genuine.pdf
    found, root = objects(data), int(re.findall(rb"/Root (\d+) 0 R", data)[-1])
    first = next(number for number, body in found.items() if b"/FT/Sig" in body)
    second = max(found) + 1
    form = found[root].replace(b"/Fields[%d 0 R]" % first, b"/Fields[%d 0 R %d 0 R]" % (first, second))
    field = found[first].replace(b"(Seal1)", b"(Seal2)")
    return append_revision(data, {root: form, second: field})
