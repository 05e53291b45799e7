"""The three answers, never blended: is it genuine, what does the register say, is it in its term."""

from dataclasses import dataclass

from certsvc.domain.calendar import TermState
from certsvc.domain.certificate import Category
from certsvc.domain.states import IN_FORCE, Status
from certsvc.http.language import Language
from certsvc.http.verifier.headline import ANSWERS_B_AND_C, LOOKS, first_fault, licence_headline
from certsvc.verify.report import Outcome, Report, SealedReport, Soundness

ENDED = frozenset(Status) - IN_FORCE - {Status.SUSPENDED, Status.UNKNOWN}
"""States after which the term says nothing any more."""

TERM_LOOKS = {
    TermState.NOT_YET: ("hold", "clock"),
    TermState.OVER: ("bad", "calendar"),
    TermState.IN_FORCE: ("ok", "tick"),
    TermState.NONE: ("ok", "tick"),
    TermState.UNKNOWN: ("unk", "unsure"),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One of the three: its colour family, its shape, the question, the word, one line."""

    family: str
    icon: str
    question: str
    word: str
    text: str


def three_answers(report: Report, headline: str, language: Language) -> tuple[Answer, ...]:
    """Document, register, term."""
    if report.sealed is not None:
        term = language.words["term"]["no_certificate"]
        without = Answer("old", "closed", language.words["answers"]["term"], term["word"], term["text"])
        return _document(report, headline, language), _record(report.sealed, report, language), without
    return _document(report, headline, language), _register(report, language), _term(report, language)


def _document(report: Report, headline: str, language: Language) -> Answer:
    words, question = language.words["document"], language.words["answers"]["document"]
    if report.document is Soundness.SOUND:
        said = words["department" if report.sealed else report.source]
        return Answer("ok", "tick", question, said["word"], said["text"])
    if report.document is Soundness.UNKNOWN:
        return Answer("unk", "unsure", question, words["unknown"], _first_unknown(report, language))
    fault = first_fault(report.checks)
    text = language.reason(fault.kind, fault.outcome.value, fault.reason) if fault else ""
    return Answer("bad", "stop", question, words.get(headline, words["unsound"]), text)


def _first_unknown(report: Report, language: Language) -> str:
    for check in report.checks:
        if check.outcome is Outcome.UNKNOWN and check.kind not in ANSWERS_B_AND_C:
            return language.reason(check.kind, check.outcome.value, check.reason)
    return ""


def _register(report: Report, language: Language) -> Answer:
    words, question = language.words["register"], language.words["answers"]["register"]
    if report.status is None:
        asked_in_vain = report.register_failed or report.document is not Soundness.UNSOUND
        said = words["not_asked" if asked_in_vain else "not_needed"]
        family, icon = ("unk", "unsure") if asked_in_vain else ("old", "closed")
        return Answer(family, icon, question, said["word"], said["text"])
    if report.certificate is None:
        said = words["no_record"]
        return Answer("unk", "unsure", question, said["word"], said["file" if report.source == "file" else "qr"])
    age = language.age(report.status_age_s or 0, report.asked_at)
    if report.status is Status.UNKNOWN:
        word, last = language.words["status"]["unknown"], report.certificate.certificate.status.value
        text = words["past_limit"].format(age=age, state=language.words["status"][last])
        return Answer("unk", "unsure", question, word, text)
    look = LOOKS[_state_name(report)]
    return Answer(look.tag, look.icon, question, _state(report, language), words["confirmed"].format(age=age))


def _record(sealed: SealedReport, report: Report, language: Language) -> Answer:
    """What the register says of a department's document: whether it is on record, and since when."""
    words, question = language.words["register"], language.words["answers"]["register"]
    if sealed.record is not None:
        said = words["document"]
        return Answer(
            "ok", "tick", question, said["word"], said["text"].format(at=language.moment(sealed.record.recorded_at))
        )
    if any(check.reason == "document_not_on_record" for check in report.checks):
        return Answer("bad", "stop", question, words["no_record"]["word"], words["no_record"]["file"])
    return Answer("unk", "unsure", question, words["not_asked"]["word"], words["not_asked"]["text"])


def _state_name(report: Report) -> str:
    """The state on record; of a permit in force by itself, what its licence makes of it."""
    assert report.status is not None, "asked only of a state on record"
    stopped = licence_headline(report.certificate) if report.status in IN_FORCE else None
    return stopped or report.status.value


def _state(report: Report, language: Language) -> str:
    words: dict[str, str] = language.words["status"]
    is_licence = report.certificate is not None and report.certificate.certificate.category is Category.LICENCE
    active_licence = is_licence and report.status is Status.VALID
    return words["valid_licence"] if active_licence else words[_state_name(report)]


def _term(report: Report, language: Language) -> Answer:
    key, family, icon = _term_look(report)
    days: dict[str, str] = {}
    if report.certificate is not None:
        term = report.certificate.certificate.term
        days = {"start": language.day(term.start), "end": language.day(term.end) if term.end else ""}
    elif key in ("in_force", "over"):
        key += "_undated"  # a token knows the end as an instant; the page leaves the day to the paper
    said = language.words["term"][key]
    return Answer(family, icon, language.words["answers"]["term"], said["word"], said["text"].format(**days))


def _term_look(report: Report) -> tuple[str, str, str]:
    """The key of the words, the colour family and the shape."""
    if report.status in ENDED:
        return "moot", "old", "closed"
    if report.document is Soundness.UNSOUND and report.certificate is None:
        return "not_needed", "old", "closed"
    if report.term is TermState.OVER and report.status is Status.RENEWAL_PENDING:
        return "by_law", "ok", "tick"
    return report.term.value, *TERM_LOOKS[report.term]
