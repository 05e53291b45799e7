"""Checks, reports and the one function that gives the verdict.

A check reports, it never raises; what could not be found out is `unknown`, and unknown is never valid.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import zip_longest

from certsvc.domain.calendar import TermState
from certsvc.domain.case import PendingPart
from certsvc.domain.certificate import RegisteredCertificate
from certsvc.domain.document_seal import DepartmentDocument, SealOnRecord
from certsvc.domain.effects import Consequence
from certsvc.domain.receipt import Receipt
from certsvc.domain.states import IN_FORCE, Status
from certsvc.ids import Ref
from certsvc.verify.face_field import FaceField
from certsvc.verify.foreign import Elsewhere
from certsvc.verify.foreign_file import ForeignFile


class Outcome(StrEnum):
    """What one check found."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Verdict(StrEnum):
    """The one word over everything that was checked."""

    VALID = "valid"
    NOT_VALID = "not_valid"
    UNDETERMINED = "undetermined"
    DEPARTMENT_DOCUMENT = "department_document"
    """No certificate, but a document of a department: sealed here, unchanged since, and on record."""

    RECOGNISED_ELSEWHERE = "recognised_elsewhere"
    """Sealed under an authority elsewhere that we recognise for it, and unchanged since: genuine there, not ours, and
    of its state there we know nothing."""

    RECEIPT = "receipt"
    """No certificate, but a genuine receipt: what was shown at another time, and nothing of now."""


class Soundness(StrEnum):
    """Answer (a): the document or the token is sound and ours."""

    SOUND = "sound"
    UNSOUND = "unsound"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. `kind` names the check, `reason` is a stable code; the words for both are in the pages."""

    kind: str
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateReport:
    """One certificate with its own answers and its own verdict; `checks` are those of this certificate alone.

    `licence` is what the state of its licence lets it be: passed, failed when a rule ends or stops it, unknown when
    that state is; `consequences` are the rules that act, with their ground. With `full_view` it prints what opens it.
    """

    certificate: RegisteredCertificate
    title_zh: str
    title_en: str
    fields: tuple[FaceField, ...]
    term: TermState
    verdict: Verdict
    checks: tuple[Check, ...]
    licence: Outcome = Outcome.PASSED
    consequences: tuple[Consequence, ...] = ()
    full_view: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PartReport:
    """A certificate that is applied for: how far that has come. It is not one, and has no verdict."""

    part: PendingPart
    title_zh: str
    title_en: str
    is_late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedReport:
    """A department's document as it is on record, None where it is not or that cannot be known; and when each of the
    seals in the file was put on, as its timestamp says."""

    record: DepartmentDocument | None
    sealed_at: tuple[datetime | None, ...]

    @property
    def seals(self) -> tuple[tuple[SealOnRecord, datetime | None], ...]:
        """The seals on record in their order, each with its time in the file."""
        on_record = self.record.seals if self.record else ()
        return tuple(zip_longest(on_record, self.sealed_at[: len(on_record)]))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptReport:
    """What a receipt says, None where it is not genuine or that cannot be known; and when its page was sealed, as the
    timestamp says, where there is one."""

    receipt: Receipt | None
    sealed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOf:
    """The day that a report is about, where that is not today, as known at `known_at` or, without it, now.

    `is_to_come`: the day had not come by then. `is_on_record`: whether the register knew of the certificate then.
    `issued_later` counts permits of today that were not issued by the day; `sheet` is the version that held on it,
    where the one asked about did not. Where the register said otherwise at the end of that day, `then_at` is that
    moment and `then` what it said, None for nothing.
    """

    day: date
    known_at: datetime | None = None
    is_to_come: bool = False
    is_on_record: bool = True
    issued_later: int = 0
    sheet: Ref | None = None
    then_at: datetime | None = None
    then: CertificateReport | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything found about one token, code or file, at one time.

    `status` is the state as the register gave it: `None` when it was not or could not be asked, `unknown` when it has
    no record or the state is too old. `source` is what was asked about: `qr`, `code`, `file` or `photo`. `elsewhere` is
    what others reported of the business, None where that was not asked. A file that was judged as a department's
    document has `sealed`, and neither state nor term. A report about another day than today has `as_of`.
    What was judged as a receipt has `receipt`, and as `source` `receipt` or `file`. `foreign` is the account of
    signatures that are not ours; `codes` are the typed codes of certificates whose QR codes are in one picture.
    """

    asked_at: datetime
    source: str
    document: Soundness
    status: Status | None
    status_age_s: int | None
    term: TermState
    verdict: Verdict
    checks: tuple[Check, ...]
    certificate: CertificateReport | None = None
    licence: CertificateReport | None = None
    permits: tuple[CertificateReport, ...] = ()
    pending: tuple[PartReport, ...] = ()
    elsewhere: Elsewhere | None = None
    sealed: SealedReport | None = None
    as_of: AsOf | None = None
    receipt: ReceiptReport | None = None
    foreign: ForeignFile | None = None
    codes: tuple[str, ...] = ()

    @property
    def register_failed(self) -> bool:
        """Whether the register was asked and could not answer."""
        return any(check.reason == "register_unavailable" for check in self.checks)


