"""Seals (电子印章): picture + owner + signing certificate + key + rules of use."""

from dataclasses import dataclass, field
from enum import StrEnum

from certsvc.errors import NotFound
from certsvc.ids import Uscc

DEFAULT_RANK = "department"
"""What a seal's owner is, unless more is said: see `seal_sizes`."""


class SealKind(StrEnum):
    """The kind of a seal, by the code of national practice; 01 to 04 are official seals (公章), 05 is a name seal."""

    LEGAL_NAME = "01"
    FINANCE = "02"
    INVOICE = "03"
    CONTRACT = "04"
    PERSONAL = "05"


class Centre(StrEnum):
    """What stands in the middle of the seal."""

    STAR = "star"
    EMBLEM = "emblem"
    NONE = "none"


class Shape(StrEnum):
    """The outline of the seal."""

    ROUND = "round"
    OVAL = "oval"
    SQUARE = "square"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealDesign:
    """What the picture shows (国发〔1999〕25号): the owner's name on the arc, star, purpose, code; millimetres.

    `diameter_mm` is the width, `height_mm` the height of an oval; `picture` a supplied PNG that is shown instead.
    """

    name: str
    diameter_mm: float
    height_mm: float | None = None
    border_mm: float = 1.2
    kind: SealKind = SealKind.LEGAL_NAME
    centre: Centre = Centre.STAR
    purpose: str | None = None
    code: str | None = None
    picture: bytes | None = field(default=None, repr=False)

    @property
    def shape(self) -> Shape:
        """The outline."""
        if self.kind is SealKind.PERSONAL:
            return Shape.SQUARE
        return Shape.ROUND if self.height_mm is None else Shape.OVAL

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height."""
        return self.diameter_mm, self.diameter_mm if self.height_mm is None else self.height_mm


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where the seal's centre stands: page from 1, millimetres from the left and the top edge."""

    page: int
    x_mm: float
    y_mm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """When a seal may be used: minutes of the Beijing day, from `opens` on and before `closes`; perhaps from Monday to
    Friday only. Public holidays are not known here."""

    opens: int
    closes: int
    weekdays_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SealPeople:
    """Who answers for a seal (管理, 保管使用, 监督), who applied for it and who approved it."""

    applicant: str
    manager: str
    keeper: str
    auditor: str
    approver: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """A seal and its rules of use: the only types it may stand under; the only place on the page (None: where the
    type's layout has it); how often on one Beijing day, and at which hours (None: without limit).

    One that `needs_authorisation` is used only by what its keeper opened beforehand (`domain.seal_authorisation`).
    One that is bound to no types is for the owner's own documents and digests, and for these alone.
    """

    id: str
    owner: str
    owner_uscc: Uscc
    design: SealDesign
    certificate_types: frozenset[str] = field(default=frozenset())
    rank: str = DEFAULT_RANK
    place: Placement | None = None
    daily_quota: int | None = None
    hours: Hours | None = None
    people: SealPeople | None = None
    needs_authorisation: bool = False

    @property
    def is_for_documents(self) -> bool:
        """Whether it is for the owner's own documents, and never for a certificate."""
        return not self.certificate_types


def no_seal(seal_id: str) -> NotFound:
    """What is answered of a seal that is not there, and of one that whoever asks may not know of."""
    return NotFound(f"没有印章 {seal_id}。", f"There is no seal {seal_id}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SealUse:
    """A use to be booked: `digest` is the SHA-256 of what the seal will sign."""

    seal_id: str
    layout: str
    place: Placement
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SealImage:
    """A supplied picture, pixel by pixel from the top left: three bytes of red, green and blue, and one of alpha."""

    width_px: int
    height_px: int
    rgb: bytes
    alpha: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SealPicture:
    """A drawn seal: PDF content-stream operators in a box of `width_pt` by `height_pt` points, origin bottom left.

    With an `image`, the content shows it by the name of `/Seal` (`/Seal Do`).
    """

    content: bytes
    width_pt: float
    height_pt: float
    image: SealImage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationData:
    """What a validator needs years later, as DER: every X.509 certificate of the chains of seal and timestamp
    authority, root included, and a current CRL of every certification authority among them."""

    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
