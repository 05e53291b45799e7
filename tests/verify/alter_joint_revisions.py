"""Joint seals between or in which something else was added or changed: objects, bytes, signatures, timestamps."""

import json
import re
from dataclasses import replace

from cms_parts import take_apart
from joint_flaws import also, changed_object, flaw, up_to
from joint_workshop import OWNERS, JointBench, Objects, data_of
from pdf_bytes import BYTE_RANGE, append_revision, contents, fill, hole, objects, read_stream, replace_stream, stream

from certsvc.domain.revision import plain_stream
from certsvc.domain.seal_form import store_objects, with_store
from certsvc.seal.fields import Numbers

_, PLANNING, _ = OWNERS


# ---- more than a seal in a revision, or a revision without one ----


def _page_number(data: bytes) -> int:
    return next(number for number, body in objects(data).items() if body.startswith(b"<</Type/Page/"))


def _another_title(pdf: bytes) -> bytes:
    number = int(re.findall(rb"/Info (\d+) 0 R", pdf)[-1])
    return append_revision(pdf, {number: b"<</Title(Another)>>"})


@flaw("format.revisions")
def a_revision_between_two_seals(bench: JointBench) -> bytes:
    return bench.press(before={1: _another_title})


@flaw("format.revisions")
def a_revision_before_the_last_seal_that_changes_nothing(bench: JointBench) -> bytes:
    return bench.press(before={2: lambda pdf: append_revision(pdf, {})})


@flaw("format.revisions")
def a_revision_after_the_last_seal(bench: JointBench) -> bytes:
    return _another_title(bench.pdf)


@flaw("format.revisions")
def validation_data_after_the_last_seal(bench: JointBench) -> bytes:
    found, root = objects(bench.pdf), int(re.findall(rb"/Root (\d+) 0 R", bench.pdf)[-1])
    first = max(found) + 1
    catalog = with_store(re.sub(rb"/DSS \d+ 0 R", b"", found[root]), first)
    return append_revision(bench.pdf, {root: catalog, **store_objects(first, bench.data, plain_stream)})


@flaw("format.not_the_next_seal")
def another_appearance_of_the_first_seal_by_the_second(bench: JointBench) -> bytes:
    empty = stream(b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]", b"")
    return bench.press(changes={1: also(lambda numbers: {numbers.pictures[0]: empty})})


@flaw("format.not_the_next_seal")
def another_appearance_of_a_seal_by_its_own_owner(bench: JointBench) -> bytes:
    empty = stream(b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]", b"")
    return bench.press(changes={1: also(lambda numbers: {numbers.pictures[1]: empty})})


@flaw("format.not_the_next_seal")
def another_place_of_a_seal(bench: JointBench) -> bytes:
    found = objects(bench.pdf)

    def moved(numbers: Numbers) -> dict[int, bytes]:
        body = re.sub(rb"/Rect\[[^\]]*\]", b"/Rect[100 100 200 200]", found[numbers.notes[2]])
        return {numbers.notes[2]: body}

    return bench.press(changes={2: also(moved)})


@flaw("format.not_the_next_seal")
def another_page_content_by_the_second_seal(bench: JointBench) -> bytes:
    page = _page_number(bench.made.page)
    (content,) = re.findall(rb"/Contents (\d+) 0 R", objects(bench.made.page)[page])
    return bench.press(changes={1: also(lambda _: {int(content): stream(b"", b"")})})


@flaw("format.not_the_next_seal")
def other_data_by_the_last_seal(bench: JointBench) -> bytes:
    """The last owner makes a permit of his own of what the others sealed."""
    found = objects(bench.made.page)
    number = next(number for number, body in found.items() if b"/Type/EmbeddedFile" in body)
    data = json.loads(read_stream(bench.made.page, number)) | {"number": "JY00000000000000"}
    attached = replace_stream(bench.made.page, number, json.dumps(data).encode())
    return bench.press(changes={2: also(lambda _: {number: objects(attached)[number]})})


@flaw("format.not_the_next_seal")
def another_title_by_the_last_seal(bench: JointBench) -> bytes:
    number = int(re.findall(rb"/Info (\d+) 0 R", bench.made.page)[-1])
    return bench.press(changes={2: also(lambda _: {number: b"<</Title(Another)>>"})})


@flaw("format.not_the_next_seal")
def validation_data_with_the_first_seal_already(bench: JointBench) -> bytes:
    root = int(re.findall(rb"/Root (\d+) 0 R", bench.made.page)[-1])

    def change(found: Objects, opening: bytes, numbers: Numbers) -> bytes:
        first = max(found) + 1
        found |= {root: with_store(found[root], first), **store_objects(first, bench.data, plain_stream)}
        return opening

    return bench.press(changes={0: change})