def after_compromise(registered: bool | None) -> Outcome:
    """What becomes of something signed with a key that others may have: it counts only if it is on record by its own
    digest; `registered` is None when the register was not asked or could not answer."""
    if registered is None:
        return Outcome.UNKNOWN
    return Outcome.PASSED if registered else Outcome.FAILED


def soundness(checks: Iterable[Check]) -> Soundness:
    """Sound if every check passed, unsound as soon as one failed, unknown otherwise; no check is no evidence."""
    outcomes = [check.outcome for check in checks]
    if Outcome.FAILED in outcomes:
        return Soundness.UNSOUND
    return Soundness.SOUND if outcomes and set(outcomes) == {Outcome.PASSED} else Soundness.UNKNOWN


def conclude(document: Soundness, status: Status | None, term: TermState, licence: Outcome = Outcome.PASSED) -> Verdict:
    """The verdict over the three answers, and over what its licence lets a permit be. Never greener than the evidence:
    valid needs all of them."""
    if document is Soundness.UNSOUND:
        return Verdict.NOT_VALID
    if status is not None and status is not Status.UNKNOWN and status not in IN_FORCE:
        return Verdict.NOT_VALID
    if status is None or status is Status.UNKNOWN or document is Soundness.UNKNOWN:
        return Verdict.UNDETERMINED
    in_term = _conclude_term(status, term)
    if in_term is Verdict.VALID and licence is not Outcome.PASSED:
        return Verdict.NOT_VALID if licence is Outcome.FAILED else Verdict.UNDETERMINED
    return in_term


def conclude_document(document: Soundness) -> Verdict:
    """The verdict on a department's document: sound, it is what it is, and never a valid certificate."""
    if document is Soundness.SOUND:
        return Verdict.DEPARTMENT_DOCUMENT
    return Verdict.NOT_VALID if document is Soundness.UNSOUND else Verdict.UNDETERMINED


def conclude_receipt(document: Soundness) -> Verdict:
    """The verdict on a receipt: genuine, it is what it is, and nothing of now is valid by it."""
    if document is Soundness.SOUND:
        return Verdict.RECEIPT
    return Verdict.NOT_VALID if document is Soundness.UNSOUND else Verdict.UNDETERMINED


def _conclude_term(status: Status, term: TermState) -> Verdict:
    if term is TermState.UNKNOWN:
        return Verdict.UNDETERMINED
    if term is TermState.OVER and status is Status.RENEWAL_PENDING:
        return Verdict.VALID  # 行政许可法 50: no decision by the end of the term, the permit stays in force
    return Verdict.VALID if term in (TermState.IN_FORCE, TermState.NONE) else Verdict.NOT_VALID
