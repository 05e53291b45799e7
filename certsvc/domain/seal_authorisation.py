"""Opening a seal beforehand (授权用印): its keeper says for which types, how often and on which days it may be used.

The database keeps the same rules in the transaction of each use (`why_not_authorised`), and a test compares the two.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from certsvc.domain.account import Confirmation, Method
from certsvc.domain.calendar import beijing_date
from certsvc.errors import InvalidInput, Problem
from certsvc.ids import new_opaque_id

MOST_DAYS = 30
"""The longest an authorisation lasts, and how far ahead it may begin."""

MOST_USES = 10_000
MOST_TYPES = 100


class EndOfAuthorisation(StrEnum):
    """Why an authorisation ended before its last day: for ever, either way."""

    REVOKED = "revoked"
    HANDED_OVER = "handed_over"


class NotAuthorised(StrEnum):
    """Why a use is not authorised. The words are part of the public interface."""

    NONE = "no_authorisation"
    REVOKED = "authorisation_revoked"
    HANDED_OVER = "authorisation_handed_over"
    KEEPER_LEFT = "authorisation_keeper_left"
    NOT_OF_KIND = "authorisation_not_of_kind"
    NOT_BEGUN = "authorisation_not_begun"
    OVER = "authorisation_over"
    USED_UP = "authorisation_used_up"
    USED_UP_TODAY = "authorisation_used_up_today"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an authorisation allows: under which types, how often in all and perhaps on one day, from the first to the
    last Beijing day, both included."""

    certificate_types: frozenset[str]
    quota: int
    first_day: date
    last_day: date
    daily_quota: int | None = None

    def digest(self, seal_id: str) -> bytes:
        """SHA-256 of opening a seal on these terms: what its keeper confirms. The database computes the same
        (`digest_of_opening`)."""
        daily = "" if self.daily_quota is None else str(self.daily_quota)
        types = " ".join(sorted(self.certificate_types))
        said = ("authorise_seal", seal_id, types, str(self.quota), daily, str(self.first_day), str(self.last_day))
        return hashlib.sha256("\n".join(said).encode()).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An authorisation that ended early: why, by whom, when."""

    why: EndOfAuthorisation
    by: str
    at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SealAuthorisation:
    """A standing authorisation on record; `method` is how its keeper confirmed it."""

    id: str
    seal_id: str
    keeper: str
    terms: Terms
    method: Method
    given_at: datetime
    ended: Ended | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """How often an authorisation was used: in all, and on the day asked about."""

    in_all: int
    on_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An authorisation and what is left of it: `refusal` is why no use at all is authorised now, None where some is."""

    authorisation: SealAuthorisation
    used: Used
    left: int
    left_today: int
    refusal: NotAuthorised | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorisationRequest:
    """A keeper's request to open a seal, who has confirmed these very terms. Its `key` names it among those of the
    keeper's account: the same one again is done once."""

    key: str
    seal_id: str
    terms: Terms
    confirmation: Confirmation

    @property
    def keeper(self) -> str:
        """Who asks, and who confirmed it."""
        return self.confirmation.name


@dataclass(frozen=True, slots=True, kw_only=True)
class SealWait:
    """What is approved or reserved and cannot be sealed: a stable word why, since when, and the seal that was refused,
    if it was one; the type and number that it is reserved under, and the request of a village behind it."""

    reason: str
    since: datetime
    seal_id: str | None
    typed_code: str
    type_id: str
    number: str
    request_id: str | None


def holds(
    authorisation: SealAuthorisation, type_id: str, day: date, used: Used, *, keeper_serves: bool = True
) -> NotAuthorised | None:
    """Why an authorisation does not hold for one more use under a type on a Beijing day; None where it does.
    `keeper_serves`: its keeper has a duty that day in the organ whose seal it is."""
    terms, ended = authorisation.terms, authorisation.ended
    if ended is not None:
        return NotAuthorised.REVOKED if ended.why is EndOfAuthorisation.REVOKED else NotAuthorised.HANDED_OVER
    if not keeper_serves:
        return NotAuthorised.KEEPER_LEFT
    if type_id not in terms.certificate_types:
        return NotAuthorised.NOT_OF_KIND
    return _not_now(terms, day, used)


def _not_now(terms: Terms, day: date, used: Used) -> NotAuthorised | None:
    if not terms.first_day <= day <= terms.last_day:
        return NotAuthorised.NOT_BEGUN if day < terms.first_day else NotAuthorised.OVER
    if used.in_all >= terms.quota:
        return NotAuthorised.USED_UP
    if terms.daily_quota is not None and used.on_day >= terms.daily_quota:
        return NotAuthorised.USED_UP_TODAY
    return None


def standing(authorisation: SealAuthorisation, day: date, used: Used, *, keeper_serves: bool = True) -> Standing:
    """What is left of an authorisation on a Beijing day."""
    terms = authorisation.terms
    refusal = holds(authorisation, min(terms.certificate_types), day, used, keeper_serves=keeper_serves)
    left = max(0, terms.quota - used.in_all)
    today = left if terms.daily_quota is None else min(left, max(0, terms.daily_quota - used.on_day))
    return Standing(
        authorisation=authorisation,
        used=used,
        left=left,
        left_today=0 if refusal else today,
        refusal=refusal,
    )


def require_terms(terms: Terms, now: datetime) -> None:
    """See that terms may be authorised today.

    Raises:
        InvalidInput: with everything that is wrong, by field.
    """
    problems = [*_counted(terms), *_dated(terms, beijing_date(now))]
    if problems:
        fields = ", ".join(problem.field for problem in problems)
        raise InvalidInput(
            f"授权用印的内容不合要求：{'；'.join(problem.zh for problem in problems)}。",
            f"The authorisation is not acceptable: {fields}.",
            problems=problems,
        )


def _counted(terms: Terms) -> Sequence[Problem]:
    found = []
    if not 0 < len(terms.certificate_types) <= MOST_TYPES:
        found.append(Problem("certificate_types", "required", "请写明用于哪些证明", "Name the types it is for."))
    if not 0 < terms.quota <= MOST_USES:
        found.append(
            Problem("quota", "out_of_bounds", f"次数应为 1 至 {MOST_USES}", f"The quota is 1 to {MOST_USES} uses.")
        )
    if terms.daily_quota is not None and not 0 < terms.daily_quota <= MOST_USES:
        words = f"每日次数应为 1 至 {MOST_USES}", f"The quota of one day is 1 to {MOST_USES} uses."
        found.append(Problem("daily_quota", "out_of_bounds", *words))
    return found


def _dated(terms: Terms, today: date) -> Sequence[Problem]:
    found = []
    if not today <= terms.first_day <= today + timedelta(days=MOST_DAYS):
        words = "起始日应在今天起三十日内", "It begins today or within 30 days."
        found.append(Problem("first_day", "out_of_bounds", *words))
    if not terms.first_day <= terms.last_day < terms.first_day + timedelta(days=MOST_DAYS):
        words = "起止日首尾都算，最长三十日", "It lasts at most 30 days, the first and the last included."
        found.append(Problem("last_day", "out_of_bounds", *words))
    return found


def new_authorisation_id() -> str:
    """A fresh id of 100 random bits."""
    return new_opaque_id("sa")
