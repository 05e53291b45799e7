"""Reports of problems: what a stranger finds wrong, missing or suspicious, who answers it, and what came of it."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from certsvc.errors import InvalidInput, Problem
from certsvc.ids import Ref, ReportNumber

MOST_WORDS, MOST_CONTACT = 500, 100
KEPT_UNANSWERED_DAYS = 180
"""After the time for the answer, where none came: then what the reporter wrote is erased all the same."""

UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
"""What nobody sees, or what turns the direction of writing; tabs and line ends are seen."""


class ProblemKind(StrEnum):
    """What is reported. The words are part of the public interface."""

    DATA_WRONG = "data_wrong"
    PERMIT_MISSING = "permit_missing"
    LOOKS_FORGED = "looks_forged"
    QR_ELSEWHERE = "qr_elsewhere"
    OTHER = "other"


class CheckedBy(StrEnum):
    """What the reporter had checked before."""

    QR = "qr"
    CODE = "code"
    FILE = "file"
    NOTHING = "nothing"


class ClaimedVerdict(StrEnum):
    """The verdict that the reporter's page showed: as the reporter says, for nobody checks it again."""

    VALID = "valid"
    NOT_VALID = "not_valid"
    UNDETERMINED = "undetermined"
    DEPARTMENT_DOCUMENT = "department_document"


class ReportState(StrEnum):
    """How far a report has come."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


class ReportAct(StrEnum):
    """What who answers does with it, each once."""

    ACKNOWLEDGE = "acknowledge"
    CLOSE = "close"


class Outcome(StrEnum):
    """What came of it. `corrected` is an entry in the life of a certificate; `corrected_elsewhere` a correction in what
    is no certificate of ours, such as a department's own system."""

    CORRECTED = "corrected"
    CORRECTED_ELSEWHERE = "corrected_elsewhere"
    UNFOUNDED = "unfounded"
    FORWARDED = "forwarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was checked: the certificate it named, if it is on record, or the SHA-256 of a file. What the page said of
    it, and when, is the reporter's claim."""

    by: CheckedBy = CheckedBy.NOTHING
    ref: Ref | None = None
    file_sha256: bytes | None = None
    claimed: ClaimedVerdict | None = None
    claimed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemSaid:
    """What a stranger says. `contact` is how to reach them, if they want to be told; `source` the department that they
    think is meant, of those that report permits here."""

    kind: ProblemKind
    words: str
    contact: str | None
    source: str | None
    checked: Checked


@dataclass(frozen=True, slots=True)
class Department:
    """A department that reports permits here, which a stranger may name: the id of its source, and what it is
    called."""

    id: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Who answers: by the scopes that reach a certificate's type, seal and area, or the client named. Without a
    `department` it is the operator."""

    department: str | None = None
    department_uscc: str | None = None
    client: str | None = None
    type_id: str | None = None
    seal_id: str | None = None
    area: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedReport:
    """A report as who has its number may see it. `newest` is the version that stands now of what was corrected."""

    number: ReportNumber
    opened_at: datetime
    kind: ProblemKind
    by: CheckedBy
    claimed: ClaimedVerdict | None
    claimed_at: datetime | None
    ref: Ref | None
    department: str | None
    contact_due: datetime
    answer_due: datetime
    calendar_known: bool
    contacted_at: datetime | None
    closed_at: datetime | None
    outcome: Outcome | None
    first_said: str | None
    said: str | None
    forwarded_to: str | None
    newest: Ref | None

    @property
    def state(self) -> ReportState:
        """How far it has come."""
        if self.closed_at is not None:
            return ReportState.CLOSED
        return ReportState.OPEN if self.contacted_at is None else ReportState.ACKNOWLEDGED

    def contact_is_late(self, now: datetime) -> bool:
        """Whether the first contact came after its time, or is overdue."""
        return (self.contacted_at or now) > self.contact_due

    def answer_is_late(self, now: datetime) -> bool:
        """Whether the answer came after its time, or is overdue."""
        return (self.closed_at or now) > self.answer_due


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemReport:
    """A report as who answers it has it. `sealed` are the words and the contact, encrypted, until they are erased;
    `corrected` names the life of a certificate and the entry in it."""

    followed: FollowedReport
    route: Route
    file_sha256: bytes | None
    due: datetime
    sealed: bytes | None
    key_id: str | None
    erased_at: datetime | None
    corrected: tuple[Ref, int] | None

    @property
    def number(self) -> ReportNumber:
        """Its number."""
        return self.followed.number


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportAnswer:
    """What who answers does. `client` and `key` together name the request, `digest` is the SHA-256 of its content; what
    is `said` is public. A correction names the `certificate` and the number of the `event` in its life."""

    number: ReportNumber
    act: ReportAct
    client: str
    key: str
    digest: bytes
    actor: str
    said: str | None = None
    outcome: Outcome | None = None
    forwarded_to: str | None = None
    certificate: Ref | None = None
    event: int | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """How fast answers are, of one department (None: the operator) or one kind of problem. Of the `judged` it is known
    whether they came in time; medians are of elapsed time, nights and holidays included."""

    name: str | None
    reports: int
    pending: int
    late: int
    contact_judged: int
    contact_in_time: int
    answer_judged: int
    answer_in_time: int
    median_contact: timedelta | None
    median_answer: timedelta | None
    oldest: datetime | None


def parse_said(kind: str, words: str, contact: str, source: str, checked: Checked) -> ProblemSaid:
    """What a stranger says, from a form.

    Raises:
        InvalidInput: with a problem for each field that is missing or too long.
    """
    words, contact = _seen(words).strip(), " ".join(_seen(contact).split())
    problems = [*_kind_problems(kind), *_length_problems(words, contact)]
    if problems:
        raise InvalidInput("报告还不完整，请看下面。", "The report is not complete: see below.", problems=problems)
    return ProblemSaid(
        kind=ProblemKind(kind), words=words, contact=contact or None, source=source or None, checked=checked
    )


def _kind_problems(kind: str) -> list[Problem]:
    if kind in list(ProblemKind):
        return []
    return [Problem("kind", "required", "请选择是什么问题。", "Choose what is wrong.")]


def _length_problems(words: str, contact: str) -> list[Problem]:
    problems = []
    if not words:
        problems.append(Problem("words", "required", "请写几句您看到了什么。", "Say in a few words what you saw."))
    if len(words) > MOST_WORDS:
        over = len(words) - MOST_WORDS
        zh, en = f"经过最多 {MOST_WORDS} 字，请删去 {over} 字。", f"At most {MOST_WORDS} characters: take out {over}."
        problems.append(Problem("words", "too_long", zh, en))
    if len(contact) > MOST_CONTACT:
        zh, en = f"联系方式最多 {MOST_CONTACT} 字。", f"At most {MOST_CONTACT} characters to reach you."
        problems.append(Problem("contact", "too_long", zh, en))
    return problems


def _seen(text: str) -> str:
    return UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
