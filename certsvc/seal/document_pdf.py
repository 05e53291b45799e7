"""A department's PDF taken apart and written anew: what is sealed is one plain revision, without what runs by itself,
moves, or lies elsewhere. Only in a process with limits: hostile files raise anything."""

import io
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import PdfFileWriter

from certsvc.domain.certificate import ATTACHMENT
from certsvc.domain.document_seal import MOST_PAGES
from certsvc.domain.receipt import ATTACHMENT as RECEIPT
from certsvc.errors import DocumentRefused, Problem

ACTIONS = frozenset(
    "/JavaScript /Launch /SubmitForm /ImportData /Rendition /Movie /Sound /GoTo3DView /RichMediaExecute".split()
)
"""What an action may not do: run, start, send, fetch, play."""

MOVING = frozenset("/RichMedia /3D /Movie /Sound /Screen".split())
TAKEN_OUT = frozenset("/OpenAction /AA /DSS /NeedsRendering /Requirements".split())
"""What the catalogue loses: nothing of it is seen."""

MOST_STEPS = 8
"""From a reference to what it means."""

COMPOSED = (generic.DictionaryObject, generic.ArrayObject, str, bytes)
HAZARDS = (b"%%EOF", b"startxref", b"/ByteRange")
"""Words by which readers find their way in a sealed file: they do not stand in a stream as it is."""


class _Writer(PdfFileWriter):
    """Writes the document's own metadata as they are."""

    def _update_meta(self) -> None:
        """Nothing: a sealed document says who made it, not who sealed it."""


def read_document(data: bytes) -> PdfFileWriter:
    """The document as objects, cleaned: what cannot be reached is gone, and with it every earlier revision.

    Raises:
        DocumentRefused: encrypted, signed already, a portfolio, over 2,000 pages; or it holds XFA, JavaScript, actions
            that start or send something, moving pictures, or content that lies elsewhere.
        Exception: it is damaged.
    """
    reader = PdfFileReader(io.BytesIO(data), strict=False)
    if reader.encrypted:
        raise refused(
            "encrypted",
            "文件已加密（包括只限制打印或修改的）：请先去掉密码和限制。",
            "it is encrypted, be it only against printing or changes: take password and restrictions off first.",
        )
    writer = _Writer(stream_xrefs=False, init_page_tree=False)  # type: ignore[no-untyped-call]
    imported: Any = writer.import_object(reader.root)
    writer.root.update(imported)
    if "/Info" in reader.trailer_view:
        writer.set_info(writer.add_object(writer.import_object(reader.trailer_view["/Info"])))
    _refuse(writer)
    for key in TAKEN_OUT & writer.root.keys():
        del writer.root[key]
    for container in list(_containers(writer.objects.values())):
        if isinstance(container, generic.DictionaryObject) and "/AA" in container:
            del container["/AA"]
    return writer


def _refuse(writer: PdfFileWriter) -> None:
    for container in _containers(writer.objects.values()):
        if isinstance(container, generic.DictionaryObject):
            _refuse_dictionary(container)
    if "/Collection" in writer.root:
        raise refused("portfolio", "它是 PDF 文件包。", "it is a portfolio of files.")
    if "/OCProperties" in writer.root:
        raise refused(
            "layers", "它有可以显示或隐藏的图层：请先合并。", "it has layers that can be hidden: merge them first."
        )
    if "/Perms" in writer.root:
        raise _signed()


def _refuse_dictionary(found: generic.DictionaryObject) -> None:
    if "/ByteRange" in found or _name(found, "/Type") in ("/Sig", "/DocTimeStamp"):
        raise _signed()
    if "/XFA" in found:
        raise refused("xfa", "它含 XFA 动态表单。", "it holds an XFA form, which readers draw as they like.")
    if "/JS" in found or "/JavaScript" in found or _name(found, "/S") == "/JavaScript":
        raise refused("javascript", "它含 JavaScript。", "it holds JavaScript.")
    if (action := _name(found, "/S")) in ACTIONS:
        raise refused("action", f"它含 {action} 动作。", f"it holds an action {action}.")
    if (kind := _name(found, "/Subtype")) in MOVING and ("/Rect" in found or "/A" in found):
        raise refused("multimedia", f"它含 {kind} 多媒体。", f"it holds multimedia: {kind}.")
    if "/EF" in found and {ATTACHMENT, RECEIPT} & {str(value_of(found, "/F", "")), str(value_of(found, "/UF", ""))}:
        raise refused(
            "certificate_data",
            f"它附有证照或回执的数据（{ATTACHMENT}、{RECEIPT}），会被当作证照或回执：请先去掉。",
            f"it holds the data of a certificate or a receipt ({ATTACHMENT}, {RECEIPT}) and would pass for one: take "
            "them out first.",
        )
    if isinstance(found, generic.StreamObject) and ("/F" in found or "/Ref" in found):
        raise refused(
            "content_elsewhere",
            "它的部分内容在别的文件里，盖章管不到。",
            "part of its content lies in another file, which no seal on this one covers.",
        )


