"""The QR of a certificate as others print it: alone, or on a poster for the wall; of every one that is issued."""

from datetime import datetime
from urllib.parse import urlsplit

from certsvc.catalog import CertificateType
from certsvc.domain.actor import Actor
from certsvc.domain.calendar import beijing_date
from certsvc.domain.issuing import Reservation
from certsvc.domain.token import to_digits
from certsvc.errors import Conflict
from certsvc.ids import Ref
from certsvc.issuance.prepare import open_payload
from certsvc.issuance.press import qr_prefix
from certsvc.issuance.reading import visible
from certsvc.issuance.service import Issuing
from certsvc.render.poster import Poster, poster_pdf
from certsvc.render.poster import PosterSize as PosterSize
from certsvc.render.qr import LEAST_MODULE_MM, QrSymbol, qr_symbol
from certsvc.render.qr_image import agreed_symbol, qr_png, qr_svg

USUAL_DPI = 600


async def svg_of(issuing: Issuing, actor: Actor, ref: Ref, module_mm: float = LEAST_MODULE_MM) -> bytes:
    """The QR as SVG, its quiet zone included, exact in millimetres.

    Raises:
        NotFound: there is no such certificate, or it is none of theirs.
        Conflict: it is not issued yet.
        InvalidInput: see `qr_svg`.
    """
    return qr_svg(_symbol(issuing, await _issued(issuing, actor, ref)), module_mm)


async def png_of(
    issuing: Issuing, actor: Actor, ref: Ref, module_mm: float = LEAST_MODULE_MM, dpi: int = USUAL_DPI
) -> bytes:
    """The QR as PNG, its quiet zone included, in whole dots of a printer.

    Raises:
        NotFound, Conflict: see `svg_of`. InvalidInput: see `qr_png`.
    """
    return qr_png(_symbol(issuing, await _issued(issuing, actor, ref)), module_mm, dpi)


async def poster_of(issuing: Issuing, actor: Actor, ref: Ref, size: PosterSize, now: datetime) -> bytes:
    """A poster with the QR, for the wall, as PDF.

    Raises:
        NotFound, Conflict: see `svg_of`. InvalidInput, MissingGlyph: see `poster_pdf`.
    """
    reservation = await _issued(issuing, actor, ref)
    kind = issuing.catalog.version(reservation.type_id, reservation.type_version)
    poster = Poster(
        symbol=agreed_symbol(qr_prefix(issuing.public_url), _digits(reservation)),
        name=_name(issuing, kind, reservation),
        kind=kind.zh,
        category=kind.category,
        number=reservation.number,
        issuer=reservation.issuer.name,
        typed_code=reservation.ref.typed_code,
        host=urlsplit(issuing.public_url).netloc,
        on=beijing_date(now),
        specimen=issuing.keys.is_demonstration,
    )
    return poster_pdf(poster, size)


async def _issued(issuing: Issuing, actor: Actor, ref: Ref) -> Reservation:
    reservation = await visible(issuing, actor, ref)
    if reservation.token is None or reservation.issued_at is None:
        code = ref.typed_code
        raise Conflict(f"{code} 还没有签发，没有二维码。", f"{code} is not issued yet and has no QR.")
    return reservation


def _name(issuing: Issuing, kind: CertificateType, reservation: Reservation) -> str:
    """The holder as the public may see it."""
    return kind.public_holder_name(open_payload(issuing, reservation))


def _symbol(issuing: Issuing, reservation: Reservation) -> QrSymbol:
    return qr_symbol(qr_prefix(issuing.public_url), _digits(reservation))


def _digits(reservation: Reservation) -> str:
    return to_digits(reservation.token or b"")
