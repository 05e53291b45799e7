"""A department's PDF, opened to be taken over: what could act, hide, or say something else later is refused by name."""

import io
from collections.abc import Iterator
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, Stream

from certsvc.domain.external import MAX_FILE, MOST_PAGES
from certsvc.render.external_shapes import Refused

MOST_OBJECTS = 100_000

ACTIONS = {
    "/JavaScript": ("javascript", "含有 JavaScript", "it contains JavaScript"),
    "/Launch": ("launch_action", "含有启动程序的动作", "it has an action that starts a program"),
    "/SubmitForm": ("submit_action", "含有向外发送内容的动作", "it has an action that sends data away"),
    "/ImportData": ("import_action", "含有导入数据的动作", "it has an action that imports data"),
    "/Rendition": ("media", "含有音视频", "it contains sound or video"),
    "/Movie": ("media", "含有音视频", "it contains sound or video"),
    "/Sound": ("media", "含有音视频", "it contains sound or video"),
    "/RichMediaExecute": ("media", "含有音视频", "it contains sound or video"),
}
"""Actions by their /S; links to places and addresses do nothing by themselves and are left out of the new file."""

NOTES = {
    "/RichMedia": ("media", "含有音视频", "it contains sound or video"),
    "/Screen": ("media", "含有音视频", "it contains sound or video"),
    "/Movie": ("media", "含有音视频", "it contains sound or video"),
    "/Sound": ("media", "含有音视频", "it contains sound or video"),
    "/3D": ("media", "含有三维内容", "it contains 3D content"),
    "/FileAttachment": ("embedded_file", "内嵌了别的文件", "another file is embedded in it"),
}
PROGRAMS = (".exe", ".com", ".bat", ".cmd", ".scr", ".js", ".vbs", ".ps1", ".sh", ".jar", ".msi", ".dll", ".lnk")


def open_foreign(data: bytes) -> Pdf:
    """The file, once nothing in it speaks against taking it over.

    Raises:
        Refused: it is too large, damaged, encrypted, signed, or has active, hidden or embedded content.
    """
    pdf = _opened(data)
    if not 1 <= len(pdf.pages) <= MOST_PAGES:
        raise Refused("pages", f"应有 1 至 {MOST_PAGES} 页", f"it has no page, or more than {MOST_PAGES}")
    if len(pdf.objects) > MOST_OBJECTS:
        raise Refused("too_many_objects", "对象太多，请重新导出", "it has too many objects: export it anew")
    _refuse_catalog(pdf.Root)
    for each in pdf.objects:
        for found in _dictionaries(each):
            _refuse_dictionary(found)
    return pdf


def _opened(data: bytes) -> Pdf:
    if len(data) > MAX_FILE:
        raise Refused("too_large", "文件超过 20 MiB", "it is over 20 MiB")
    try:
        pdf = Pdf.open(io.BytesIO(data), attempt_recovery=False)
    except pikepdf.PasswordError:
        raise _encrypted() from None
    except pikepdf.PdfError:
        raise Refused("damaged", "已损坏，请重新导出", "it is damaged: export it anew") from None
    if pdf.is_encrypted:
        raise _encrypted()
    return pdf


def _encrypted() -> Refused:
    return Refused("encrypted", "已加密，请导出不加密的文件", "it is encrypted: export it without encryption")


def _refuse_catalog(root: Any) -> None:
    form = root.get(Name.AcroForm)
    if isinstance(form, Dictionary) and Name.XFA in form:
        raise Refused("xfa", "是 XFA 动态表单，请打印为普通 PDF", "it is an XFA form: print it as an ordinary PDF")
    if Name.Collection in root:
        raise Refused("portfolio", "是文件包而不是一份文件", "it is a portfolio, not one document")
    if Name.OCProperties in root:
        raise Refused(
            "layers", "有可显示或隐藏的图层，请先合并图层", "it has layers that can be hidden: merge them first"
        )


def _dictionaries(each: Any) -> Iterator[Any]:
    """An object's own dictionaries, those inside it included; what it refers to comes by itself."""
    waiting = [each]
    while waiting:
        found = waiting.pop()
        if isinstance(found, Stream | Dictionary):
            yield found
            waiting += [item for item in (found[key] for key in found.keys()) if _is_inside(item)]  # noqa: SIM118
        elif isinstance(found, Array):
            waiting += [item for item in found if _is_inside(item)]


def _is_inside(item: Any) -> bool:
    return isinstance(item, Dictionary | Array) and not item.is_indirect


def _refuse_dictionary(found: Any) -> None:
    kind, action, note = found.get(Name.Type), found.get(Name.S), found.get(Name.Subtype)
    if Name.ByteRange in found or (kind == Name.Sig and Name.Contents in found):
        raise Refused("signed", "已有签名或印章，重新盖章会毁掉它", "it is signed: to seal it anew would destroy that")
    if Name.JS in found:
        raise Refused(*ACTIONS["/JavaScript"])
    if isinstance(action, Name) and str(action) in ACTIONS:
        raise Refused(*ACTIONS[str(action)])
    if isinstance(note, Name) and str(note) in NOTES:
        raise Refused(*NOTES[str(note)])
    if Name.EF in found:
        raise _embedded(str(found.get(Name.UF, found.get(Name.F, ""))))
    if isinstance(found, Stream) and Name.F in found:
        raise Refused("outside_content", "部分内容在文件之外", "a part of its content lies outside of it")


def _embedded(name: str) -> Refused:
    if name.lower().endswith(PROGRAMS):
        return Refused("embedded_program", f"内嵌了程序 {name[:80]}", f"a program is embedded in it: {name[:80]}")
    return Refused("embedded_file", "内嵌了别的文件，请先去掉", "another file is embedded in it: take it out first")
