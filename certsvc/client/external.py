"""Certificates that a department lays out itself: their QR for its own page, or drawn on the page it sends."""

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from certsvc.client.certificates import Certificates, path_of
from certsvc.client.sending import Sender, as_shape
from certsvc.client.shapes import Approval, Certificate

FILES = "/v1/external-files"
LAYOUT = "external"
PDF = "application/pdf"


class PageSize(msgspec.Struct, frozen=True, kw_only=True):
    """A page as it is shown."""

    width_mm: float
    height_mm: float


class TakenFile(msgspec.Struct, frozen=True, kw_only=True):
    """A PDF that the service took, to be named by its digest."""

    sha256: str
    size: int
    pages: tuple[PageSize, ...]


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """Where the centre of a seal's picture stands: millimetres from the left and the top edge of the page."""

    x_mm: float
    y_mm: float


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where on a page the QR goes, with code and host: its upper left corner, in millimetres from the left and the top
    edge of the page as it is shown. Without a `seal` spot the seal is not seen."""

    x_mm: float
    y_mm: float
    page: int = 1
    module_mm: float | None = None
    seal: Spot | None = None


class External:
    """`api.external`."""

    def __init__(self, sender: Sender, certificates: Certificates) -> None:
        self._sender, self._certificates = sender, certificates

    async def send(self, pdf: bytes) -> TakenFile:
        """Send a page that the department laid out; how large its pages are. Raises `ApiError`."""
        digest = hashlib.sha256(pdf).hexdigest()
        answer = await self._sender.write("POST", FILES, key=f"file-{digest}", content=pdf, media_type=PDF)
        return as_shape(answer, TakenFile)

    async def register(
        self,
        type_id: str,
        payload: Mapping[str, Any],
        *,
        pdf: bytes | None = None,
        place: Place | None = None,
        key: str | None = None,
        wait: float = 60.0,
        **more: Any,
    ) -> Certificate | Approval:
        """Register a certificate that is laid out elsewhere. With a `pdf` the QR is drawn on it at `place`, and it is
        sealed: `api.certificates.document` is the file. Without one there is no file; its QR is for the department's
        own page. `more` is as in `api.certificates.issue`.

        Raises:
            ValueError: a PDF without a place, or a place without a PDF.
            ApiError, WaitedTooLong: see `api.certificates.issue`.
        """
        file = await self._file(pdf, place)
        return await self._certificates.issue(type_id, payload, key=key, layout=LAYOUT, file=file, wait=wait, **more)

    async def register_next(
        self,
        code: str,
        act: str,
        payload: Mapping[str, Any],
        *,
        pdf: bytes | None = None,
        place: Place | None = None,
        key: str | None = None,
        wait: float = 60.0,
        **more: Any,
    ) -> Certificate | Approval:
        """Register the next version of such a certificate, by `renew`, `change`, `reissue` or `correct`: what is sealed
        here has a page of its own in every version. `more` is as in `api.certificates.act`.

        Raises:
            ValueError, ApiError, WaitedTooLong: see `register`.
        """
        file = await self._file(pdf, place)
        return await self._certificates.act(
            code, act, payload=payload, key=key, wait=wait, layout=LAYOUT, file=file, **more
        )

    async def _file(self, pdf: bytes | None, place: Place | None) -> dict[str, Any] | None:
        """The page, sent, as an order names it."""
        if pdf is None and place is None:
            return None
        if pdf is None or place is None:
            raise ValueError("a PDF and the place of the QR on it are given together")
        return {"sha256": (await self.send(pdf)).sha256, **msgspec.to_builtins(place)}

    async def qr_svg(self, code: str, *, module_mm: float | None = None) -> bytes:
        """The QR of any certificate as SVG, exactly as large as asked for, with its quiet zone. Raises `ApiError`."""
        return (await self._sender.read(path_of(code) + "/qr.svg", {"module_mm": module_mm})).content

    async def qr_png(self, code: str, *, module_mm: float | None = None, dpi: int | None = None) -> bytes:
        """The QR as PNG for a printer of so many dots per inch. Raises `ApiError`."""
        return (await self._sender.read(path_of(code) + "/qr.png", {"module_mm": module_mm, "dpi": dpi})).content

    async def poster(self, code: str, size: Literal["A4", "A5"] = "A4") -> bytes:
        """A PDF with a large QR for the wall of a shop. Raises `ApiError`."""
        return (await self._sender.read(path_of(code) + "/poster.pdf", {"size": size})).content
