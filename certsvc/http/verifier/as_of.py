"""A day asked about, as a page shows it: first that this is not today, then what else is to be known of that day."""

from dataclasses import dataclass
from datetime import datetime, time

from certsvc.domain.calendar import BEIJING
from certsvc.http.language import Language
from certsvc.http.verifier.headline import LOOKS, Look, certificate_headline
from certsvc.verify.report import AsOf, Report, Verdict

NOON = time(12)


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOfView:
    """What stands above such a page. `word` and `look` are those of the verdict on that day, in no colour that says
    valid; `differs` what the register said then, with the link to it; `query` asks about the same day elsewhere."""

    day: str
    word: str
    look: Look
    banner: str
    notes: tuple[str, ...]
    sheet: str | None
    sheet_href: str | None
    differs: str | None
    differs_href: str | None
    today_href: str
    query: str


def as_of_view(report: Report, headline: str, language: Language) -> AsOfView | None:
    """What a page says of the day it is about; None for today."""
    as_of, main = report.as_of, report.certificate
    if as_of is None or main is None:
        return None
    words, code = language.words["as_of"], main.certificate.ref.typed_code
    day = language.day(as_of.day)
    return AsOfView(
        day=day,
        word=words[report.verdict.value],
        look=Look(LOOKS[headline].icon, _block(report.verdict, headline), LOOKS[headline].tag),
        banner=_banner(as_of, day, language),
        notes=_notes(as_of, day, language),
        sheet=words["sheet"].format(day=day) if as_of.sheet else None,
        sheet_href=f"/C/{as_of.sheet.typed_code}?{_query(as_of)}" if as_of.sheet else None,
        differs=_differs(as_of, day, language),
        differs_href=f"/C/{code}?{_query(as_of, as_of.then_at)}" if as_of.then_at else None,
        today_href=f"/C/{code}",
        query=_query(as_of),
    )


def moment_of(report: Report) -> datetime:
    """The moment by which days are counted on the page: noon of the day asked about, or now."""
    return datetime.combine(report.as_of.day, NOON, BEIJING) if report.as_of else report.asked_at


def _block(verdict: Verdict, headline: str) -> str:
    """Valid on some day is never shown in the colour of valid now."""
    return "page" if verdict is Verdict.VALID else LOOKS[headline].block


def _banner(as_of: AsOf, day: str, language: Language) -> str:
    words = language.words["as_of"]
    if as_of.is_to_come and as_of.known_at is None:
        return str(words["banner_future"]).format(day=day)
    if as_of.known_at is not None:
        return str(words["banner_known"]).format(day=day, at=language.moment(as_of.known_at))
    return str(words["banner"]).format(day=day)


def _notes(as_of: AsOf, day: str, language: Language) -> tuple[str, ...]:
    words = language.words["as_of"]
    later = words["later"].format(n=as_of.issued_later, day=day) if as_of.issued_later else None
    return tuple(said for said in (later, words["elsewhere"]) if said)


def _differs(as_of: AsOf, day: str, language: Language) -> str | None:
    words = language.words["as_of"]
    if as_of.then_at is None:
        return None
    if as_of.then is None:
        return str(words["differs_none"]).format(day=day) + str(words["differs_why"])
    state = _state(certificate_headline(as_of.then), language)
    return str(words["differs"]).format(day=day, state=state) + str(words["differs_why"])


def _state(headline: str, language: Language) -> str:
    """A state in a word; the term is one where it says why."""
    if headline in ("expired", "not_yet"):
        return str(language.words["term"]["over" if headline == "expired" else "not_yet"]["word"])
    status: dict[str, str] = language.words["status"]
    return status.get(headline) or str(language.words["verdict"][headline]["word"])


def _query(as_of: AsOf, known_at: datetime | None = None) -> str:
    known = known_at or as_of.known_at
    said = f"&known_at={known.isoformat(timespec='seconds').replace('+00:00', 'Z')}" if known else ""
    return f"as_of={as_of.day.isoformat()}{said}"