@flaw("active_content.active_content")
def a_note_beside_the_seals(bench: JointBench) -> bytes:
    page = _page_number(bench.made.page)

    def change(found: Objects, opening: bytes, numbers: Numbers) -> bytes:
        number = max(found) + 1
        found[page] = found[page].replace(b"/Annots[", b"/Annots[%d 0 R " % number)
        found[number] = found[numbers.notes[0]]
        return opening

    return bench.press(changes={0: change})


@flaw("active_content.active_content")
def a_click_on_a_seal(bench: JointBench) -> bytes:
    click = changed_object(
        lambda body: body.replace(b"/F 132", b"/F 132/A<</S/Launch/F(calc.exe)>>"), lambda numbers: numbers.notes[1]
    )
    return bench.press(changes={0: click})


@flaw("active_content.active_content")
def an_action_of_a_field(bench: JointBench) -> bytes:
    action = changed_object(
        lambda body: body.replace(b"/FT/Sig", b"/FT/Sig/AA<</E<</S/JavaScript/JS(1)>>>>"),
        lambda numbers: numbers.fields[0],
    )
    return bench.press(changes={0: action})


@flaw("signature.not_one_signature")
def fields_of_other_names(bench: JointBench) -> bytes:
    named = changed_object(lambda body: body.replace(b"(Seal1)", b"(Seal7)"), lambda numbers: numbers.fields[0])
    return bench.press(changes={0: named})


# ---- bytes, signatures, timestamps, revocation ----


@flaw("signature.altered")
def a_byte_of_the_page(bench: JointBench) -> bytes:
    place = bench.pdf.index(b"stream\n") + 60
    return bench.pdf[:place] + bytes([bench.pdf[place] ^ 1]) + bench.pdf[place + 1 :]


@flaw("signature.altered")
def a_byte_of_the_second_revision(bench: JointBench) -> bytes:
    place = bench.pdf.index(b"/M(D:", len(up_to(bench, 1))) + 8
    return bench.pdf[:place] + bytes([bench.pdf[place] ^ 1]) + bench.pdf[place + 1 :]


@flaw("format.bytes_after_end")
def trailing_bytes(bench: JointBench) -> bytes:
    return bench.pdf + b"\n"


@flaw("padding.data_in_padding")
def data_in_the_padding_of_the_last_seal(bench: JointBench) -> bytes:
    _, stop = hole(bench.pdf)
    return bench.pdf[: stop - 8] + b"00c0ffee" + bench.pdf[stop:]


@flaw("padding.data_in_padding")
def data_in_the_padding_of_the_first_seal(bench: JointBench) -> bytes:
    """Put there by the second owner, who seals over it."""

    def hide(pdf: bytes) -> bytes:
        _, stop = hole(pdf)
        return pdf[: stop - 8] + b"00c0ffee" + pdf[stop:]

    return bench.press(before={1: hide})


@flaw("coverage.not_whole_file")
def a_seal_that_covers_less_than_its_revision(bench: JointBench) -> bytes:
    def shorter(pdf: bytes) -> bytes:
        found = list(BYTE_RANGE.finditer(pdf))[-1]
        zero, first, second, rest = map(int, found[1].split())
        numbers = b"%d %d %d %d" % (zero, first, second, rest - 7)
        return pdf[: found.start(1)] + numbers.ljust(len(found[1])) + pdf[found.end(1) :]

    return bench.press(before={2: shorter})


@flaw("cms.respelt")
def a_first_seal_without_a_timestamp(bench: JointBench) -> bytes:
    """Its owner is in league with the second."""

    def strip(pdf: bytes) -> bytes:
        return fill(pdf, replace(take_apart(contents(pdf)), unsigned=None).encode())

    return bench.press(before={1: strip})


@flaw("timestamp.not_trusted")
def a_foreign_timestamp_on_the_second_seal(bench: JointBench) -> bytes:
    return bench.press(timestampers={1: bench.workshop.lookalike.timestamper})


@flaw("revocation.revoked_or_not_proven")
def no_revocation_data(bench: JointBench) -> bytes:
    return bench.press(data=replace(bench.data, crls=()))


@flaw("cms.respelt")
def a_seal_whose_certificate_is_not_in_the_store(bench: JointBench) -> bytes:
    second = data_of(bench.workshop, (PLANNING,)).certificates[0]
    return bench.press(
        data=replace(bench.data, certificates=tuple(item for item in bench.data.certificates if item != second))
    )
