"""Taking a report from a stranger: what it is about, who answers it and until when; once for each form that is sent."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from certsvc.catalog import Catalog
from certsvc.domain.calendar import beijing_date
from certsvc.domain.certificate import RegisteredCertificate
from certsvc.domain.problem_report import (
    Checked,
    CheckedBy,
    ClaimedVerdict,
    FollowedReport,
    ProblemKind,
    ProblemReport,
    ProblemSaid,
    Route,
)
from certsvc.domain.report_deadlines import ReportDeadlines
from certsvc.domain.token import parse_digits
from certsvc.errors import CertsvcError, NotFound, RegisterUnavailable, ReportedBefore
from certsvc.ids import Ref, ReportNumber, new_report_number, parse_typed_code
from certsvc.issuance.problem_reports.content import Content, context_of
from certsvc.services import PayloadCipher, RegisterReader, ReportDesk

SAID = msgspec.json.Encoder(order="deterministic", enc_hook=str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """What taking reports needs. `cipher` gives the data keys, None before anything was encrypted; `operator` is the
    client that answers where no department is known."""

    reports: ReportDesk
    register: RegisterReader
    catalog: Catalog
    cipher: Callable[[], Awaitable[PayloadCipher | None]]
    deadlines: ReportDeadlines
    operator: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What a page that showed a result hands on: how it was checked; the code, the digits of the QR or the SHA-256 of
    the file; and what it said, and when."""

    by: CheckedBy = CheckedBy.NOTHING
    code: str = ""
    digits: str = ""
    file_sha256: bytes | None = None
    claimed: ClaimedVerdict | None = None
    claimed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedUp:
    """What the register says today of what was checked; no certificate where none is meant, or none is on record."""

    checked: Checked
    certificate: RegisteredCertificate | None = None
    title_zh: str = ""
    title_en: str = ""

    @staticmethod
    def nothing() -> "LookedUp":
        """Nothing was checked, or nothing that can be looked up."""
        return LookedUp(checked=Checked())


async def look_up(taking: Taking, carried: Carried, now: datetime) -> LookedUp:
    """What is on record of what was checked. The verdict is not found again: a file is not here, and that a QR was
    genuine is said by its check alone.

    Raises:
        InvalidIdentifier, WrongCheckCharacter: the code is mistyped.
        RegisterUnavailable: the register cannot be asked.
    """
    ref = await _named(taking, carried)
    claim = Checked(
        by=carried.by, file_sha256=carried.file_sha256, claimed=carried.claimed, claimed_at=carried.claimed_at
    )
    found = None if ref is None else await taking.register.gather(ref, beijing_date(now), now)
    if found is None:
        return LookedUp(checked=claim)
    certificate = found.certificate
    kind = taking.catalog.version(certificate.type_id, certificate.type_version)
    return LookedUp(
        checked=replace(claim, ref=certificate.ref), certificate=certificate, title_zh=kind.zh, title_en=kind.en
    )


async def _named(taking: Taking, carried: Carried) -> Ref | None:
    if carried.code:
        return parse_typed_code(carried.code)
    if carried.digits:
        try:
            return parse_digits(carried.digits).claims.ref
        except CertsvcError:
            return None  # no QR of ours: that is what is reported
    if carried.file_sha256 is not None:
        document = await taking.register.find_document(carried.file_sha256)
        return document.ref if document else None
    return None


async def take_report(taking: Taking, said: ProblemSaid, carried: Carried, token: str, now: datetime) -> ReportNumber:
    """Put a report on record; the same form sent again is the same report. `token` is the form's, as it was drawn.

    Raises:
        ReportedBefore: the form was sent with other content.
        RegisterUnavailable: nothing can be put on record now.
    """
    hashed = hashlib.sha256(b"certsvc report form\0" + token.encode("utf-8")).digest()
    digest = hmac.digest(token.encode("utf-8"), SAID.encode([said, carried]), "sha256")
    known = await taking.reports.of_token(hashed)
    if known is None:
        report = await _report(taking, said, carried, now)
        known = await taking.reports.open(report, hashed, digest)
    number, before = known
    if not hmac.compare_digest(before, digest):
        raise ReportedBefore(
            number,
            f"这份表单已经提交过，编号 {number}，内容与这次不同。要再报一次，请核对后重新提交。",
            f"This form was sent before with other content, as {number}. To report once more, check it and send it "
            "again.",
        )
    return number


async def _report(taking: Taking, said: ProblemSaid, carried: Carried, now: datetime) -> ProblemReport:
    route, number = await route_of(taking, said), new_report_number()
    area = route.area or (route.department_uscc[2:8] if route.department_uscc else None)
    due = taking.deadlines.of(said.kind, area, now)
    sealed, key_id = await _sealed(taking, said, carried, number)
    checked = said.checked
    followed = FollowedReport(
        number=number,
        opened_at=now,
        kind=said.kind,
        by=checked.by,
        claimed=checked.claimed,
        claimed_at=checked.claimed_at,
        ref=checked.ref,
        department=route.department,
        contact_due=due.contact.at,
        answer_due=due.answer.at,
        calendar_known=due.is_known,
        contacted_at=None,
        closed_at=None,
        outcome=None,
        first_said=None,
        said=None,
        forwarded_to=None,
        newest=None,
    )
    return ProblemReport(
        followed=followed,
        route=route,
        file_sha256=checked.file_sha256,
        due=min(due.contact.at, due.answer.at),
        sealed=sealed,
        key_id=key_id,
        erased_at=None,
        corrected=None,
    )


async def route_of(taking: Taking, said: ProblemSaid) -> Route:
    """Who answers: the department that the reporter names, of those that report permits here; else who issued the
    certificate; else, and of a permit that is missing, the operator, who knows them all."""
    if said.source is not None and (found := await taking.reports.route_of_source(said.source)) is not None:
        return found
    if said.kind is not ProblemKind.PERMIT_MISSING and said.checked.ref is not None:
        found = await taking.reports.route_of(said.checked.ref)
        if found is not None:
            return found
    return Route(client=taking.operator)


async def _sealed(taking: Taking, said: ProblemSaid, carried: Carried, number: ReportNumber) -> tuple[bytes, str]:
    cipher = await taking.cipher()
    if cipher is None:
        raise RegisterUnavailable(
            "这里还没有签发过证照，不能接收报告。", "Nothing was issued here yet: reports cannot be taken."
        )
    is_known = said.checked.ref is not None
    content = Content(
        words=said.words,
        contact=said.contact,
        typed=None if is_known else carried.code or None,
        digits=None if is_known else carried.digits or None,
    )
    return cipher.encrypt(msgspec.json.encode(content), context_of(number)), cipher.key_id


async def follow(taking: Taking, number: ReportNumber) -> FollowedReport:
    """A report as who has its number may see it.

    Raises:
        NotFound: there is none.
    """
    found = await taking.reports.followed(number)
    if found is None:
        raise NotFound(
            "没有这个编号的报告，请对照记下的编号再输一次。",
            "No report has this number: compare it with what you wrote down.",
        )
    return found
