"""Seals (电子印章): picture + owner + signing certificate + key + rules of use."""

from dataclasses import dataclass, field
from enum import StrEnum

from certsvc.ids import Uscc


class Centre(StrEnum):
    """What stands in the middle of the seal."""

    STAR = "star"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealDesign:
    """What the picture shows (国发〔1999〕25号): the owner's name on the arc, star, purpose, code; millimetres."""

    name: str
    diameter_mm: float
    border_mm: float = 1.2
    centre: Centre = Centre.STAR
    purpose: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """A registered seal. `certificate_types` are the only types it may stand under."""

    id: str
    owner: str
    owner_uscc: Uscc
    design: SealDesign
    certificate_types: frozenset[str] = field(default=frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where the seal's centre stands: page from 1, millimetres from the left and the top edge."""

    page: int
    x_mm: float
    y_mm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SealPicture:
    """A drawn seal: PDF content-stream operators in a box of `size_pt` square points, origin bottom left."""

    content: bytes
    size_pt: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationData:
    """What a validator needs years later, as DER: every X.509 certificate of the chains of seal and timestamp
    authority, root included, and a current CRL of every certification authority among them."""

    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
