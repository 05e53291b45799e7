"""The process that draws drafts as they will be."""

import json
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import typst

from certsvc import limited
from certsvc.catalog import Catalog, CertificateType, load_catalog
from certsvc.catalog.definition import FieldTable
from certsvc.catalog.types import shown_value
from certsvc.domain.calendar import Term
from certsvc.errors import CatalogError, PayloadInvalid, Problem
from certsvc.render.face import Face, template_input
from certsvc.render.fonts import FOLDER, require_glyphs
from certsvc.render.pages import TOO_LONG
from certsvc.render.preview_pool import CPU_SECONDS, MAX_REQUEST, PreviewAsked, PreviewDrawn

TEMPLATE = Path(__file__).with_name("preview.typ")
PPI = 120
"""Of a picture: the smallest print of a face is read on a screen."""

NUMBER, IDENTIFIER, CODE, BLANK, HIDDEN = "（用印时编号）", "（用印时编定）", "用印后生成", "（未填）", "用印后生成"
STAND_IN = "1" * 220
"""As many digits as a token has, for the size of the QR's place; they are not drawn."""

NO_QR = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 60"><rect x="2" y="2" width="56" height="56" fill="#fff"'
    ' stroke="#b3201e" stroke-width="1" stroke-dasharray="3 2"/><g fill="#b3201e" font-family="Noto Sans SC"'
    ' font-size="7" text-anchor="middle"><text x="30" y="20">预　览</text><text x="30" y="33">未用印</text>'
    '<text x="30" y="46">不得使用</text></g></svg>'
)
NO_DATA = {"schema": "certsvc-preview/1", "valid": False, "zh": "预览，未用印，不得使用", "en": "A preview, not valid"}


def draw(asked: PreviewAsked) -> bytes:
    """The page with the marks of a preview.

    Raises:
        PayloadInvalid: a field cannot be set, by field.
        NotFound: there is no such type.
        CatalogError: the template itself is wrong.
    """
    kind = _catalog(asked.schemas).latest(asked.type_id)
    rows = rows_so_far(kind, asked.payload)
    require_glyphs([(field.key, text) for field, text in rows], asked.fonts)
    data = template_input(_face(kind, asked)) | {
        "rows": [{"key": field.key, "label": field.zh, "text": text, "place": field.place} for field, text in rows],
        "qr": NO_QR,
        "attachment": json.dumps(NO_DATA, ensure_ascii=False),
    }
    inputs = {"data": json.dumps(data, ensure_ascii=False), "face": _face_path(kind, asked)}
    fonts = _fonts(asked.fonts)
    compiler = typst.Compiler(TEMPLATE.read_bytes(), root=asked.schemas, font_paths=fonts, ignore_system_fonts=True)
    try:
        drawn = compiler.compile(format=asked.form.value, ppi=PPI, sys_inputs=inputs)
    except typst.TypstError as error:
        raise _explained(str(error)) from None
    if not isinstance(drawn, bytes):  # a face has one page
        raise CatalogError(f"{kind.folder} 的版面不止一页。", f"The face of {kind.folder} has more than one page.")
    return drawn


def _face(kind: CertificateType, asked: PreviewAsked) -> Face:
    return Face(
        type=kind,
        layout=kind.layouts[0],
        payload={},
        number=NUMBER,
        identifier=IDENTIFIER,
        version=1,
        issuer=asked.issuer,
        term=Term(asked.on, None),
        issued_on=asked.on,
        typed_code=CODE,
        replaces=asked.replaces,
        host=asked.host,
        qr_prefix="HTTPS://EXAMPLE/Q/",
        digits=STAND_IN,
        specimen=False,
        full_view=HIDDEN if kind.prints_full_view(None) else "",
    )


def rows_so_far(kind: CertificateType, payload: Mapping[str, Any]) -> list[tuple[FieldTable, str]]:
    """What a draft says so far: as it was written where no face could print it, and gaps where something is missing."""
    required = set(kind.schema.get("required", ()))
    rows = []
    for field in kind.definition.fields:
        value = payload.get(field.key)
        if value not in (None, "", []):
            rows.append((field, shown_value(kind, field.key, value)))
        elif field.key in required:
            rows.append((field, BLANK))
    return rows


def _face_path(kind: CertificateType, asked: PreviewAsked) -> str:
    return "/" + (kind.folder.resolve() / "face.typ").relative_to(Path(asked.schemas).resolve()).as_posix()


def _explained(message: str) -> PayloadInvalid:
    field = message.split(TOO_LONG)[1].split('"')[0].strip() if TOO_LONG in message else ""
    zh, en = "文字太长，缩到最小字号也放不下，请缩短。", "The text does not fit even at the smallest size: shorten it."
    return PayloadInvalid(zh, en, problems=[Problem(field, "text_too_long", zh, en)] if field else [])


@cache
def _catalog(schemas: str) -> Catalog:
    return load_catalog(Path(schemas))


@cache
def _fonts(extra: tuple[str, ...]) -> typst.Fonts:
    folders = [str(FOLDER), *extra]
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)


def answer(frame: bytes) -> bytes:
    """One request, and its answer."""
    asked = msgspec.msgpack.decode(frame, type=PreviewAsked)
    try:
        drawn = PreviewDrawn(file=draw(asked))
    except PayloadInvalid as error:
        problem = next(iter(error.problems), None)
        drawn = PreviewDrawn(field=problem.field, zh=problem.zh, en=problem.en) if problem else PreviewDrawn()
    except Exception:  # a draft may hold anything
        drawn = PreviewDrawn()
    return msgspec.msgpack.encode(drawn)


if __name__ == "__main__":
    limited.serve(answer, sys.stdin.buffer, limited.answers(), most_request=MAX_REQUEST, cpu_seconds=CPU_SECONDS)
