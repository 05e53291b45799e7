"""A proof with a legal doubt: what must be on record before it is put before those who approve.

The catalogue says what a proof needs (`proof_item.Doubt`). A request keeps what it needed when it was opened, and what
was found goes on record beside it, under the person that it is about: who is named anew is looked into anew.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from certsvc.errors import ActNotAllowed


class DoubtNeed(StrEnum):
    """What a doubt asks for, by the words of the catalogue."""

    LEGAL_REVIEW = "legal_review"
    RECEIVER_ACCEPTS = "receiver_accepts"
    PAPER = "paper"


NEED_WORDS = {
    DoubtNeed.LEGAL_REVIEW: ("法律审查", "legal review"),
    DoubtNeed.RECEIVER_ACCEPTS: ("接收单位书面同意", "consent of the receiving organ in writing"),
    DoubtNeed.PAPER: ("纸质件", "paper original"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtCheck:
    """What was found: who looked into it with which result, in words; `version` is that of the request which they had
    seen."""

    need: DoubtNeed
    said: str
    version: int
    account: str
    person: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtRecord:
    """A clerk puts on record what was found. `key` names it for the request: the same again is done once; `seen` is the
    version that they have seen, `digest` the SHA-256 of what is asked."""

    request_id: str
    need: DoubtNeed
    said: str
    account: str
    person: str
    seen: int
    key: str
    digest: bytes


def open_needs(needs: Iterable[DoubtNeed], found: Sequence[DoubtCheck]) -> list[DoubtNeed]:
    """What is not on record yet, in the order of the catalogue."""
    known = {check.need for check in found}
    return [need for need in dict.fromkeys(needs) if need not in known]


def require_doubts(needs: Iterable[DoubtNeed], found: Sequence[DoubtCheck]) -> None:
    """Refuse what a legal doubt still stands against.

    Raises:
        ActNotAllowed: something is not on record yet.
    """
    if missing := open_needs(needs, found):
        raise doubt_open(missing)


def doubt_open(missing: Sequence[DoubtNeed]) -> ActNotAllowed:
    """The error, where a legal doubt is not answered."""
    zh = "、".join(NEED_WORDS[need][0] for need in missing)
    en = ", ".join(NEED_WORDS[need][1] for need in missing)
    return ActNotAllowed(
        f"这项证明有法律上的疑问，还没有记录：{zh}。请先办好并记录。",
        f"The law is in doubt about this proof, and this is not on record yet: {en}. Have it done and recorded first.",
    )
