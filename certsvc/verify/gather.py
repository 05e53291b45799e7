"""From the register's answer to reports: each certificate its own answers, its own verdict."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from certsvc.catalog import Catalog
from certsvc.domain.calendar import TermState, beijing_date
from certsvc.domain.case import PendingPart
from certsvc.domain.certificate import Gathered, RegisteredCertificate
from certsvc.domain.states import IN_FORCE, Status
from certsvc.errors import NotFound, RegisterUnavailable, StoreError
from certsvc.ids import Ref
from certsvc.services import RegisterReader
from certsvc.verify.face_field import FaceField
from certsvc.verify.licence import ask_licence, current_status
from certsvc.verify.report import (
    CertificateReport,
    Check,
    Outcome,
    PartReport,
    Report,
    Soundness,
    Verdict,
    conclude,
)

NO_RECORD = frozenset({"not_in_register", "sealed_but_not_registered"})
"""The register answered, and has nothing; a register that did not answer has no state at all."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking the register: `gathered` is None when there is no record; `check` says which it was."""

    gathered: Gathered | None
    check: Check | None

    @property
    def answered(self) -> bool:
        """Whether the register was asked and answered, be it that it has no record."""
        return self.check is not None and self.check.reason != "register_unavailable"


async def ask_register(register: RegisterReader | None, ref: Ref, now: datetime) -> Asked:
    """One question about one reference; a register that cannot answer is a check `unknown`, never an exception."""
    if register is None:
        return Asked(None, None)
    try:
        gathered = await register.gather(ref, beijing_date(now), now)
    except (RegisterUnavailable, StoreError):  # a database that answers nonsense has not answered
        return Asked(None, Check("register", Outcome.UNKNOWN, "register_unavailable"))
    if gathered is None:
        return Asked(None, Check("register", Outcome.UNKNOWN, "not_in_register"))
    return Asked(gathered, Check("register", Outcome.PASSED, "on_record"))


def no_record() -> NotFound:
    """What is raised where the register has nothing under a code: the same everywhere."""
    return NotFound("没有查到这个查验码。请对照纸面再输一次。", "No record has this code: compare it with the paper.")


def make_report(
    catalog: Catalog,
    source: str,
    document: Soundness,
    checks: Iterable[Check],
    gathered: Gathered | None,
    now: datetime,
    *,
    document_term: TermState = TermState.UNKNOWN,
    on: date | None = None,
) -> Report:
    """Put the three answers together, of today or of the day `on`, of which the register was asked; `document_term`
    stands when there is no record."""
    found = tuple(checks)
    if gathered is None:
        answered = any(check.reason in NO_RECORD for check in found)
        status = Status.UNKNOWN if answered else None
        return Report(
            asked_at=now,
            source=source,
            document=document,
            status=status,
            status_age_s=None,
            term=document_term,
            verdict=conclude(document, status, document_term),
            checks=found,
        )
    day = on or beijing_date(now)
    main = certificate_report(catalog, gathered.certificate, day, gathered.root)
    status = current_status(catalog, gathered.certificate)
    return Report(
        asked_at=now,
        source=source,
        document=document,
        status=status,
        status_age_s=gathered.certificate.status_age_s,
        term=main.term,
        verdict=_verdict(document, status, main),
        checks=(*found, *main.checks),
        certificate=main,
        licence=certificate_report(catalog, gathered.licence, day) if gathered.licence else None,
        permits=tuple(certificate_report(catalog, permit, day, gathered.root) for permit in gathered.permits),
        pending=tuple(part_report(catalog, part, day) for part in gathered.pending),
    )


def is_issued_by(certificate: RegisteredCertificate, day: date) -> bool:
    """Whether it was issued by a day; the register has no state of the days before."""
    return certificate.status is not Status.UNKNOWN or day >= beijing_date(certificate.issued_at)


def _verdict(document: Soundness, status: Status, main: CertificateReport) -> Verdict:
    if document is not Soundness.UNSOUND and any(check.reason == "not_issued_then" for check in main.checks):
        return Verdict.NOT_VALID
    return conclude(document, status, main.term, main.licence)


def part_report(catalog: Catalog, part: PendingPart, day: date) -> PartReport:
    """How far a certificate that is applied for has come."""
    late = part.deadline is not None and part.deadline < day
    try:
        kind = catalog.latest(part.type_id)
    except NotFound:  # a type that this program does not know yet
        return PartReport(part=part, title_zh=part.type_id, title_en=part.type_id, is_late=late)
    return PartReport(part=part, title_zh=kind.zh, title_en=kind.en, is_late=late)


def certificate_report(
    catalog: Catalog, certificate: RegisteredCertificate, day: date, root: RegisteredCertificate | None = None
) -> CertificateReport:
    """The report of one certificate on record, document aside; `root` is the licence a permit hangs on."""
    status, term = current_status(catalog, certificate), certificate.term.state(day)
    try:
        kind = catalog.version(certificate.type_id, certificate.type_version)
    except NotFound:  # a type that this program does not know yet: nothing of it can be judged
        return CertificateReport(
            certificate=certificate,
            title_zh=certificate.type_id,
            title_en=certificate.type_id,
            fields=(),
            term=term,
            verdict=conclude(Soundness.UNKNOWN, status, term),
            checks=(Check("type", Outcome.UNKNOWN, "type_unknown"),),
        )
    rows = kind.rows(certificate.public_fields)
    face = tuple(FaceField(key=field.key, zh=field.zh, en=field.en, value=text) for field, text in rows)
    if not is_issued_by(certificate, day):
        return CertificateReport(
            certificate=certificate,
            title_zh=kind.zh,
            title_en=kind.en,
            fields=face,
            term=term,
            verdict=Verdict.NOT_VALID,
            checks=(Check("status", Outcome.FAILED, "not_issued_then"),),
        )
    licence = ask_licence(catalog, kind, certificate, root)
    return CertificateReport(
        certificate=certificate,
        title_zh=kind.zh,
        title_en=kind.en,
        fields=face,
        term=term,
        verdict=conclude(Soundness.SOUND, status, term, licence.outcome),
        checks=(_status_check(status), _term_check(status, term), *licence.checks),
        licence=licence.outcome,
        consequences=licence.consequences,
        full_view=kind.prints_full_view(certificate.layout),
    )


def _status_check(status: Status) -> Check:
    if status is Status.UNKNOWN:
        return Check("status", Outcome.UNKNOWN, "status_unknown")
    return Check("status", Outcome.PASSED if status in IN_FORCE else Outcome.FAILED, status.value)


def _term_check(status: Status, term: TermState) -> Check:
    if term is TermState.OVER and status is Status.RENEWAL_PENDING:
        return Check("term", Outcome.PASSED, "in_force_by_law")
    if term is TermState.UNKNOWN:
        return Check("term", Outcome.UNKNOWN, "term_unknown")
    good = term in (TermState.IN_FORCE, TermState.NONE)
    return Check("term", Outcome.PASSED if good else Outcome.FAILED, term.value)
