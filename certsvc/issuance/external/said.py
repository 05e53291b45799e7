"""What an order says of a page that was laid out elsewhere, in the API and in the row of a batch."""

from typing import Annotated

import msgspec

from certsvc.domain.external import LEAST_MODULE_MM, MOST_MODULE_MM, MOST_PAGES, ExternalFile, SealSpot

Digest = Annotated[
    str,
    msgspec.Meta(
        pattern=r"\A[0-9a-f]{64}\Z",
        description="SHA-256 of a file that was sent to `/v1/external-files`.",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    ),
]
Millimetres = Annotated[float, msgspec.Meta(ge=0, le=2000)]


class SealSpotBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the centre of the seal's picture stands on that page: millimetres from its left and its top edge."""

    x_mm: Millimetres
    y_mm: Millimetres


class ExternalFileBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page that was laid out elsewhere, and the upper left corner of the block with QR, typed code and host on it, in
    millimetres from the left and the top edge of the page as it is shown. The block is as wide as the QR with its quiet
    zone, 61 to 69 modules, and at most 14 mm higher than wide; nothing may lie there. Without a `seal` spot the seal is
    not seen on the page."""

    sha256: Digest
    page: Annotated[int, msgspec.Meta(ge=1, le=MOST_PAGES)] = 1
    x_mm: Millimetres
    y_mm: Millimetres
    module_mm: Annotated[float, msgspec.Meta(ge=LEAST_MODULE_MM, le=MOST_MODULE_MM)] = LEAST_MODULE_MM
    seal: SealSpotBody | None = None

    def file(self) -> ExternalFile:
        """As the domain knows it."""
        return ExternalFile(
            sha256=bytes.fromhex(self.sha256),
            page=self.page,
            x_mm=self.x_mm,
            y_mm=self.y_mm,
            module_mm=self.module_mm,
            seal=SealSpot(x_mm=self.seal.x_mm, y_mm=self.seal.y_mm) if self.seal else None,
        )
