"""Cases (一照通行): one application, its parts, and the table of acts on a part.

A part goes its own way: what becomes of one permit never touches the licence. Only a permit under a licence that is
itself applied for waits, decided or not, until that licence is issued. The database holds the same table as the view
`case_act`, and a test compares the two.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from certsvc.ids import Ref

GENERAL_WORKING_DAYS = 20
"""行政许可法 art. 42: a decision within twenty days of acceptance, working days by art. 82, where no other is laid
down."""


class PartState(StrEnum):
    """How far a part has come. The words are part of the public interface."""

    NEW = "new"
    WAITING = "waiting"
    ACCEPTED = "accepted"
    ACCEPTED_WITH_DOCUMENTS = "accepted_with_documents"
    RETURNED = "returned"
    GRANTED = "granted"
    ISSUED = "issued"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    ENDED = "ended"


class PartAct(StrEnum):
    """What is done to a part. The words are part of the public interface."""

    OPEN = "open"
    ACCEPT = "accept"
    ACCEPT_WITH_DOCUMENTS = "accept_with_documents"
    RETURN = "return"
    RESUBMIT = "resubmit"
    REFUSE = "refuse"
    GRANT = "grant"
    ISSUE = "issue"
    REOPEN = "reopen"
    WITHDRAW = "withdraw"
    END = "end"


class Side(StrEnum):
    """Who does it: whoever applied, the department whose part it is, or the service, when something else happened."""

    APPLICANT = "applicant"
    DEPARTMENT = "department"
    SERVICE = "service"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRule:
    """One row: the states an act is allowed from, the one it leads to, by whom, and what it must say. `runs` is whether
    the time for the decision runs afterwards."""

    zh: str
    en: str
    before: frozenset[PartState]
    after: PartState
    by: Side
    needs: frozenset[str] = frozenset()
    runs: bool = False


def _states(*states: PartState) -> frozenset[PartState]:
    return frozenset(states)


S = PartState
UNDECIDED = _states(S.WAITING, S.ACCEPTED, S.ACCEPTED_WITH_DOCUMENTS)
OPEN = UNDECIDED | {S.RETURNED}
PENDING = OPEN | {S.GRANTED}
"""Not at its end: it may still become a certificate."""

PART_ACTS: Mapping[PartAct, PartRule] = {
    PartAct.OPEN: PartRule(
        zh="收件", en="receive", before=_states(S.NEW), after=S.WAITING, by=Side.APPLICANT, runs=True
    ),
    PartAct.ACCEPT: PartRule(
        zh="受理",
        en="accept",
        before=_states(S.WAITING, S.ACCEPTED_WITH_DOCUMENTS),
        after=S.ACCEPTED,
        by=Side.DEPARTMENT,
        runs=True,
    ),
    PartAct.ACCEPT_WITH_DOCUMENTS: PartRule(
        zh="容缺受理",
        en="accept with documents to follow",
        before=_states(S.WAITING),
        after=S.ACCEPTED_WITH_DOCUMENTS,
        by=Side.DEPARTMENT,
        needs=frozenset({"reason", "legal_basis", "due"}),
        runs=True,
    ),
    PartAct.RETURN: PartRule(
        zh="退回补正",
        en="return for correction",
        before=UNDECIDED,
        after=S.RETURNED,
        by=Side.DEPARTMENT,
        needs=frozenset({"reason"}),
    ),
    PartAct.RESUBMIT: PartRule(
        zh="补正", en="resubmit", before=_states(S.RETURNED), after=S.WAITING, by=Side.APPLICANT, runs=True
    ),
    PartAct.REFUSE: PartRule(
        zh="不予许可",
        en="refuse",
        before=OPEN,
        after=S.REFUSED,
        by=Side.DEPARTMENT,
        needs=frozenset({"reason", "legal_basis", "decision_number", "remedies"}),
    ),
    PartAct.GRANT: PartRule(zh="准予", en="grant", before=UNDECIDED, after=S.GRANTED, by=Side.DEPARTMENT),
    PartAct.ISSUE: PartRule(zh="发证", en="issue", before=_states(S.GRANTED), after=S.ISSUED, by=Side.SERVICE),
    PartAct.REOPEN: PartRule(
        zh="退回审查",
        en="take up again",
        before=_states(S.GRANTED),
        after=S.ACCEPTED,
        by=Side.SERVICE,
        needs=frozenset({"reason"}),
        runs=True,
    ),
    PartAct.WITHDRAW: PartRule(
        zh="撤回申请", en="withdraw", before=OPEN, after=S.WITHDRAWN, by=Side.APPLICANT, needs=frozenset({"reason"})
    ),
    PartAct.END: PartRule(
        zh="终止办理", en="end", before=PENDING, after=S.ENDED, by=Side.SERVICE, needs=frozenset({"reason"})
    ),
}
"""Every act, its row. Accepted anew, what was accepted with documents to follow has them all. A grant that those who
must approve it did not is taken up again. A refusal says why, on what ground, and what can be done against it
(行政许可法 art. 38)."""

DECISIONS = frozenset(act for act, rule in PART_ACTS.items() if rule.by is Side.DEPARTMENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartGround:
    """Why, and on what it rests: which documents follow, what is to be corrected, why not. `due` is the day by which
    documents follow; `remedies` what the applicant may do against a refusal."""

    reason: str | None = None
    legal_basis: str | None = None
    decision_number: str | None = None
    remedies: str | None = None
    due: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartEvent:
    """One act on record. `deadline` is the day of the decision from then on, where the time for it runs; `certificate`
    what was issued; `client` who asked, None for what followed by itself. `id` grows in the order of recording."""

    id: int
    type_id: str
    act: PartAct
    state: PartState
    actor: str
    at: datetime
    ground: PartGround = field(default_factory=PartGround)
    deadline: date | None = None
    certificate: Ref | None = None
    client: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One certificate applied for. `deadline` is the last day for the decision, or None while nobody has to decide;
    `documents_due` the day by which documents follow."""

    type_id: str
    state: PartState
    working_days: int
    changed_at: datetime
    deadline: date | None = None
    documents_due: date | None = None
    certificate: Ref | None = None

    def is_late(self, today: date) -> bool:
        """Whether the last day for the decision is over."""
        return self.deadline is not None and self.deadline < today


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One application. `licence_type` is the licence that is part of it; `licence` the one on record that its permits
    hang on, once there is one; `applicant` the business's name, masked."""

    ref: Ref
    opened_by: str
    opened_at: datetime
    applicant: str
    licence_type: str | None
    licence: Ref | None
    parts: tuple[Part, ...]

    def part(self, type_id: str) -> Part | None:
        """The part that asks for this type."""
        return next((part for part in self.parts if part.type_id == type_id), None)

    def waits_for_licence(self, type_id: str) -> bool:
        """Whether a part cannot be issued yet because the licence is not."""
        return self.licence is None and type_id != self.licence_type

    @property
    def finished(self) -> bool:
        """Whether every part has come to its end."""
        return not any(part.state in PENDING for part in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingPart:
    """A part as a stranger may see it: nothing of persons, nothing of reasons."""

    type_id: str
    state: PartState
    deadline: date | None
    documents_due: date | None = None
    certificate: Ref | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A case as who has its code may see it."""

    ref: Ref
    applicant: str
    opened_at: datetime
    parts: tuple[PendingPart, ...]
