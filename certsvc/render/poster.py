"""A poster for the wall of a shop: whose it is, a large QR, and what whoever scans it will see."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from certsvc.domain.certificate import Category
from certsvc.errors import InvalidInput
from certsvc.render.fonts import require_glyphs
from certsvc.render.qr import QrSymbol
from certsvc.render.stamp import set_page

TEMPLATE = Path(__file__).parent / "poster.typ"
TIED = {
    Category.LICENCE: ("名下有哪些许可", "Which permits the business holds"),
    Category.PERMIT: ("所属的营业执照", "Which business licence it belongs to"),
}
"""What else a scan shows. Proofs are of persons and hang on no wall."""


class PosterSize(StrEnum):
    """Upright sheets."""

    A4 = "A4"
    A5 = "A5"

    @property
    def millimetres(self) -> tuple[float, float]:
        """Width and height."""
        return (210, 297) if self is PosterSize.A4 else (148, 210)


@dataclass(frozen=True, slots=True, kw_only=True)
class Poster:
    """What stands on it: the holder as the public may see it, the kind of certificate and its number, who issued it.
    Of a licence one sees its permits, of a permit its licence."""

    symbol: QrSymbol
    name: str
    kind: str
    category: Category
    number: str
    issuer: str
    typed_code: str
    host: str
    on: date
    specimen: bool


def poster_pdf(poster: Poster, size: PosterSize) -> bytes:
    """The poster as a tagged PDF (PDF/A-3a, PDF/UA-1); the same content gives the same bytes.

    Raises:
        MissingGlyph: a character that no font of ours has.
        InvalidInput: it is a proof.
    """
    if poster.category not in TIED:
        raise InvalidInput("证明不张贴，没有海报。", "A proof hangs on no wall: there is no poster of it.")
    require_glyphs(
        (("name", poster.name), ("number", poster.number), ("issuer", poster.issuer), ("host", poster.host)),
    )
    width, height = size.millimetres
    data = {
        "title": f"扫码查证照 {poster.name}",
        "width": width,
        "height": height,
        "qr": poster.symbol.svg,
        "name": poster.name,
        "kind": poster.kind,
        "tied": TIED[poster.category],
        "number": poster.number,
        "issuer": poster.issuer,
        "code": poster.typed_code,
        "host": poster.host,
        "date": poster.on.isoformat(),
        "year": poster.on.year,
        "month": poster.on.month,
        "day": poster.on.day,
        "specimen": poster.specimen,
    }
    return set_page(TEMPLATE, data, tagged=True) + b"\n"
