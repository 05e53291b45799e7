"""Departments' documents for the tests: letters of some pages, cut and turned pages, and files with one flaw each."""

import io
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import pikepdf
import typst
from pikepdf import Array, Dictionary, Name, Pdf, String

from certsvc.render.fonts import FOLDER

LETTER = """
#set document(title: "通知", date: datetime(year: 2026, month: 11, day: 22))
#set page(paper: "a4", margin: 25mm, numbering: "1")
#set text(font: "Noto Serif SC", size: 12pt, cjk-latin-spacing: none)
#set par(first-line-indent: (amount: 2em, all: true), leading: 1em)
#align(center, text(size: 20pt)[云山市市场监督管理局文件])
#align(center)[云市监〔2026〕18号]
#line(length: 100%, stroke: 1.5pt + red)
#for page in range({pages}) [
  #if page > 0 [ #pagebreak() ]
  #for number in range(12) [
    第 #(page + 1) 页第 #(number + 1) 段：各县、区市场监督管理局，局机关各科室：现将有关事项通知如下，请认真贯彻执行，
    并于每月五日前报送上月情况。 #parbreak()
  ]
]
#v(1fr)
#align(right)[云山市市场监督管理局（盖章） #linebreak() 二〇二六年十一月二十二日]
#v(20mm)
"""


@cache
def letter(pages: int = 3) -> bytes:
    """A letter with its date line on the last page, not tagged for any standard."""
    fonts = typst.Fonts(include_system_fonts=False, font_paths=[FOLDER])
    source = LETTER.replace("{pages}", str(pages)).encode()
    return typst.compile(source, format="pdf", font_paths=fonts)


