"""Checking a QR without the register and without a network: its signature, its term, and a signed list of states.

For other people's software, too: `check_offline` needs the text of the QR, keys and the time, nothing else. Its
verdict is never better than what is known, and what it cannot know it says. A list is a source with an age; what
happened since, why, and what else a business holds, only the register tells.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from certsvc.domain.calendar import TermState
from certsvc.domain.status_list import AS_STATUS, ListedState, list_name
from certsvc.domain.token import Claims
from certsvc.errors import MalformedToken, TokenTooLong
from certsvc.verify.anchors import Anchors
from certsvc.verify.offline_keys import AnchorKeys, OfflineKeys
from certsvc.verify.report import Outcome, Soundness, Verdict, conclude
from certsvc.verify.status_token import NOT_LOOKED_AT, ListReading, read_status
from certsvc.verify.token import check_token

URL = re.compile(r"https?://[^/?#\s]{1,255}/Q/([0-9]*)", re.ASCII | re.IGNORECASE)


class TokenOutcome(StrEnum):
    """What was found of the token itself."""

    SOUND = "sound"
    UNSOUND = "unsound"
    UNKNOWN = "unknown"
    MALFORMED = "malformed"


class Unknowable(StrEnum):
    """What nobody can know without asking."""

    REGISTER = "register"
    """Why and since when a state holds, and what else the business holds."""
    STATE = "state"
    """The state: no list said anything of it."""
    SINCE_LIST = "since_list"
    """What changed since the list was made."""
    CONDITION = "condition"
    """Which conditions hold beside the state."""
    PAPER = "paper"
    """Whether this paper is the one it was printed on: compare what stands on it."""


OUTCOMES = {
    Outcome.PASSED: TokenOutcome.SOUND,
    Outcome.FAILED: TokenOutcome.UNSOUND,
    Outcome.UNKNOWN: TokenOutcome.UNKNOWN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineReport:
    """What could be found out. `claims` are those of a sound token, None of any other: nothing of it may be shown as
    ours. `listed` is how reading the list went, None where there was nothing to look for."""

    asked_at: datetime
    verdict: Verdict
    token: TokenOutcome
    reason: str
    claims: Claims | None
    term: TermState
    listed: ListReading | None

    @property
    def state(self) -> ListedState | None:
        """What the list says, if it could be read."""
        return self.listed.state if self.listed else None

    @property
    def age_s(self) -> int | None:
        """How old the list is, in seconds."""
        made = self.listed.issued_at if self.listed else None
        return None if made is None else max(0, int((self.asked_at - made).total_seconds()))

    @property
    def cannot_know(self) -> tuple[Unknowable, ...]:
        """What it cannot know, always in one order."""
        is_read = self.state is not None
        said = {
            Unknowable.REGISTER: True,
            Unknowable.STATE: self.state in (None, ListedState.NO_STATEMENT),
            Unknowable.SINCE_LIST: is_read,
            Unknowable.CONDITION: self.state in (ListedState.CONDITIONAL, ListedState.RENEWAL_PENDING),
            Unknowable.PAPER: True,
        }
        return tuple(each for each, holds in said.items() if holds)


def check_offline(qr: str, keys: OfflineKeys | Anchors, status_list: bytes | None, now: datetime) -> OfflineReport:
    """Check the text of a QR (its address, or the digits alone) at `now`, UTC and aware.

    `keys` are anchors with their CRLs, or keys read from `trust/verifier.json`. `status_list` is the JWT of the list
    that the token is in, as `/status/{list}` gives it; without one the state stays unknown. Never raises for what it is
    given: what is wrong is in the report.
    """
    source = AnchorKeys(keys) if isinstance(keys, Anchors) else keys
    try:
        token, signed = check_token(_digits(qr), source)
    except (MalformedToken, TokenTooLong):
        return _nothing(now, TokenOutcome.MALFORMED, "malformed")
    if signed.outcome is not Outcome.PASSED:
        return _nothing(now, OUTCOMES[signed.outcome], signed.reason)
    claims, term = token.claims, _term(token.claims, now)
    listed = read_status(status_list, name_of_list(claims), claims.list_index, source, now)
    status = AS_STATUS[listed.state] if listed.state is not None else None
    return OfflineReport(
        asked_at=now,
        verdict=conclude(Soundness.SOUND, status, term),
        token=TokenOutcome.SOUND,
        reason=signed.reason,
        claims=claims,
        term=term,
        listed=listed,
    )


def name_of_list(claims: Claims) -> str:
    """The list that a token is in: `101-2026q4`."""
    return list_name(claims.type_number, claims.issued_at)


def offline_json(report: OfflineReport) -> dict[str, Any]:
    """A report as JSON. The names are part of the public interface; instants are seconds since 1970."""
    listed = report.listed
    return {
        "verdict": report.verdict.value,
        "token": {"outcome": report.token.value, "reason": report.reason},
        "claims": _claims_json(report.claims) if report.claims else None,
        "term": report.term.value,
        "state": report.state.word if report.state is not None else None,
        "list": {
            "name": listed.name if listed else None,
            "index": listed.index if listed else None,
            "reason": listed.reason if listed else NOT_LOOKED_AT,
            "issued_at": _seconds(listed.issued_at) if listed else None,
            "expires_at": _seconds(listed.expires_at) if listed else None,
            "age_s": report.age_s,
        },
        "cannot_know": [each.value for each in report.cannot_know],
    }


def _claims_json(claims: Claims) -> dict[str, Any]:
    return {
        "ref": claims.ref.to_bytes().hex(),
        "typed_code": claims.ref.typed_code,
        "type_number": claims.type_number,
        "version": claims.version,
        "subject": claims.subject,
        "holder_name": claims.holder_name,
        "issued_at": _seconds(claims.issued_at),
        "expires_at": _seconds(claims.expires_at),
    }


def _nothing(now: datetime, outcome: TokenOutcome, reason: str) -> OfflineReport:
    """Of a token that is not known to be ours nothing counts, neither its term nor its place in a list."""
    unknown = outcome is TokenOutcome.UNKNOWN
    return OfflineReport(
        asked_at=now,
        verdict=Verdict.UNDETERMINED if unknown else Verdict.NOT_VALID,
        token=outcome,
        reason=reason,
        claims=None,
        term=TermState.UNKNOWN,
        listed=None,
    )


def _digits(qr: str) -> str:
    """The digits in the text of a QR, taken as it was read: blanks around it make it something else."""
    found = URL.fullmatch(qr)
    return found[1] if found else qr


def _term(claims: Claims, now: datetime) -> TermState:
    if claims.expires_at is None:
        return TermState.NONE
    return TermState.IN_FORCE if now < claims.expires_at else TermState.OVER


def _seconds(instant: datetime | None) -> int | None:
    return None if instant is None else int(instant.timestamp())
