"""The page of a proof in full: every field of its face, and who saw it before."""

from dataclasses import dataclass

from certsvc.http.language import Language
from certsvc.http.verifier.view import Fact, face_fact
from certsvc.issuance.full_view import Opened
from certsvc.verify.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenBefore:
    """An earlier view, as it is said: when, by whom, what for."""

    at: str
    office: str
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FullView:
    """The face without masks, the views before this one, and what to say of tries that opened nothing."""

    facts: tuple[Fact, ...]
    views: tuple[SeenBefore, ...]
    failed: str | None


def full_view(report: Report, opened: Opened, language: Language) -> FullView:
    """Everything that the page shows beside the verdict."""
    words, label = language.words["full_view"], language.words["result"]
    rows = opened.kind.rows(opened.payload)
    facts = [face_fact(language.pick(field.zh, field.en), field.zh, text, language) for field, text in rows]
    if report.certificate is not None:
        certificate = report.certificate.certificate
        facts.insert(0, face_fact(label["number"], "编号", certificate.number, language))
        facts.append(face_fact(label["issuer"], "颁发机构", certificate.issuer.name, language))
    seen = [SeenBefore(at=language.moment(view.at), office=view.office, purpose=view.purpose) for view in opened.views]
    failed = words["failed"].format(n=opened.failed) if opened.failed else None
    return FullView(facts=tuple(facts), views=tuple(seen), failed=failed)
