"""What to heed beside a verdict, and why a state holds: conditions with their days, rules by which a licence acts."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from certsvc.domain.calendar import beijing_date
from certsvc.domain.certificate import RegisteredCertificate
from certsvc.domain.effects import STOPS, Consequence, Effect
from certsvc.domain.proof_ground import is_ground_word
from certsvc.domain.states import IN_FORCE, Condition, ConditionKind
from certsvc.http.language import Language
from certsvc.http.verifier.headline import certificate_headline
from certsvc.verify.report import CertificateReport

SOON = timedelta(days=60)
CHECKED = frozenset({ConditionKind.COMMITMENT, ConditionKind.DOCUMENTS})


def notes(report: CertificateReport, language: Language, now: datetime) -> tuple[str, ...]:
    """What to heed: what the state was when last confirmed; else who laid it out, the end of the term, conditions, what
    must follow the licence."""
    if certificate_headline(report) == "stale":
        last = language.words["status"][report.certificate.status.value]
        return (language.words["result"]["last_known"].format(state=last),)
    return (
        *_layout_note(report, language),
        *_term_note(report, language, now),
        *_conditions(report, language, now),
        *_follow_ups(report, language),
    )


def reasons(report: CertificateReport, language: Language) -> Iterator[tuple[str, str]]:
    """Labels and values of why a certificate is not in force: the act behind its state, or the rule of its licence."""
    certificate = report.certificate
    if certificate.status not in IN_FORCE:
        yield from _act(certificate, language)
    elif report.consequences and report.consequences[0].effect in STOPS:
        words, acting = language.words["result"], report.consequences[0]
        yield words["why"], language.words["effects"][acting.effect.value].format(cause=_cause(acting, language))
        if acting.since:
            yield words["effective"], language.day(acting.since)
        yield words["basis"], _basis(acting, language)


def _act(certificate: RegisteredCertificate, language: Language) -> Iterator[tuple[str, str]]:
    change, words = certificate.change, language.words["result"]
    if change is None:
        return
    effective = language.day(change.effective)
    yield words["effective"], words["retroactive"].format(day=effective) if change.retroactive else effective
    found = (
        (words["why"], ground_said(change.act, change.reason_code, change.reason, language)),
        (words["decision"], change.decision_number),
        (words["basis"], change.legal_basis),
        (words["taken_over"], change.successor),
    )
    yield from ((label, value) for label, value in found if value)


def ground_said(act: str, code: str | None, reason: str | None, language: Language) -> str | None:
    """The reason of an act; where it is the fixed words of a village's console, in the language of the page."""
    return str(language.words["grounds"][act][code]) if is_ground_word(act, code, reason) else reason


def _layout_note(report: CertificateReport, language: Language) -> Iterator[str]:
    if report.certificate.layout is not None:
        yield language.words["result"]["laid_out_elsewhere"]


def _term_note(report: CertificateReport, language: Language, now: datetime) -> Iterator[str]:
    headline, end = certificate_headline(report), report.certificate.term.end
    if (
        end is not None
        and (report.certificate.status in IN_FORCE or headline == "expired")
        and headline != "renewal_pending"
    ):
        yield from _days_note(end, beijing_date(now), language)


def _days_note(end: date, today: date, language: Language) -> Iterator[str]:
    words, left = language.words["result"], end - today
    if left.days < 0:
        yield words["past"].format(n=-left.days)
    elif left.days == 0:
        yield words["ends_today"]
    elif left <= SOON:
        yield words["soon"].format(n=left.days)


def _conditions(report: CertificateReport, language: Language, now: datetime) -> Iterator[str]:
    if report.certificate.status in IN_FORCE:
        today = beijing_date(now)
        yield from (_condition(condition, language, today) for condition in report.certificate.conditions)


def _condition(condition: Condition, language: Language, today: date) -> str:
    words: dict[str, Any] = language.words["conditions"]
    overdue = condition.kind in CHECKED and condition.due is not None and condition.due < today
    due = language.day(condition.due) if condition.due else ""
    name = f"{condition.kind.value}_overdue" if overdue else condition.kind.value
    said = str(words[name]).format(since=language.day(condition.since), due=due)
    return said + words["on_ground"].format(basis=condition.basis) if condition.basis else said


def _follow_ups(report: CertificateReport, language: Language) -> Iterator[str]:
    for consequence in report.consequences:
        if consequence.effect is Effect.MUST_REISSUE:
            said = language.words["effects"][consequence.effect.value].format(cause=_cause(consequence, language))
            yield said + language.words["conditions"]["on_ground"].format(basis=_basis(consequence, language))


def _cause(consequence: Consequence, language: Language) -> str:
    words: dict[str, str] = language.words["causes"]
    return words.get(consequence.cause) or str(language.words["status"][consequence.cause])


def _basis(consequence: Consequence, language: Language) -> str:
    return consequence.ground.basis + str(language.words["certainty"][consequence.ground.certainty])
