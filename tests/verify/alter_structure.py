"""What an insider could make with the seal's own key, by mistake or on purpose: a file built otherwise than ours."""

import re

from flaws import Bench, flaw
from pdf_bytes import (
    add_object,
    append_revision,
    contents,
    objects,
    splice,
    stream,
)
from pdf_bytes import replace as replaced
from seal_workshop import Edit

from certsvc.domain.seal_form import Form


def pressed(bench: Bench, edit: Edit) -> bytes:
    """The genuine page, edited and then sealed with our key."""
    return bench.workshop.press(bench.genuine, edit)


def _in_catalogue(entry: bytes) -> Edit:
    return lambda data: replaced(data, b"/Perms<<", entry + b"/Perms<<")


def _in_page(entry: bytes) -> Edit:
    return lambda data: replaced(data, b"/Annots[", entry + b"/Annots[")


def _with_note(body: bytes) -> Edit:
    def edit(data: bytes) -> bytes:
        longer, number = add_object(data, body)
        return replaced(longer, b"/Annots[", b"/Annots[%d 0 R " % number)

    return edit


# ---- actions, attachments and layers ----


@flaw("active_content.active_content")
def an_open_action(bench: Bench) -> bytes:
    return pressed(bench, _in_catalogue(b"/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>"))


@flaw("active_content.active_content")
def javascript_by_name(bench: Bench) -> bytes:
    script = b"/JavaScript<</Names[(a)<</S/JavaScript/JS(app.alert\\(1\\))>>]>>"
    return pressed(
        bench, lambda data: replaced(data, b"/Names<</EmbeddedFiles", b"/Names<<" + script + b"/EmbeddedFiles")
    )


@flaw("active_content.active_content")
def an_action_of_the_document(bench: Bench) -> bytes:
    return pressed(bench, _in_catalogue(b"/AA<</WC<</S/JavaScript/JS(app.alert\\(1\\))>>>>"))


@flaw("active_content.active_content")
def an_action_of_the_page(bench: Bench) -> bytes:
    return pressed(bench, _in_page(b"/AA<</O<</S/JavaScript/JS(app.alert\\(1\\))>>>>"))


@flaw("active_content.active_content")
def an_action_of_the_seal(bench: Bench) -> bytes:
    return pressed(bench, lambda data: replaced(data, b"/FT/Sig", b"/FT/Sig/AA<</E<</S/JavaScript/JS(1)>>>>"))


@flaw("active_content.active_content")
def a_click_on_the_seal(bench: Bench) -> bytes:
    return pressed(bench, lambda data: replaced(data, b"/FT/Sig", b"/FT/Sig/A<</S/Launch/F(calc.exe)>>"))


@flaw("active_content.active_content")
def a_link_that_launches(bench: Bench) -> bytes:
    return pressed(bench, _with_note(b"<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/A<</S/Launch/F(calc.exe)>>>>"))


@flaw("active_content.active_content")
def a_link_to_a_page_elsewhere(bench: Bench) -> bytes:
    return pressed(bench, _with_note(b"<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/A<</S/URI/URI(http://evil.test)>>>>"))


@flaw("active_content.active_content")
def a_form_of_another_kind(bench: Bench) -> bytes:
    return pressed(bench, lambda data: replaced(data, b"/SigFlags 3", b"/SigFlags 3/XFA(x)"))


@flaw("active_content.active_content")
def a_field_that_is_no_seal(bench: Bench) -> bytes:
    def edit(data: bytes) -> bytes:
        field = b"<</Type/Annot/Subtype/Widget/FT/Tx/T(Name)/V(void)/Rect[100 100 300 140]>>"
        longer = _with_note(field)(data)
        number = re.findall(rb"/Annots\[(\d+) 0 R", longer)[-1]
        return replaced(longer, b"/Fields[", b"/Fields[%b 0 R " % number)

    return pressed(bench, edit)


@flaw("active_content.active_content")
def optional_content(bench: Bench) -> bytes:
    def edit(data: bytes) -> bytes:
        longer, number = add_object(data, b"<</Type/OCG/Name(layer)>>")
        return _in_catalogue(b"/OCProperties<</OCGs[%d 0 R]/D<</OFF[%d 0 R]>>>>" % (number, number))(longer)

    return pressed(bench, edit)


@flaw("picture_qr.no_qr_read")
def a_form_over_the_face(bench: Bench) -> bytes:
    def edit(data: bytes) -> bytes:
        longer, number = add_object(data, stream(b"", b"q 1 g 0 0 2000 2000 re f Q"))
        return second_content(longer, number)

    return pressed(bench, edit)


def second_content(data: bytes, number: int) -> bytes:
    """The content stream `number` drawn over the page's own."""
    (page,) = re.findall(rb"/Contents (\d+) 0 R(?=/Annots)", data)
    return replaced(data, b"/Contents %b 0 R/Annots" % page, b"/Contents[%b 0 R %d 0 R]/Annots" % (page, number))


@flaw("attachment.no_data_attached")
def a_second_file_attached(bench: Bench) -> bytes:
    def edit(data: bytes) -> bytes:
        (number,) = re.findall(rb"\(certificate.json\)(\d+) 0 R", data)[-1:]
        entry = b"(certificate.json)%b 0 R" % number
        return replaced(data, entry, b"(a.exe)%b 0 R" % number + entry)

    return pressed(bench, edit)


