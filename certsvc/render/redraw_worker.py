"""The process that draws pages anew."""

import sys
from functools import cache
from pathlib import Path
from typing import BinaryIO

import msgspec

from certsvc import limited
from certsvc.catalog import Catalog, load_catalog
from certsvc.render.face import Face
from certsvc.render.pages import Renderer
from certsvc.render.redraw_shapes import CPU_SECONDS, MAX_REQUEST, Redraw, Redrawn


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer requests until the input ends."""
    limited.serve(_answer, source, sink, most_request=MAX_REQUEST, cpu_seconds=CPU_SECONDS)


def _answer(frame: bytes) -> bytes:
    request = msgspec.msgpack.decode(frame, type=Redraw)
    try:
        drawn = Redrawn(redraw(request))
    except Exception:  # what was valid once may not be drawn by these types and fonts
        drawn = Redrawn()
    return msgspec.msgpack.encode(drawn)


def redraw(request: Redraw) -> bytes:
    """The page as PDF, without a seal.

    Raises:
        NotFound: no such type or sheet.
        MissingGlyph, TextTooLong, CatalogError: see `Renderer.render`.
    """
    page = request.page
    catalog, renderer = _tools(request.schemas, request.fonts)
    kind = catalog.version(page.type_id, page.type_version)
    (layout,) = (each for each in kind.layouts if each.name == page.layout)
    return renderer.render(
        Face(
            type=kind,
            layout=layout,
            payload=page.fields,
            number=page.number,
            identifier=page.identifier,
            version=page.version,
            issuer=page.issuer,
            term=page.term,
            issued_on=page.issued_on,
            typed_code=page.typed_code,
            host=request.host,
            qr_prefix=request.qr_prefix,
            digits=page.digits,
            specimen=page.specimen,
            seals=page.seals,
        )
    )


@cache
def _tools(schemas: str, fonts: tuple[str, ...]) -> tuple[Catalog, Renderer]:
    return load_catalog(Path(schemas)), Renderer(Path(schemas), fonts)


if __name__ == "__main__":
    serve(sys.stdin.buffer, limited.answers())
