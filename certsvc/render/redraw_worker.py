"""The process that draws pages anew."""

from functools import cache
from pathlib import Path

from certsvc.catalog import Catalog, load_catalog
from certsvc.render.face import Face
from certsvc.render.page_process import serve
from certsvc.render.pages import Renderer
from certsvc.render.redraw_pool import MAX_REQUEST, Redraw


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
    serve(redraw, Redraw, most_request=MAX_REQUEST)