@flaw("active_content.active_content")
def a_second_file_beside_the_names(bench: Bench) -> bytes:
    def edit(data: bytes) -> bytes:
        longer, number = add_object(data, b"<</Type/Filespec/F(a.exe)/EF<<>>/AFRelationship/Data>>")
        (own,) = re.findall(rb"/AF\[(\d+) 0 R\]", longer)[-1:]
        return replaced(longer, b"/AF[%b 0 R]" % own, b"/AF[%b 0 R %d 0 R]" % (own, number))

    return pressed(bench, edit)


def no_data_attached(bench: Bench) -> bytes:
    """Not on the list: without the register nobody can tell it from a department's document."""
    return pressed(bench, lambda data: replaced(data, b"(certificate.json)", b"(somethingelse.js)"))


# ---- the certification ----


@flaw("docmdp.not_certified")
def certified_with_changes_allowed(bench: Bench) -> bytes:
    return pressed(bench, lambda data: data.replace(b"/TransformParams/P 1", b"/TransformParams/P 2"))


@flaw("docmdp.not_certified")
def signed_but_not_certified(bench: Bench) -> bytes:
    def edit(data: bytes) -> bytes:
        start = data.rindex(b"/Reference[<<")
        stop = data.index(b"]/ByteRange", start)
        return replaced(data, data[start : stop + 1], b"")

    return pressed(bench, edit)


@flaw("docmdp.not_certified")
def not_named_as_certified(bench: Bench) -> bytes:
    def edit(data: bytes) -> bytes:
        (found,) = re.findall(rb"/Perms<</DocMDP \d+ 0 R>>", data)
        return replaced(data, found, b"")

    return pressed(bench, edit)


@flaw("cms.could_not_run", Form.ONE_REVISION)
def rubbish_instead_of_the_security_store(bench: Bench) -> bytes:
    return pressed(bench, lambda data: re.sub(rb"/DSS (\d+) 0 R", rb"/DSS (\1  )", data))


@flaw("revocation.revoked_or_not_proven", Form.ONE_REVISION)
def no_security_store(bench: Bench) -> bytes:
    return pressed(bench, lambda data: re.sub(rb"/DSS (\d+) 0 R", rb"/DSs \1 0 R", data))


@flaw("unreadable_file")
def two_byte_ranges(bench: Bench) -> bytes:
    data = pressed(bench, lambda data: replaced(data, b"/Type/Sig/Filter", b"/Type/Sig/ByteRange[0 1 2 3]/Filter"))
    return bench.workshop.resign(data, bench.genuine)


@flaw("unreadable_file")
def the_contents_outside_the_hole(bench: Bench) -> bytes:
    """The signature stands in an entry of its own, which a reader may prefer to the one with the hole."""
    data = bench.genuine.pdf
    place = data.rindex(b"/ByteRange[")
    return splice(data, place, place, b"/Contents<" + contents(data).hex().encode("ascii") + b">")


@flaw("format.not_the_next_seal", lt="format.revisions")
def a_second_revision_of_our_own(bench: Bench) -> bytes:
    """Genuine, then changed and sealed again with the same key."""
    pdf = bench.genuine.pdf
    found, root = objects(pdf), int(re.findall(rb"/Root (\d+) 0 R", pdf)[-1])
    signature = next(number for number, body in found.items() if b"/Type/Sig/" in body)
    again = re.sub(rb"(/Contents<)[0-9a-f]+", lambda one: one[1] + b"0" * (len(one[0]) - len(one[1])), found[signature])
    widget = next(number for number, body in found.items() if b"/FT/Sig" in body)
    next_free = max(found) + 1
    form = found[root].replace(b"/Fields[%d 0 R]" % widget, b"/Fields[%d 0 R %d 0 R]" % (widget, next_free))
    second = found[widget].replace(b"(Seal1)", b"(Seal2)").replace(b"/V %d " % signature, b"/V %d " % (next_free + 1))
    return bench.workshop.resign(
        append_revision(pdf, {root: form, next_free: second, next_free + 1: again}), bench.genuine
    )


@flaw("unreadable_file")
def two_hundred_and_one_pages(bench: Bench) -> bytes:
    def edit(data: bytes) -> bytes:
        (page,) = re.findall(rb"/Count 1/Kids\[(\d+ 0 R)\]", data)
        return replaced(data, b"/Count 1/Kids[%b]" % page, b"/Count 201/Kids[%b]" % b" ".join([page] * 201))

    return bench.workshop.press(bench.other, edit)  # the shorter one: no offset in it gets a digit more


@flaw("active_content.active_content")
def pages_in_a_tree(bench: Bench) -> bytes:
    """So that a page cannot hide one level deeper."""

    def edit(data: bytes) -> bytes:
        (page,) = re.findall(rb"/Count 1/Kids\[(\d+ 0 R)\]", data)
        longer, number = add_object(data, b"<</Type/Pages/Count 1/Kids[%b]/Parent 1 0 R>>" % page)
        return replaced(longer, b"/Count 1/Kids[%b]>>" % page, b"/Count 1/Kids[%d 0 R]>>" % number, first=True)

    return pressed(bench, edit)