def changed(pdf: bytes, change: Callable[[Pdf], None], **options: Any) -> bytes:
    """A document with a change, written as a file of another producer would be: with object and reference streams."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        change(document)
        sink = io.BytesIO()
        document.save(sink, object_stream_mode=pikepdf.ObjectStreamMode.generate, **options)
    return sink.getvalue()


def turned(pdf: bytes, degrees: int) -> bytes:
    """Every page turned, and cut at the left and the bottom by 10 and 20 mm."""

    def turn(document: Pdf) -> None:
        for page in document.pages:
            left, bottom, right, top = (float(side) for side in page.mediabox)
            page.CropBox = Array([left + 28.35, bottom + 56.69, right, top])
            page.Rotate = degrees

    return changed(pdf, turn)


def _open_with(**action: Any) -> Callable[[Pdf], None]:
    def change(document: Pdf) -> None:
        document.Root.OpenAction = document.make_indirect(Dictionary(**action))

    return change


def _with_note(**note: Any) -> Callable[[Pdf], None]:
    def change(document: Pdf) -> None:
        made = Dictionary(Type=Name.Annot, Rect=Array([0, 0, 10, 10]), **note)
        document.pages[0].Annots = Array([document.make_indirect(made)])

    return change


def _xfa(document: Pdf) -> None:
    document.Root.AcroForm = Dictionary(Fields=Array([]), XFA=document.make_stream(b"<xdp:xdp/>"))


def _named_script(document: Pdf) -> None:
    script = Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))
    document.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([String("a"), script])))


def _script_in_a_stream(document: Pdf) -> None:
    script = Dictionary(S=Name.JavaScript, JS=document.make_stream(b"app.alert(1)"))
    document.pages[0].AA = Dictionary(O=script)


def _signature(document: Pdf) -> None:
    value = Dictionary(Type=Name.Sig, Filter=Name("/Adobe.PPKLite"), Contents=String("0" * 20))
    field = document.make_indirect(Dictionary(FT=Name.Sig, T=String("签名"), V=document.make_indirect(value)))
    document.Root.AcroForm = Dictionary(Fields=Array([field]), SigFlags=3)


def _program_by_reference(document: Pdf) -> None:
    action = Dictionary(F=String("cmd.exe"))
    action.S = document.make_indirect(Name.Launch)
    document.Root.OpenAction = document.make_indirect(action)


def _usage_rights(document: Pdf) -> None:
    document.Root.Perms = Dictionary(UR3=Dictionary(Filter=Name("/Adobe.PPKLite")))


def _elsewhere(document: Pdf) -> None:
    stream = document.make_stream(b"")
    stream.F = String("http://example.com/other.pdf")
    document.pages[0].Resources = Dictionary(XObject=Dictionary(X=stream))


def _layers(document: Pdf) -> None:
    layer = document.make_indirect(Dictionary(Type=Name.OCG, Name=String("金额")))
    document.Root.OCProperties = Dictionary(OCGs=Array([layer]), D=Dictionary(OFF=Array([layer])))


def _field_of_that_name(document: Pdf) -> None:
    field = document.make_indirect(Dictionary(FT=Name.Tx, T=String("Seal1"), V=String("x")))
    document.Root.AcroForm = Dictionary(Fields=Array([field]))


def _unit(document: Pdf) -> None:
    document.pages[0].UserUnit = 10


def _pages(count: int) -> Callable[[Pdf], None]:
    def change(document: Pdf) -> None:
        page = document.pages[0]
        for _ in range(count - len(document.pages)):
            document.pages.append(page)

    return change


def _data_of_a_certificate(document: Pdf) -> None:
    document.attachments["certificate.json"] = b"{}"


def _circle(document: Pdf) -> None:
    document.Root.Pages.Kids[0] = document.Root.Pages


def flawed() -> Mapping[str, tuple[bytes, str]]:
    """Documents with one flaw each: by the flaw's name the file, and the code of the refusal."""
    plain = letter(1)
    encryption = pikepdf.Encryption(owner="o", user="u", R=6)
    only_printing = pikepdf.Encryption(owner="o", user="", R=6)
    changes: dict[str, tuple[Callable[[Pdf], None], str]] = {
        "script_when_opened": (_open_with(S=Name.JavaScript, JS=String("x")), "javascript"),
        "script_by_name": (_named_script, "javascript"),
        "script_in_a_stream": (_script_in_a_stream, "javascript"),
        "program_when_opened": (_open_with(S=Name.Launch, F=String("cmd.exe")), "action"),
        "program_behind_a_link": (
            _with_note(Subtype=Name.Link, A=Dictionary(S=Name.Launch, F=String("cmd.exe"))),
            "action",
        ),
        "program_named_by_reference": (_program_by_reference, "action"),
        "form_that_is_sent": (_open_with(S=Name.SubmitForm, F=String("http://example.com/")), "action"),
        "moving_picture": (_with_note(Subtype=Name.RichMedia), "multimedia"),
        "xfa_form": (_xfa, "xfa"),
        "signed_before": (_signature, "signed"),
        "usage_rights": (_usage_rights, "signed"),
        "content_elsewhere": (_elsewhere, "content_elsewhere"),
        "layers": (_layers, "layers"),
        "field_of_that_name": (_field_of_that_name, "field_name"),
        "page_in_another_unit": (_unit, "user_unit"),
        "more_than_2000_pages": (_pages(2001), "too_many_pages"),
        "portfolio": (lambda document: document.Root.__setitem__(Name.Collection, Dictionary()), "portfolio"),
        "data_of_a_certificate": (_data_of_a_certificate, "certificate_data"),
        "pages_in_a_circle": (_circle, "unreadable"),
    }
    made = {name: (changed(plain, change), code) for name, (change, code) in changes.items()}
    return {
        **made,
        "encrypted": (changed(plain, lambda _: None, encryption=encryption), "encrypted"),
        "encrypted_against_printing": (changed(plain, lambda _: None, encryption=only_printing), "encrypted"),
        "cut_off": (plain[: len(plain) // 3], "unreadable"),
        "no_pdf_inside": (b"%PDF-1.7\n" + b"x" * 2000, "unreadable"),
    }
