"""The sheets of a certificate, and which seals stand on each: those of its type, or the page that somebody else laid
out. Where that page is kept elsewhere there is nothing to seal: the register has the certificate, and its QR is on it.
"""

from dataclasses import dataclass
from typing import Protocol

from certsvc.catalog import CertificateType, Layout
from certsvc.domain.external import EXTERNAL, ExternalFile, external_type
from certsvc.domain.seal import Placement, Seal, SealPicture
from certsvc.errors import SealRefused
from certsvc.ids import Uscc
from certsvc.issuance.service import Issuing, KeyHolder
from certsvc.render.seal_picture import draw_seal

UNSEEN = SealPicture(content=b"", width_pt=0, height_pt=0)
"""The picture of a seal that is not seen on the page."""


class LaidOut(Protocol):
    """An order or a reservation, as far as it says who laid out the page and whose seal it takes."""

    @property
    def layout(self) -> str | None: ...

    @property
    def file(self) -> ExternalFile | None: ...

    @property
    def organ(self) -> Uscc | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A sheet to seal: its layout, the page of others that it is made of, and the seals for its places, in order."""

    layout: Layout
    file: ExternalFile | None
    seals: tuple[Seal, ...]

    @property
    def turns(self) -> tuple[tuple[Seal, Placement], ...]:
        """Each seal with its place, in the order in which they are put on."""
        return tuple(zip(self.seals, self.layout.seals, strict=True))


def bound_as(kind: CertificateType, laid_out: LaidOut) -> str:
    """What the seal must be bound to that seals it, or, where nothing is sealed, that says who issues it."""
    return kind.id if laid_out.file is None else external_type(kind.id)


def sheets(keys: KeyHolder, kind: CertificateType, laid_out: LaidOut) -> tuple[Sheet, ...]:
    """The sheets of a certificate, each with its seals; none where somebody else laid out the page and keeps it.

    Raises:
        SealRefused: there are not as many seals as places for them, or several organs have one and none is named.
    """
    if laid_out.layout != EXTERNAL:
        seals = keys.seals_for(kind.id, laid_out.organ)
        return tuple(Sheet(layout=each, file=None, seals=_in_places(kind, each, seals)) for each in kind.layouts)
    if laid_out.file is None:
        return ()
    seals = keys.seals_for(external_type(kind.id), laid_out.organ)
    if len(seals) != 1:
        raise SealRefused(
            f"{kind.zh} 的外来版式应有一枚印章，却有 {len(seals)} 枚。",
            f"Pages of {kind.en} that are laid out elsewhere get one seal, and {len(seals)} are bound to them.",
        )
    return (Sheet(layout=_layout(laid_out.file, seals[0]), file=laid_out.file, seals=seals),)


def seals_bound(keys: KeyHolder, bound: str) -> tuple[Seal, ...]:
    """The seals bound to a type, or to external layouts of one; none where there is none."""
    try:
        return keys.seals_for(bound)
    except SealRefused:
        return ()


def _in_places(kind: CertificateType, layout: Layout, bound: tuple[Seal, ...]) -> tuple[Seal, ...]:
    if len(bound) != len(layout.seals):
        raise SealRefused(
            f"{kind.zh} 有 {len(layout.seals)} 个盖章位置，却有 {len(bound)} 枚印章。",
            f"{kind.en} has {len(layout.seals)} places for seals, and {len(bound)} seals are bound to it.",
        )
    return bound


def _layout(file: ExternalFile, seal: Seal) -> Layout:
    """The sheet of a page laid out elsewhere. A seal that is not seen stands at the corner of our block."""
    spot = file.seal or file
    return Layout(
        name=EXTERNAL,
        zh="登记机关制作的版式",
        en="Laid out by the registrar",
        width_mm=0,
        height_mm=0,
        scale=1,
        seal=seal.place or Placement(page=file.page, x_mm=spot.x_mm, y_mm=spot.y_mm),
    )


def picture_of(issuing: Issuing, sheet: Sheet, seal: Seal) -> SealPicture:
    """The seal's picture on a sheet.

    Raises:
        MissingGlyph, InvalidInput: it cannot be drawn, or its text has no room in it.
    """
    if sheet.file is not None and sheet.file.seal is None and seal.place is None:
        return UNSEEN
    return draw_seal(seal.design, issuing.renderer.extra_fonts)
