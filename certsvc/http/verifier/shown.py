"""What a result page shows, as data for a receipt: the same words, in both languages that receipts have."""

from collections.abc import Iterable, Mapping

from certsvc.domain.receipt import Answer, Elsewhere, Fact, Line, Page, Shown
from certsvc.domain.token import Claims
from certsvc.http.language import Language
from certsvc.http.verifier.foreign import ElsewhereView, ForeignLine
from certsvc.http.verifier.view import Fact as ViewFact
from certsvc.http.verifier.view import Line as ViewLine
from certsvc.http.verifier.view import ResultView, result_view
from certsvc.verify.report import Report


def shown_page(report: Report, languages: Mapping[str, Language], claims: Claims | None) -> Page:
    """The result page of a report; `claims` as for `result_view`."""
    views = {code: result_view(report, languages[code], claims) for code in ("zh", "en")}
    look = views["zh"].look
    return Page(
        headline=views["zh"].headline,
        icon=look.icon,
        family=look.block,
        zh=_shown(views["zh"], languages["zh"]),
        en=_shown(views["en"], languages["en"]),
    )


def _shown(view: ResultView, language: Language) -> Shown:
    return Shown(
        word=view.word,
        qualifier=view.qualifier,
        at=view.asked_at + str(language.words["site"]["beijing"]),
        title=view.title,
        holder=view.holder,
        answers=tuple(Answer(one.question, one.word, one.text, one.family) for one in view.answers),
        reasons=_facts(view.why),
        notes=view.notes,
        facts=_facts([*view.facts, *view.signed, *(fact for seal in view.seals for fact in seal)]),
        licence=_line(view.licence, language) if view.licence else None,
        permits=tuple(_line(line, language) for line in (*view.attention, *view.fine)),
        pending=tuple(f"{part.title} {part.word}" for part in view.pending),
        complete=view.sources,
        elsewhere=_elsewhere(view.elsewhere) if view.elsewhere else None,
    )


def _facts(facts: Iterable[ViewFact]) -> tuple[Fact, ...]:
    return tuple(Fact(fact.label, fact.value) for fact in facts)


def _line(line: ViewLine, language: Language) -> Line:
    colon = language.words["elsewhere"]["colon"]
    return Line(
        title=line.title,
        number=line.number,
        issuer=line.issuer,
        term=line.term,
        tag=line.tag,
        age=line.age,
        family=line.look.tag,
        notes=(*line.notes, *(f"{fact.label}{colon}{fact.value}" for fact in line.why)),
    )


def _elsewhere(view: ElsewhereView) -> Elsewhere:
    return Elsewhere(view.heading, view.complete, view.stale, tuple(_record(record) for record in view.records))


def _record(record: ForeignLine) -> Line:
    return Line(
        title=record.title,
        number=record.number,
        issuer=record.issuer,
        term=record.term,
        tag=record.tag,
        age=record.reported,
        family=record.look.tag,
        notes=tuple(filter(None, (record.doubt, *record.warnings))),
    )
