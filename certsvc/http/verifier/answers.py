"""The three answers, never blended: is it genuine, what does the register say, is it in its term."""

from collections.abc import Iterator
from dataclasses import dataclass

from certsvc.domain.calendar import TermState, beijing_date
from certsvc.domain.certificate import Category
from certsvc.domain.states import IN_FORCE, Status
from certsvc.http.language import Language
from certsvc.http.verifier.headline import ANSWERS_B_AND_C, LOOKS, first_fault, licence_headline
from certsvc.verify.report import AsOf, Outcome, Report, SealedReport, Soundness

ENDED = frozenset(Status) - IN_FORCE - {Status.SUSPENDED, Status.UNKNOWN}
"""States after which the term says nothing any more."""

NOT_YET_THERE = frozenset({"not_issued", "not_known_then"})
"""Headlines of a day on which there was no certificate yet: whatever term it was given later is none of that day's."""

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
    if report.receipt is not None:
        return _document(report, headline, language), *_not_now(language)
    if headline in ("recognised_elsewhere", "several_codes"):
        return tuple(_without_register(report, headline, language))
    if report.sealed is not None:
        term = language.words["term"]["no_certificate"]
        without = Answer("old", "closed", language.words["answers"]["term"], term["word"], term["text"])
        return _document(report, headline, language), _record(report.sealed, report, language), without
    return _document(report, headline, language), _register(report, language), _term(report, headline, language)


def _without_register(report: Report, headline: str, language: Language) -> Iterator[Answer]:
    """Of a file of a recognised authority only the first question has an answer, of several papers in one none has."""
    words, question = language.words["unasked"][headline], language.words["answers"]
    family, icon = ("page", "page") if headline == "recognised_elsewhere" else ("unk", "unsure")
    yield Answer(family, icon, question["document"], words["document"]["word"], words["document"]["text"])
    for key in ("register", "term"):
        yield Answer("unk", "unsure", question[key], words[key]["word"], words[key]["text"])


def _not_now(language: Language) -> tuple[Answer, Answer]:
    """What a receipt leaves open: state and term of now."""
    words, question = language.words["receipts"], language.words["answers"]
    register, term = words["state_now"], words["term_now"]
    return (
        Answer("old", "closed", question["register"], register["word"], register["text"]),
        Answer("old", "closed", question["term"], term["word"], term["text"]),
    )


def _document(report: Report, headline: str, language: Language) -> Answer:
    words, question = language.words["document"], language.words["answers"]["document"]
    if report.document is Soundness.SOUND:
        said = words["receipt" if report.receipt else "department" if report.sealed else report.source]
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
        led_elsewhere = any(check.reason == "other_host" for check in report.checks)
        said = words["not_asked" if asked_in_vain else "led_elsewhere" if led_elsewhere else "not_needed"]
        family, icon = ("unk", "unsure") if asked_in_vain else ("old", "closed")
        return Answer(family, icon, question, said["word"], said["text"])
    if report.certificate is None:
        said = words["no_record"]
        return Answer("unk", "unsure", question, said["word"], said["file" if report.source == "file" else "qr"])
    if report.as_of is not None:
        return _on_that_day(report, report.as_of, language)
    age = language.age(report.status_age_s or 0, report.asked_at)
    if report.status is Status.UNKNOWN:
        word, last = language.words["status"]["unknown"], report.certificate.certificate.status.value
        text = words["past_limit"].format(age=age, state=language.words["status"][last])
        return Answer("unk", "unsure", question, word, text)
    look = LOOKS[_state_name(report)]
    return Answer(look.tag, look.icon, question, _state(report, language), words["confirmed"].format(age=age))


def _on_that_day(report: Report, as_of: AsOf, language: Language) -> Answer:
    """The state on the day asked about, and by which knowledge of the register."""
    assert report.certificate is not None, "asked of a certificate on record"
    words, question = language.words["as_of"], language.words["answers"]["register"]
    if not as_of.is_on_record:
        return Answer(
            "unk", "unsure", question, language.words["register"]["no_record"]["word"], words["not_on_record"]
        )
    if any(check.reason == "not_issued_then" for check in report.certificate.checks):
        issued = language.day(beijing_date(report.certificate.certificate.issued_at))
        said = words["not_issued"].format(day=issued)
        return Answer("hold", "clock", question, language.words["status"]["not_issued"], said)
    basis = words["register"] if as_of.known_at is None else words["register_known"]
    text = words["register_future"] if as_of.is_to_come else basis
    said = text.format(at=language.moment(as_of.known_at)) if as_of.known_at else text
    if report.status is Status.UNKNOWN:
        return Answer("unk", "unsure", question, language.words["status"]["unknown"], said)
    look = LOOKS[_state_name(report)]
    return Answer("unk" if as_of.is_to_come else look.tag, look.icon, question, _state(report, language), said)


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


def _term(report: Report, headline: str, language: Language) -> Answer:
    key, family, icon = _term_look(report, headline)
    days: dict[str, str] = {}
    if report.certificate is not None:
        term = report.certificate.certificate.term
        days = {"start": language.day(term.start), "end": language.day(term.end) if term.end else ""}
    elif key in ("in_force", "over"):
        key += "_undated"  # a token knows the end as an instant; the page leaves the day to the paper
    said = language.words["term"][key]
    return Answer(family, icon, language.words["answers"]["term"], said["word"], said["text"].format(**days))


def _term_look(report: Report, headline: str) -> tuple[str, str, str]:
    """The key of the words, the colour family and the shape."""
    if headline in NOT_YET_THERE:
        return headline, "old", "closed"
    if report.status in ENDED:
        return "moot", "old", "closed"
    if report.document is Soundness.UNSOUND and report.certificate is None:
        return "not_needed", "old", "closed"
    if report.term is TermState.OVER and report.status is Status.RENEWAL_PENDING:
        return "by_law", "ok", "tick"
    return report.term.value, *TERM_LOOKS[report.term]