def _signed() -> DocumentRefused:
    return refused(
        "signed",
        "它已有签名或电子印章，或限定了使用权：再盖会使原来的失效。请用未签的原件，各单位合盖请用联合盖章。",
        "it is signed or sealed already, or usage rights were set: another seal would break them. Use the unsigned "
        "file; for several parties ask for joint seals.",
    )


def _name(found: generic.DictionaryObject, key: str) -> str:
    value = value_of(found, key)
    return str(value) if isinstance(value, generic.NameObject) else ""


def value_of(found: generic.DictionaryObject, key: str, default: Any = None) -> Any:
    """What stands under `key`, references followed: `get` does not follow them.

    Raises:
        ValueError: they lead nowhere.
    """
    if key not in found:
        return default
    value: Any = found.raw_get(key)
    for _ in range(MOST_STEPS):
        if not isinstance(value, generic.IndirectObject):
            return value
        value = value.get_object()
    raise ValueError("references in a circle")


def _containers(objects: Iterable[Any]) -> Iterator[Any]:
    """Every dictionary and array, however deep. References are not followed: what they name is among the objects."""
    left = list(objects)
    while left:
        found = left.pop()
        if isinstance(found, generic.DictionaryObject):
            yield found
            left += [found.raw_get(key) for key in found]
        elif isinstance(found, generic.ArrayObject):
            yield found
            left += [found.raw_get(index) for index in range(len(found))]


def pages_of(writer: PdfFileWriter) -> list[generic.DictionaryObject]:
    """The pages in their order, each with what it inherits.

    Raises:
        DocumentRefused: none, over 2,000, or a page whose unit is not 1/72 inch.
        ValueError: the tree of pages is damaged.
    """
    inherited = ("/MediaBox", "/CropBox", "/Rotate", "/Resources")
    pages: list[generic.DictionaryObject] = []
    known: set[int] = set()
    left: list[tuple[Any, dict[str, Any]]] = [(value_of(writer.root, "/Pages"), {})]
    while left:
        node, above = left.pop()
        if not isinstance(node, generic.DictionaryObject) or id(node) in known:
            raise ValueError("no tree of pages")
        known.add(id(node))
        own = above | {key: node.raw_get(key) for key in inherited if key in node}
        if "/Kids" in node:
            kids = value_of(node, "/Kids")
            left += [(kids[index], own) for index in reversed(range(len(kids)))]
            continue
        for key, value in own.items():
            node[pdf_name(key)] = value
        pages.append(node)
        if len(pages) > MOST_PAGES:
            raise refused("too_many_pages", f"它超过 {MOST_PAGES} 页。", f"it has over {MOST_PAGES} pages.")
    if any(value_of(page, "/UserUnit", 1) != 1 for page in pages):
        raise refused("user_unit", "它的页面另定了单位。", "a page of it has a unit of its own (UserUnit).")
    if not pages:
        raise refused("no_pages", "它没有页面。", "it has no page.")
    return pages


def write_document(writer: PdfFileWriter) -> bytes:
    """The document as one revision with a classic cross-reference table.

    Raises:
        DocumentRefused: it says in plain text what only the structure of a file may say.
    """
    writer.output_version = max(writer.output_version, (1, 7))
    for container in list(_containers(writer.objects.values())):
        if isinstance(container, generic.StreamObject) and any(word in container.encoded_data for word in HAZARDS):
            _pack(container)
    for key in list(writer.root):
        value = writer.root.raw_get(key)
        if isinstance(value, COMPOSED) and not isinstance(value, generic.NameObject):
            writer.root[key] = writer.add_object(value)
    sink = io.BytesIO()
    writer.write(sink)
    data = sink.getvalue()
    if [data.count(word) for word in HAZARDS] != [1, 1, 0]:
        raise refused("structure", "它的文字冒充文件结构。", "words in it pass for the structure of a file.")
    return data


def _pack(stream: generic.StreamObject) -> None:
    """Compress what is in a stream once more."""
    filters, parameters = value_of(stream, "/Filter", []), value_of(stream, "/DecodeParms", generic.NullObject())
    earlier = list(filters) if isinstance(filters, generic.ArrayObject) else [filters] if filters else []
    stream[pdf_name("/Filter")] = generic.ArrayObject([pdf_name("/FlateDecode"), *earlier])
    if "/DecodeParms" in stream:
        known = list(parameters) if isinstance(parameters, generic.ArrayObject) else [parameters]
        stream[pdf_name("/DecodeParms")] = generic.ArrayObject([generic.NullObject(), *known])
    stream._encoded_data = zlib.compress(stream.encoded_data, 9)


def refused(code: str, zh: str, en: str, field: str = "file") -> DocumentRefused:
    """A refusal with its stable code, and the field of the request that it is about."""
    return DocumentRefused(
        f"这个文件不能盖章：{zh}", f"This document cannot be sealed: {en}", problems=[Problem(field, code, zh, en)]
    )
