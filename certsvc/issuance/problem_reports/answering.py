"""Answering reports: that one is read is on record, it is taken up and closed once each, and a correction names the
entry in the life of the certificate that it is."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import msgspec

from certsvc.domain.actor import Actor
from certsvc.domain.problem_report import Outcome, ProblemReport, ReportAct, ReportAnswer
from certsvc.domain.scope import ANSWER
from certsvc.errors import InvalidInput, Problem
from certsvc.ids import Ref, ReportNumber
from certsvc.issuance.problem_reports.content import Content, context_of
from certsvc.services import PayloadCipher, ReportRegister


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """What answering needs. Whoever is at the command line may answer `everything`."""

    reports: ReportRegister
    cipher: PayloadCipher
    everything: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What who answers says; of a first contact `said` may be left out."""

    act: ReportAct
    said: str | None = None
    outcome: Outcome | None = None
    forwarded_to: str | None = None
    certificate: Ref | None = None
    event: int | None = None


async def view_report(
    answering: Answering, actor: Actor, number: ReportNumber, now: datetime
) -> tuple[ProblemReport, Content | None]:
    """A report with the words and the contact, which are gone once they are erased. That it was read is on record
    first.

    Raises:
        NotFound: there is none, or the actor does not answer it.
        CustodyError: the key that it is encrypted with is lost.
    """
    report = await find_report(answering, actor, number)
    if report.sealed is None or report.key_id is None:
        return report, None
    await answering.reports.note_view(number, actor.name, now)
    plain = answering.cipher.decrypt(report.sealed, context_of(number), report.key_id)
    return report, msgspec.json.decode(plain, type=Content)


async def find_report(answering: Answering, actor: Actor, number: ReportNumber) -> ProblemReport:
    """A report without what is encrypted in it.

    Raises:
        NotFound: there is none, or the actor does not answer it.
    """
    reach = None if answering.everything else actor.reach(ANSWER)
    return await answering.reports.report(number, actor.name, reach)


async def answer_report(
    answering: Answering, actor: Actor, number: ReportNumber, said: Answer, key: str, now: datetime
) -> ProblemReport:
    """Take a report up, or close it; the same request again does nothing.

    Raises:
        NotFound: see `find_report`; or there is no such certificate.
        InvalidInput: what came of it is not said whole; or the entry named is no correction of what was reported.
        ActNotAllowed: it is taken up or closed already.
        KeyReused: the key of the request was used with other content.
    """
    await find_report(answering, actor, number)
    _require_whole(said)
    await answering.reports.answer(
        ReportAnswer(
            number=number,
            act=said.act,
            client=actor.name,
            key=key,
            digest=_digest(number, said),
            actor=actor.name,
            said=said.said,
            outcome=said.outcome,
            forwarded_to=said.forwarded_to,
            certificate=said.certificate,
            event=said.event,
        ),
        now,
    )
    return await find_report(answering, actor, number)


def _digest(number: ReportNumber, said: Answer) -> bytes:
    code = said.certificate.typed_code if said.certificate else None
    content = [number, said.act, said.said, said.outcome, said.forwarded_to, code, said.event]
    return hashlib.sha256(msgspec.json.encode(content)).digest()


def _require_whole(said: Answer) -> None:
    corrected, forwarded = said.outcome is Outcome.CORRECTED, said.outcome is Outcome.FORWARDED
    problems = []
    for field, given, wanted, zh, en in (
        ("certificate", said.certificate, corrected, "更正了哪件证照（查验码）", "the certificate that was corrected"),
        ("event", said.event, corrected, "更正在证照上的登记编号", "the entry in its history that is the correction"),
        ("forwarded_to", said.forwarded_to, forwarded, "转给了谁", "to whom it went"),
    ):
        if wanted and given is None:
            problems.append(Problem(field, "required", f"请写明{zh}。", f"Name {en}."))
        if given is not None and not wanted:
            problems.append(Problem(field, "not_wanted", "这种结果不用写这一项。", "Not with this outcome."))
    if problems:
        raise InvalidInput("办理结果不完整。", "What came of it is not said whole.", problems=problems)
