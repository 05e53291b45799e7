"""Evidence: photos and pages that are brought with a request, as we drew them anew; nobody keeps or opens the files.

It is added and removed while the request is with its clerk, each time as an act of its own: the version of the request
that an approver has seen is also that of its evidence.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from certsvc.errors import ActNotAllowed, InvalidInput
from certsvc.ids import new_opaque_id

MOST_EVIDENCE, MOST_PAGES = 10, 10
"""Files with one request, and pages of one file."""

MOST_FILE = 8 * 1024 * 1024
MOST_PICTURE = 1024 * 1024
"""Bytes of a file as it is sent, and of one page as it is drawn."""

LONGEST_NAME = 60
THUMBNAIL = 0
"""The number of the small picture of the first page; the pages themselves count from 1."""

JPEG = b"\xff\xd8\xff"
"""What every picture that we keep begins with."""


class EvidenceKind(StrEnum):
    """What was sent."""

    PHOTO = "photo"
    PDF = "pdf"


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnEvidence:
    """A file drawn anew: JPEG pictures without anything beside what is seen."""

    kind: EvidenceKind
    thumbnail: bytes
    pages: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SealedPart:
    """Something of a piece of evidence, encrypted under the data key `key_id` and bound to its place."""

    sealed: bytes
    key_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvidence:
    """Evidence to be put on record; `pictures` are the thumbnail and the pages."""

    id: str
    kind: EvidenceKind
    name: SealedPart
    pictures: tuple[SealedPart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEvidence:
    """Evidence on record; `version` is that of the request since it is there."""

    id: str
    request_id: str
    version: int
    kind: EvidenceKind
    pages: int
    name: SealedPart
    person: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The same for who may read it: `name` says what it is, `person` who added it."""

    id: str
    request_id: str
    version: int
    kind: EvidenceKind
    pages: int
    name: str
    person: str
    at: datetime


def new_evidence_id() -> str:
    """A fresh id of 100 random bits."""
    return new_opaque_id("e")


def context_of_part(request_id: str, evidence_id: str, page: int | None = None) -> bytes:
    """What a picture is bound to or, without `page`, the name."""
    return f"proof evidence {request_id} {evidence_id} {'name' if page is None else page}".encode("ascii")


def parse_evidence_name(text: str, file_name: str) -> str:
    """What a piece of evidence is: as it was typed, or else the name of the file, without folders and ending.

    Raises:
        InvalidInput: what was typed is too long, or cannot be shown.
    """
    typed = " ".join(text.split())
    if typed:
        if len(typed) > LONGEST_NAME or not typed.isprintable():
            raise InvalidInput(
                f"“这是什么”最多 {LONGEST_NAME} 个字，不能有看不见的字符。",
                f"What it is: at most {LONGEST_NAME} characters, all of them visible.",
            )
        return typed
    base = file_name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(each if each.isprintable() else " " for each in base.rpartition(".")[0] or base)
    return " ".join(shown.split())[:LONGEST_NAME]


def require_room(count: int) -> None:
    """See that a request may have one piece more.

    Raises:
        ActNotAllowed: it has as many as it may have.
    """
    if count >= MOST_EVIDENCE:
        raise too_much_evidence()


def too_much_evidence() -> ActNotAllowed:
    """The error, where a request has as many as it may have."""
    return ActNotAllowed(
        f"一件申请最多 {MOST_EVIDENCE} 个附件：请先删去不用的。",
        f"A request has at most {MOST_EVIDENCE} attachments: remove one first.",
    )
