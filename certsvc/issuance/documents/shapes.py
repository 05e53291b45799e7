"""What the process that takes departments' documents apart is asked, and what it answers: plain data over a pipe."""

import msgspec

from certsvc.domain.document_seal import MAX_FILE, AtKeyword, Rule
from certsvc.domain.seal import Placement, SealPicture

CPU_SECONDS = 40
MAX_REQUEST = MAX_FILE + 8 * 1024 * 1024
MAX_ANSWER = MAX_FILE + 1024 * 1024


class SealToPlace(msgspec.Struct, frozen=True):
    """A seal that the document is to get: its picture, what a screen reader says of it, and one of three positions."""

    picture: SealPicture
    description: str
    rule: Rule | None = None
    placement: Placement | None = None
    keyword: AtKeyword | None = None


class Prepare(msgspec.Struct, frozen=True, tag=True):
    """A file of a department, the seals it is to get in their order, and whether they go across the pages as well."""

    pdf: bytes
    seals: tuple[SealToPlace, ...]
    cross_page: bool


class Inspect(msgspec.Struct, frozen=True, tag=True):
    """A sealed file, the DER of the only roots that count, and the time (seconds since 1970)."""

    pdf: bytes
    roots: tuple[bytes, ...]
    now: float


Request = Prepare | Inspect


class Prepared(msgspec.Struct, frozen=True, tag=True):
    """The file that lacks only its seals, where these stand, and how many pages it has."""

    pdf: bytes
    places: tuple[Placement, ...]
    pages: int


class Refusal(msgspec.Struct, frozen=True, tag=True):
    """Why a file cannot be sealed: the field of the request that it is about, a stable code, and what to do."""

    field: str
    code: str
    zh: str
    en: str


class OneCheck(msgspec.Struct, frozen=True):
    """A finding on a sealed file."""

    kind: str
    outcome: str
    reason: str


class Inspected(msgspec.Struct, frozen=True, tag=True):
    """What was found in a sealed file, and the X.509 certificates (DER) of its seals in their order."""

    checks: tuple[OneCheck, ...]
    certificates: tuple[bytes, ...]


Answer = Prepared | Refusal | Inspected
