"""From a report to what a page shows: every word chosen, every date written, nothing left to decide in a template."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from certsvc.domain.calendar import Term, beijing_date
from certsvc.domain.certificate import Category
from certsvc.domain.token import Claims
from certsvc.http.language import Language
from certsvc.http.verifier.answers import Answer, three_answers
from certsvc.http.verifier.as_of import AsOfView, as_of_view, moment_of
from certsvc.http.verifier.foreign import ElsewhereView, elsewhere_view, sources_sentence
from certsvc.http.verifier.headline import LOOKS, Look, certificate_headline, headline_of
from certsvc.http.verifier.listing import ALL, Listing, listing
from certsvc.http.verifier.notes import notes, reasons
from certsvc.http.verifier.progress import PartLine, part_line
from certsvc.verify.report import CertificateReport, Report, SealedReport, Verdict

CODE = re.compile(r"[0-9A-Z]{12,40}", re.ASCII)
LONG_TEXT = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A label and a value. `label_zh` stands beside a translated label so that it is found on the paper; a code
    stands in `groups` of four, or in one as it is printed; `wide` takes a line of its own."""

    label: str
    label_zh: str | None
    value: str
    groups: tuple[str, ...] = ()
    wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One certificate in a list: a permit under its licence, or the licence of a permit."""

    title: str
    title_zh: str | None
    tag: str
    look: Look
    fine: bool
    href: str
    number: str
    groups: tuple[str, ...]
    holder: str
    issuer: str
    term: str
    term_matters: bool
    age: str
    stale: bool
    notes: tuple[str, ...]
    why: "tuple[Fact, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultView:
    """A result page. `code` is that of the certificate it is about; `sources` how complete the list of permits is, in a
    sentence; `by_number` whether it was found by its number, so that no paper was checked."""

    headline: str
    look: Look
    word: str
    qualifier: str
    next: tuple[str, ...]
    title: str | None
    title_zh: str | None
    holder: str | None
    asked_at: str
    asked_iso: str
    answers: tuple[Answer, ...]
    why: tuple[Fact, ...]
    successor: str | None
    notes: tuple[str, ...]
    from_file: bool
    facts: tuple[Fact, ...]
    full_view: str | None
    signed: tuple[Fact, ...]
    masked: bool
    is_licence: bool
    licence: Line | None
    attention: tuple[Line, ...]
    fine: tuple[Line, ...]
    attention_counts: str
    pending: tuple[PartLine, ...]
    elsewhere: ElsewhereView | None
    checks: tuple[tuple[str, str, str, str], ...]
    details: tuple[tuple[str, str], ...]
    seals: tuple[tuple[Fact, ...], ...]
    as_of: AsOfView | None
    listing: Listing | None
    sources: str | None
    code: str | None
    by_number: bool


def result_view(
    report: Report, language: Language, claims: Claims | None = None, *, show: str = ALL, address: str = ""
) -> ResultView:
    """Everything a result page shows; `claims` are those of a token whose signature the report found sound. `show` says
    which permits to list, `address` is that of the page with an open query."""
    headline = headline_of(report)
    words = language.words["verdict"][headline]
    main, as_of = report.certificate, as_of_view(report, headline, language)
    return ResultView(
        headline=headline,
        look=as_of.look if as_of else LOOKS[headline],
        word=as_of.word if as_of else words["word"],
        qualifier=words["qualifier"],
        next=(language.words["as_of"]["next"],) if as_of else tuple(words["next"]),
        title=language.pick(main.title_zh, main.title_en) if main else None,
        title_zh=language.beside(main.title_zh, language.pick(main.title_zh, main.title_en)) if main else None,
        holder=main.certificate.holder_name if main else claims.holder_name if claims else _owners(report, language),
        asked_at=language.moment(report.asked_at),
        asked_iso=report.asked_at.isoformat(timespec="seconds"),
        answers=three_answers(report, headline, language),
        why=_why(main, language) if main else (),
        successor=_successor(main),
        notes=notes(main, language, moment_of(report)) if main and report.verdict is Verdict.VALID else (),
        from_file=report.source == "file",
        facts=_facts(main, language) if main else (),
        full_view=main.certificate.ref.typed_code if main and main.full_view and report.as_of is None else None,
        signed=_signed(claims, language) if claims and not main else (),
        masked=main is not None and any("*" in field.value for field in main.fields),
        is_licence=main is not None and main.certificate.category is Category.LICENCE,
        licence=_line(report.licence, language, report) if report.licence else None,
        pending=tuple(part_line(part, language) for part in report.pending),
        elsewhere=elsewhere_view(report.elsewhere, language, report.asked_at),
        checks=tuple(_check_rows(report, language)),
        details=_details(main, language) if main else (),
        seals=tuple(_seals(report.sealed, language)) if report.sealed else (),
        as_of=as_of,
        code=main.certificate.ref.typed_code if main else None,
        by_number=report.source == "number",
        **_permits(report, language, show, address),
    )


def _permits(report: Report, language: Language, show: str, address: str) -> dict[str, Any]:
    """What a page says of the permits: each, which of them are listed, and how complete that is."""
    lines = [_line(permit, language, report) for permit in report.permits]
    attention = tuple(line for line in lines if not line.fine)
    fine, counts = tuple(line for line in lines if line.fine), _counted(attention, language)
    return {
        "attention": attention,
        "fine": fine,
        "attention_counts": counts,
        "listing": listing(language.words["gathered"], show, len(fine), len(attention), counts, address),
        "sources": sources_sentence(report.elsewhere, language, report.asked_at),
    }


def _facts(report: CertificateReport, language: Language) -> tuple[Fact, ...]:
    """The face, in its order; number, issuer and code are printed too."""
    certificate, label = report.certificate, language.words["result"]
    facts = [face_fact(language.pick(field.zh, field.en), field.zh, field.value, language) for field in report.fields]
    if all(field.value != certificate.number for field in report.fields):
        facts.insert(0, face_fact(label["number"], "编号", certificate.number, language))
    facts.append(face_fact(label["issuer"], "颁发机构", certificate.issuer.name, language))
    return (*facts, _code_fact(label["code"], certificate.ref.typed_code, language))


def _owners(report: Report, language: Language) -> str | None:
    """Whose document it is: the owners of its seals, for a document that is on record."""
    if report.verdict is not Verdict.DEPARTMENT_DOCUMENT or report.sealed is None or report.sealed.record is None:
        return None
    owners = dict.fromkeys(seal.owner for seal in report.sealed.record.seals)
    return str(language.words["elsewhere"]["list_separator"]).join(owners)


def _seals(sealed: SealedReport, language: Language) -> Iterator[tuple[Fact, ...]]:
    """The seals on record, in their order: whose, which, and when each was put on."""
    label = language.words["seals"]
    for seal, at in sealed.seals:
        named = f"{seal.owner} {seal.purpose} ({seal.id})" if seal.purpose else f"{seal.owner} ({seal.id})"
        when = language.moment(at) + language.words["site"]["beijing"] if at else label["unknown"]
        yield (
            face_fact(label["owner"], "盖章单位", seal.owner, language),
            face_fact(label["uscc"], "统一社会信用代码", seal.owner_uscc, language),
            face_fact(label["seal"], "印章", named, language),
            Fact(label=label["at"], label_zh=language.beside("盖章时间"), value=when),
        )


def _signed(claims: Claims, language: Language) -> tuple[Fact, ...]:
    label = language.words["result"]
    facts = []
    if claims.holder_name:
        facts.append(face_fact(label["holder"], "持证主体", claims.holder_name, language))
    if claims.subject:
        facts.append(face_fact(label["uscc"], "统一社会信用代码", claims.subject, language))
    if claims.expires_at:
        last = beijing_date(claims.expires_at) - timedelta(days=1)
        facts.append(face_fact(label["until"], "有效期至", language.day(last), language))
    return (*facts, _code_fact(label["code"], claims.ref.typed_code, language))


def face_fact(label: str, label_zh: str, value: str, language: Language) -> Fact:
    """A field of the face: its label, what that is on the paper, and its value."""
    groups = in_groups(value)
    wide = bool(groups) or len(value) > LONG_TEXT
    return Fact(label=label, label_zh=language.beside(label_zh, label), value=value, groups=groups, wide=wide)


def _code_fact(label: str, typed_code: str, language: Language) -> Fact:
    zh = language.beside("查验码", label)
    return Fact(label=label, label_zh=zh, value=typed_code, groups=(typed_code,), wide=True)


def in_groups(value: str) -> tuple[str, ...]:
    """A long code in groups of four; nothing for what is not a code."""
    return tuple(re.findall(".{1,4}", value)) if CODE.fullmatch(value) else ()


def _line(report: CertificateReport, language: Language, whole: Report) -> Line:
    certificate, headline, as_of = report.certificate, certificate_headline(report), whole.as_of
    fine, stale = report.verdict is Verdict.VALID, headline == "stale"
    age = language.age(certificate.status_age_s, whole.asked_at)
    if as_of is not None and as_of.known_at is not None:
        age = language.moment(as_of.known_at)
    return Line(
        title=language.pick(report.title_zh, report.title_en),
        title_zh=language.beside(report.title_zh, language.pick(report.title_zh, report.title_en)),
        tag=_tag(headline, language),
        look=LOOKS[headline],
        fine=fine,
        href=f"/C/{certificate.ref.typed_code}",
        number=certificate.number,
        groups=in_groups(certificate.number),
        holder=certificate.holder_name,
        issuer=certificate.issuer.name,
        term=_term(certificate.term, certificate.category, language),
        term_matters=headline in ("expired", "not_yet"),
        age=language.words["result"]["stale"].format(age=age) if stale else age,
        stale=stale,
        notes=notes(report, language, moment_of(whole)),
        why=() if fine else _why(report, language),
    )


def _tag(headline: str, language: Language) -> str:
    words: Mapping[str, Any] = language.words
    if headline in words["status"] and headline != "unknown":
        return str(words["status"][headline])
    if headline in ("expired", "not_yet"):
        return str(words["term"]["over" if headline == "expired" else "not_yet"]["word"])
    return str(words["verdict"][headline]["word"])


def _term(term: Term, category: Category, language: Language) -> str:
    words = language.words["result"]
    no_end = words["no_end_licence"] if category is Category.LICENCE else words["no_end"]
    return f"{term.start.isoformat()} {words['to']} {term.end.isoformat()}" if term.end else str(no_end)


def _why(report: CertificateReport, language: Language) -> tuple[Fact, ...]:
    return tuple(Fact(label=label, label_zh=None, value=value) for label, value in reasons(report, language))


def _successor(report: CertificateReport | None) -> str | None:
    successor = report.certificate.successor if report else None
    return f"/C/{successor.typed_code}" if successor else None


def _counted(lines: Iterable[Line], language: Language) -> str:
    """2 件已过期，1 件无法判定"""
    words = language.words["result"]
    english = language.code == "en"
    counts = Counter(line.tag.lower() if english else line.tag for line in lines)
    return str(words["list_separator"]).join(
        words["counted"].format(n=count, word=word) for word, count in counts.items()
    )


def _check_rows(report: Report, language: Language) -> Iterable[tuple[str, str, str, str]]:
    for check in report.checks:
        outcome = check.outcome.value
        reason = language.reason(check.kind, outcome, check.reason)
        yield outcome, language.check_name(check.kind), language.words["outcome"][outcome], reason


def _details(report: CertificateReport, language: Language) -> tuple[tuple[str, str], ...]:
    certificate, words = report.certificate, language.words["result"]
    return (
        (words["identifier"], certificate.identifier),
        (words["version"], str(certificate.version)),
        (words["issued_at"], language.moment(certificate.issued_at) + language.words["site"]["beijing"]),
    )
