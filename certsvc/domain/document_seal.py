"""Sealing a department's own document, or its digest: what is asked, where the seal stands, what comes of it."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from certsvc.domain.seal import Placement, Seal
from certsvc.errors import Forbidden, NotFound

MAX_FILE = 20 * 1024 * 1024
MOST_PAGES = 2000
MOST_DIGESTS = 100
DIGEST_BYTES = 32
JOB = "seal_request"
"""The kind of the job that seals what is asked."""

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
REQUEST_ID = re.compile(f"[{ALPHABET}]{{26}}")
LAYOUT_OF_A_DOCUMENT, LAYOUT_OF_A_DIGEST = "document", "digest"
"""What stands in the record of uses in place of a layout's name."""


class State(StrEnum):
    """How far a request has come. `failed` is for good, and says why."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


class Output(StrEnum):
    """What is made of a digest: the bare signature value, or a detached CMS with timestamp (ETSI EN 319 122-1)."""

    RAW = "raw"
    CMS = "cms"


class Rule(StrEnum):
    """A place that needs no looking: near a corner of the first or the last page, several seals beside each other."""

    LAST_PAGE_BOTTOM_RIGHT = "last_page_bottom_right"
    LAST_PAGE_BOTTOM_LEFT = "last_page_bottom_left"
    FIRST_PAGE_BOTTOM_RIGHT = "first_page_bottom_right"
    FIRST_PAGE_TOP_RIGHT = "first_page_top_right"


@dataclass(frozen=True, slots=True, kw_only=True)
class AtKeyword:
    """By a text on the page: the seal's centre stands `dx_mm` right of and `dy_mm` below the middle of the keyword,
    where it occurs for the time of that number (from 1)."""

    keyword: str
    occurrence: int = 1
    dx_mm: float = 0.0
    dy_mm: float = 0.0


Position: TypeAlias = Rule | Placement | AtKeyword


@dataclass(frozen=True, slots=True, kw_only=True)
class SealAsked:
    """One of the seals that a document is to get, and where."""

    seal_id: str
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentAsked:
    """A document to be sealed. `client` and `key` together name the request: the same again is done once. `file` is the
    SHA-256 of a file that the client has sent; several seals are joint seals, in their order."""

    client: str
    key: str
    file: bytes
    seals: tuple[SealAsked, ...]
    reason: str
    cross_page: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestsAsked:
    """SHA-256 digests to be signed. `authorization` is the SHA-256 of the signature activation data that allows it;
    `good_until` when whoever asks stops waiting."""

    client: str
    key: str
    seal_id: str
    digests: tuple[bytes, ...]
    output: Output
    reason: str
    authorization: bytes | None = None
    good_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedSeal:
    """A seal of a request and where it stands; under digests nowhere."""

    seal_id: str
    place: Placement | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedFile:
    """A document that lacks only its seals: the SHA-256 of the file as it was sent and as it was prepared."""

    source: bytes
    prepared: bytes
    pages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SealingDraft:
    """A request that was checked and is to go on record. `content` is the SHA-256 of what was asked."""

    id: str
    client: str
    key: str
    content: bytes
    reason: str
    seals: tuple[PlacedSeal, ...]
    requested_at: datetime
    good_until: datetime
    file: PreparedFile | None = None
    digests: tuple[bytes, ...] = ()
    output: Output | None = None
    authorization: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a request failed for good: a stable code, and what it means."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SealingRequest:
    """A request on record. Done, it has the SHA-256 of the sealed file, or one signature for each digest."""

    id: str
    client: str
    reason: str
    seals: tuple[PlacedSeal, ...]
    requested_at: datetime
    good_until: datetime
    file: PreparedFile | None
    digests: tuple[bytes, ...]
    output: Output | None
    state: State
    finished_at: datetime | None = None
    sealed: bytes | None = None
    signatures: tuple[bytes, ...] = ()
    failure: Failure | None = None

    def facts(self) -> Mapping[str, object]:
        """What others are told of it; nothing about persons."""
        seals = [seal.seal_id for seal in self.seals]
        return {"request": self.id, "seals": seals, "kind": "document" if self.file else "digests"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SealOnRecord:
    """A seal of a sealed document as anybody may know it. `purpose` is what it says beside its owner's name, if
    anything."""

    id: str
    owner: str
    owner_uscc: str
    purpose: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartmentDocument:
    """A document of a department that was sealed here: the SHA-256 of the file, since when it is on record, and its
    seals in their order."""

    sha256: bytes
    recorded_at: datetime
    seals: tuple[SealOnRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """Leave to sign exactly these digests once (CSC API: signature activation data). `sad_hash` is the SHA-256 of the
    secret."""

    sad_hash: bytes
    client: str
    seal_id: str
    digests: tuple[bytes, ...]
    authorized_at: datetime
    expires_at: datetime


def require_for_documents(seals: Sequence[Seal]) -> None:
    """See that none of these seals is bound to certificate types.

    Raises:
        Forbidden: one is.
    """
    for seal in seals:
        if not seal.is_for_documents:
            raise Forbidden(
                f"印章 {seal.id} 绑定了证照类别，不能盖在文件上，也不能签摘要：请用不绑定类别的文件印章。",
                f"The seal {seal.id} is bound to certificate types and never stands under a document or signs a "
                "digest: use a seal for documents, which is bound to none.",
            )


def parse_request_id(text: str) -> str:
    """A request's id from text.

    Raises:
        NotFound: it is none, so there is no such request.
    """
    if not REQUEST_ID.fullmatch(text):
        raise NotFound("没有这个盖章请求。", "There is no such sealing request.")
    return text


def new_request_id(now: datetime) -> str:
    """26 letters and digits in the order of time, of which nobody can guess one: 48 bits of milliseconds, 80 random."""
    number = (int(now.timestamp() * 1000) << 80) | secrets.randbits(80)
    return "".join(ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
