"""The inbox of an organ: what waits for who asks, what others have in hand, what has ended; late ones first."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NoReturn
from urllib.parse import quote

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from certsvc.domain.calendar import beijing_date
from certsvc.domain.organ import OrganDuty
from certsvc.domain.proof_acts import ProofState
from certsvc.domain.proof_life import ProofLife
from certsvc.domain.proof_request import ProofRequest
from certsvc.domain.seal_authorisation import SealWait
from certsvc.errors import CertsvcError, InvalidInput, NotFound
from certsvc.http.language import Language
from certsvc.http.negotiation import wants_page
from certsvc.http.routes import Asked, route
from certsvc.http.village.console import AT, At, Console
from certsvc.http.village.lives import life_said
from certsvc.http.village.session import back_route
from certsvc.http.village.showing import minute
from certsvc.issuance.village.authorising import waiting_for
from certsvc.issuance.village.lives import WAS_SEALED
from certsvc.issuance.village.reading import EndedPage, Page, ended, inbox
from certsvc.issuance.village.reading import find as find_request
from certsvc.issuance.village.work import kind_of

A_PAGE, LONGEST_SOUGHT = 20, 100
AFTER = re.compile(r"(\d{4}-\d\d-\d\d)~(v-[a-z2-7]{20})", re.ASCII)
BEFORE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})~(v-[a-z2-7]{20})", re.ASCII)
BY_ITSELF = frozenset(
    {
        "out_of_hours",
        "quota_used_up",
        "authorisation_not_begun",
        "authorisation_used_up_today",
        "timestamp_unavailable",
        "revocation_data_stale",
    }
)
"""Reasons to wait that pass without anybody; the others need somebody."""


@dataclass(frozen=True, slots=True)
class Line:
    """One request in a list: `look` and `icon` go with the word of its `tag`; `wait` says why it is not sealed."""

    href: str
    title: str
    title_zh: str | None
    shown: str
    handler: str
    tag: str
    look: str
    icon: str
    opened: str
    due: str
    is_late: bool
    wait: str = ""
    needs_somebody: bool = False


def inbox_routes(console: Console) -> list[HTTPRouteHandler]:
    """`/village/at/{organ}`, and `…/find`: a code comes in no address, so what is looked for is sent."""
    pages = _Inbox(console)
    return [
        route(AT, "village_inbox", pages.shown),
        route(f"{AT}/find", "village_find", pages.find, "POST"),
        back_route(f"{AT}/find", "village_find_back", AT),
    ]


class _Inbox:
    """Time is taken once per request."""

    def __init__(self, console: Console) -> None:
        self._console = console

    async def shown(self, request: Asked, organ: FromPath[str]) -> Response[bytes]:
        """What waits."""
        now = datetime.now(UTC)
        return await self._listed(request, await self._console.at(request, organ, now), now)

    async def find(self, request: Asked, organ: FromPath[str]) -> Response[Any]:
        """To the request with a code or a number; or the inbox again, with what was typed."""
        now = datetime.now(UTC)
        at, fields = await self._console.form_at(request, organ, now)
        typed = fields.get("sought", "")[:LONGEST_SOUGHT]
        try:
            found = await find_request(self._console.work, at.member, typed)
        except (NotFound, InvalidInput) as error:
            if not wants_page(request):
                raise
            return await self._listed(request, at, now, typed, error)
        return self._console.go(request, at, f"/requests/{found.id}")

    async def _listed(
        self, request: Asked, at: At, now: datetime, sought: str = "", error: CertsvcError | None = None
    ) -> Response[bytes]:
        language = self._console.pages.language(request)
        who = at.member
        query = request.query_params
        mine = await inbox(self._console.work, who, mine=True, after=_after(query.get("mine")), limit=A_PAGE)
        others = await inbox(self._console.work, who, mine=False, after=_after(query.get("others")), limit=A_PAGE)
        done = await ended(self._console.work, who, before=_before(query.get("ended")), limit=A_PAGE)
        lives = await self._console.work.requests.lives([each.id for each in done.items], beijing_date(now))
        lister = _Lister(self._console, at, language, now, lives)
        wishes: Sequence[ProofRequest] = ()
        if who.has(OrganDuty.APPROVER):
            wishes = await self._console.work.requests.cancelling(who, A_PAGE)
        return self._console.page(
            request,
            at,
            "village_inbox.html",
            error.status if error else 200,
            here="inbox",
            mine=[await lister.line(each) for each in mine.items],
            theirs=[await lister.line(each) for each in others.items],
            ended=[await lister.line(each) for each in done.items],
            wishes=[await lister.line(each) for each in wishes],
            more=_more(at, query.get("lang"), mine, others, done),
            late=sum(each.is_late(beijing_date(now)) for each in mine.items),
            sought=sought,
            not_found=language.pick(error.zh, error.en) if error else "",
            most_sought=LONGEST_SOUGHT,
            is_clerk=who.has(OrganDuty.CLERK),
            to_approve=sum(each.state is ProofState.SUBMITTED for each in mine.items),
        )


class _Lister:
    """Puts requests into words, at one time in one language."""

    def __init__(
        self, console: Console, at: At, language: Language, now: datetime, lives: Mapping[str, ProofLife]
    ) -> None:
        self._console, self._at, self._language, self._lives = console, at, language, lives
        self._words, self._today = language.words["desk"], beijing_date(now)

    async def line(self, request: ProofRequest) -> Line:
        """One request in a list."""
        kind = kind_of(self._console.work, request.type_id)
        title, title_zh = self._language.titled(kind.zh, kind.en)
        tag, look, icon = self._tag(request)
        wait = await self._wait(request)
        return Line(
            href=self._at.address(f"/requests/{request.id}"),
            title=title,
            title_zh=title_zh,
            shown=request.shown or self._words["no_name"],
            handler=request.handler_name or self._words["nobody_yet"],
            tag=tag,
            look=look,
            icon=icon,
            opened=minute(self._language, request.opened_at),
            due=self._due(request),
            is_late=request.is_late(self._today),
            wait=wait_words(self._language, wait) if wait else "",
            needs_somebody=wait is not None and wait.reason not in BY_ITSELF,
        )

    def _tag(self, request: ProofRequest) -> tuple[str, str, str]:
        tags = self._words["tags"]
        if request.could_not_be_sealed:
            return tags["failed"], "bad", "stop"
        if request.is_late(self._today):
            return tags["late"].format(n=_days_late(request, self._today)), "bad", "clock"
        if request.due == self._today and request.turn is not None:
            return tags["today"], "hold", "clock"
        life = life_said(self._lives.get(request.id), self._language) if request.state in WAS_SEALED else None
        if life is not None:
            return life.word, life.look, life.icon
        look, icon = STATE_LOOKS[request.state]
        return tags[request.state], look, icon

    def _due(self, request: ProofRequest) -> str:
        """The last day; beside it the state, where the tag says something else of what is still open."""
        day = self._language.day(request.due) if request.due else self._words["no_due"]
        hidden = request.turn is not None and request.due is not None and request.due <= self._today
        return f"{self._words['states'][request.state]}{self._words['comma']}{day}" if hidden else day

    async def _wait(self, request: ProofRequest) -> SealWait | None:
        if request.state is not ProofState.APPROVED or request.approval_id is None:
            return None
        return await waiting_for(self._console.villages.waits, request.approval_id)


STATE_LOOKS = {
    ProofState.DRAFT: ("old", "info"),
    ProofState.SUBMITTED: ("page", "clock"),
    ProofState.RETURNED: ("hold", "info"),
    ProofState.APPROVED: ("page", "clock"),
    ProofState.SEALED: ("ok", "tick"),
    ProofState.WITHDRAWN: ("old", "closed"),
    ProofState.CANCELLED: ("bad", "stop"),
}
"""Colour and shape of a state; its word stands beside them."""


def wait_words(language: Language, wait: SealWait) -> str:
    """Why something waits for its seal, and whether anybody must act."""
    waits = language.words["desk"]["waits"]
    return str(waits.get(wait.reason, waits["other"]))


def _days_late(request: ProofRequest, today: date) -> int:
    return (today - request.due).days if request.due else 0


def _after(text: str | None) -> tuple[date, str] | None:
    found = _place(AFTER, text)
    return None if found is None else (found[0].date(), found[1])


def _before(text: str | None) -> tuple[datetime, str] | None:
    return _place(BEFORE, text)


def _place(form: re.Pattern[str], text: str | None) -> tuple[datetime, str] | None:
    """Where a list goes on, as its link says it; None for its beginning."""
    if text is None:
        return None
    found = form.fullmatch(text)
    try:
        return (datetime.fromisoformat(found[1]).replace(tzinfo=UTC), found[2]) if found else _malformed()
    except ValueError:
        return _malformed()


def _malformed() -> NoReturn:
    raise InvalidInput("页码不合格式，请回到待办第一页。", "The page asked for is malformed: go back to the first one.")


def _more(at: At, lang: str | None, mine: Page, others: Page, done: EndedPage) -> dict[str, str]:
    """Where each list goes on; nothing where it ends."""
    places = {name: f"{page.next[0].isoformat()}~{page.next[1]}" for name, page in _named(mine, others) if page.next}
    if done.next:
        moment = done.next[0].astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
        places["ended"] = f"{moment}~{done.next[1]}"
    kept = f"&lang={quote(lang)}" if lang else ""
    links = {name: f"{at.address()}?{name}={quote(place, safe='~:')}{kept}#{name}" for name, place in places.items()}
    return {"mine": "", "others": "", "ended": "", **links}


def _named(mine: Page, others: Page) -> tuple[tuple[str, Page], tuple[str, Page]]:
    return ("mine", mine), ("others", others)
