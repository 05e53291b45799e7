"""Answer (b): the register's states, in our words and in those of the national collection interface (certState)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from certsvc.domain.calendar import TermState


class Status(StrEnum):
    """The register's state. The words are part of the public interface."""

    VALID = "valid"
    RENEWAL_PENDING = "renewal_pending"
    RECHECK_DUE = "recheck_due"
    CONDITIONAL = "conditional"
    DORMANT = "dormant"
    SUSPENDED = "suspended"
    CLOSING_DUE = "closing_due"
    REVOKED = "revoked"
    RESCINDED = "rescinded"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"
    SUPERSEDED = "superseded"
    TRANSFERRED_OUT = "transferred_out"
    UNKNOWN = "unknown"


class ConditionKind(StrEnum):
    """What may hold beside the state, each with a date of its own; several at once."""

    RENEWAL_PENDING = "renewal_pending"
    RECHECK_DUE = "recheck_due"
    COMMITMENT = "commitment"
    DOCUMENTS = "documents"
    DORMANT = "dormant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A condition that holds since a day. `due` is the day to check by, the last day before a recheck is overdue, the
    last day of dormancy; a renewal application has none."""

    kind: ConditionKind
    since: date
    due: date | None = None
    basis: str | None = None


@dataclass(frozen=True, slots=True)
class StateRow:
    """How a state is called, and its national code; the description goes with code 99."""

    zh: str
    en: str
    code: str
    description: str | None = None


STATES: Mapping[Status, StateRow] = {
    Status.VALID: StateRow("有效", "Valid", "01"),
    Status.RENEWAL_PENDING: StateRow("有效，延续审查中", "Valid, renewal under review", "01"),
    Status.RECHECK_DUE: StateRow("有效，应当复核", "Valid, recheck due", "01"),
    Status.CONDITIONAL: StateRow("有效，附条件", "Valid, with a condition", "01"),
    Status.DORMANT: StateRow("有效，歇业中", "Valid, business dormant", "01"),
    Status.SUSPENDED: StateRow("暂扣", "Suspended", "02"),
    Status.RESCINDED: StateRow("撤销", "Rescinded", "03"),
    Status.CLOSED: StateRow("注销", "Closed", "04"),
    Status.SUPERSEDED: StateRow("已被新证取代", "Superseded", "05"),
    Status.TRANSFERRED_OUT: StateRow("办理转出", "Transferred out", "06"),
    Status.REVOKED: StateRow("吊销", "Revoked", "07"),
    Status.WITHDRAWN: StateRow("撤回", "Withdrawn", "99", "撤回"),
    Status.CLOSING_DUE: StateRow("应当注销，尚未注销", "Closing due", "99", "应当注销，尚未注销"),
    Status.UNKNOWN: StateRow("不知道", "Unknown", "99", "状态不明"),
}
EXPIRED = StateRow("失效", "Expired", "05")

IN_FORCE = frozenset({Status.VALID, Status.RENEWAL_PENDING, Status.RECHECK_DUE, Status.CONDITIONAL, Status.DORMANT})
"""The states in which a certificate may be relied on, term and document permitting."""

ENDED_BY_TERM = IN_FORCE - {Status.RENEWAL_PENDING}
"""Those that the end of the term ends; who applied in time for a renewal waits for it in force."""

OPEN = (
    (ConditionKind.RENEWAL_PENDING, Status.RENEWAL_PENDING),
    (ConditionKind.RECHECK_DUE, Status.RECHECK_DUE),
    (ConditionKind.COMMITMENT, Status.CONDITIONAL),
    (ConditionKind.DOCUMENTS, Status.CONDITIONAL),
    (ConditionKind.DORMANT, Status.DORMANT),
)
"""Of several conditions beside a valid state, the one that names it: first what keeps it in force after its term."""


def said_state(status: Status | None) -> tuple[str, str]:
    """A state within a sentence, in Chinese and English; None: before there is one."""
    row = STATES.get(status) if status else None
    return (f"“{row.zh}”", f"“{row.en}”") if row else ("“未签发”", "“Not issued yet”")


def named_state(status: Status, conditions: Iterable[Condition]) -> Status:
    """The one word for a state and what holds beside it; only a valid state is named by a condition."""
    if status is not Status.VALID:
        return status
    kinds = {condition.kind for condition in conditions}
    return next((name for kind, name in OPEN if kind in kinds), status)


def national_state(status: Status, term: TermState) -> StateRow:
    """The row whose `code` is the certState of the national collection interface; 失效 when the term is over."""
    over = term is TermState.OVER and status in ENDED_BY_TERM
    return EXPIRED if over else STATES[status]
