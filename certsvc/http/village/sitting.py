"""A sitting: what waits for an approver, one after another, each seen and marked, and one confirmation for all of it.

The marks lie in the register, under the account of who is signed in and the version that was shown: nobody marks for
another, a line that drops loses none, and what was changed has none. The text that is confirmed comes back with the
form, so that what is done is what was read, whatever is marked meanwhile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from certsvc.domain.approval import ApprovalState
from certsvc.domain.proof_acts import PROOF_ACTS, ProofAct, ProofState
from certsvc.domain.proof_request import ProofRequest, require_member
from certsvc.domain.sitting import Agreed, Became, Waiting, agreeing_to, digest_of_said, parse_said, said_of
from certsvc.errors import CertsvcError, InvalidInput, NotFound, SignInRefused
from certsvc.http.language import Language
from certsvc.http.negotiation import wants_page
from certsvc.http.routes import Asked, route
from certsvc.http.village.console import AT, At, Console
from certsvc.http.village.deciding import (
    MOST_OPINION,
    Refused,
    given_before,
    said_of_refused,
    send_back,
    shown_to_approver,
)
from certsvc.http.village.inbox import wait_words
from certsvc.http.village.session import in_language
from certsvc.http.village.typed import new_key, typed_key, typed_version
from certsvc.issuance.village.authorising import waiting_for
from certsvc.issuance.village.reading import view
from certsvc.issuance.village.sitting import agree, mark, require_sitting, waiting
from certsvc.issuance.village.work import kind_of, visible

SITTING = f"{AT}/sitting"


@dataclass(frozen=True, slots=True)
class Row:
    """One request in the list: `state` is unseen, seen or agreed."""

    one: Agreed
    title: str
    title_zh: str | None
    shown: str
    handler: str
    due: str
    state: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one request: `next` is what happens to it now, or why it was left out."""

    one: Agreed
    title: str
    title_zh: str | None
    shown: str
    is_done: bool
    state: str
    next: str


def sitting_routes(console: Console) -> list[HTTPRouteHandler]:
    """`…/sitting`."""
    pages = _Sitting(console)
    return [
        route(SITTING, "village_sitting", pages.shown),
        route(SITTING, "village_sitting_act", pages.acted, "POST"),
    ]


class _Sitting:
    """Time is taken once per request."""

    def __init__(self, console: Console) -> None:
        self._console, self._work = console, console.work

    async def shown(self, request: Asked, organ: FromPath[str]) -> Response[Any]:
        """The list; or one request of it (`open`); or what came of a confirmation (`done`)."""
        now, query = datetime.now(UTC), request.query_params
        at = await self._console.at(request, organ, now)
        if confirmation := query.get("done", ""):
            return await self._done(request, at, confirmation)
        if opened := query.get("open", ""):
            return await self._one(request, at, opened, now)
        return await self._list(request, at, now)

    async def acted(self, request: Asked, organ: FromPath[str]) -> Response[Any]:
        """A mark, a request sent back, or the confirmation of all that is marked."""
        now = datetime.now(UTC)
        at, fields = await self._console.form_at(request, organ, now, most=MOST_OPINION)
        try:
            return await self._acted(request, at, fields, now)
        except CertsvcError as error:
            if error.status >= 500 or isinstance(error, NotFound) or not wants_page(request):
                raise
            refused = Refused(error, fields)
            if fields.get("do") in ("mark", "return"):
                return await self._one(request, at, fields.get("id", ""), now, refused)
            return await self._list(request, at, now, refused)

    # ---- writing ----

    async def _acted(self, request: Asked, at: At, fields: Mapping[str, str], now: datetime) -> Redirect:
        if fields.get("do") == "confirm":
            return self._console.go(request, at, f"/sitting?done={await self._confirmed(request, at, fields, now)}")
        found = await visible(self._work, at.member, fields.get("id", ""))
        one = Agreed(found.id, typed_version(fields), agreeing_to(found))
        if fields.get("do") == "unmark":
            await mark(self._work, at.member, one, None)
            return self._console.go(request, at, "/sitting")
        if fields.get("do") == "return":
            await send_back(self._console, at, found, fields, now)
        elif fields.get("do") == "mark":
            await mark(self._work, at.member, one, now)
        else:
            raise InvalidInput("请选择意见。", "Choose an opinion.")
        following = _following(await waiting(self._work, at.member), found.id)
        return self._console.go(request, at, f"/sitting?open={following}" if following else "/sitting#confirm")

    async def _confirmed(self, request: Asked, at: At, fields: Mapping[str, str], now: datetime) -> str:
        """All that is confirmed is done; the confirmation, also where it was done before."""
        key, agreed = typed_key(fields), parse_said(fields.get("what", ""))
        require_member(at.member, ProofAct.APPROVE)
        if known := await given_before(self._console, at, key):
            return known
        await require_sitting(self._work, at.member, agreed, now)
        try:
            sure = await self._console.sessions.confirm(request, at.signed, digest_of_said(agreed), fields, now)
        except SignInRefused:
            if known := await given_before(self._console, at, key):
                return known
            raise
        await agree(self._work, at.member, agreed, sure, key, now)
        return sure.id

    # ---- showing ----

    async def _list(self, request: Asked, at: At, now: datetime, refused: Refused | None = None) -> Response[bytes]:
        language = self._console.pages.language(request)
        found = await waiting(self._work, at.member)
        agreed = [each.agreed for each in found if each.agreed_at is not None]
        rows = [self._row(each, language) for each in found]
        return self._console.page(
            request,
            at,
            "village_sitting.html",
            refused.error.status if refused else 200,
            here="inbox",
            rows=rows,
            agreed=[row for row in rows if row.state == "agreed"],
            first=_following(found, ""),
            what=said_of(agreed) if agreed else "",
            digest=digest_of_said(agreed).hex() if agreed else "",
            key=new_key(),
            said=language.pick(refused.error.zh, refused.error.en) if refused else "",
        )

    async def _one(
        self, request: Asked, at: At, request_id: str, now: datetime, refused: Refused | None = None
    ) -> Response[Any]:
        """A request that waits; what does not is shown on its own page, which says what became of it."""
        language = self._console.pages.language(request)
        found = await waiting(self._work, at.member)
        places = [each.request.id for each in found]
        if refused is None and request_id not in places:
            gone = await visible(self._work, at.member, request_id)
            return self._console.go(request, at, f"/requests/{gone.id}")
        opened = await view(self._work, at.member, request_id, now)
        return self._console.page(
            request,
            at,
            "village_sitting_one.html",
            refused.error.status if refused else 200,
            here="inbox",
            place=places.index(request_id) + 1 if request_id in places else 0,
            of=len(places),
            following=_after(found, request_id),
            **await shown_to_approver(self._console, at, opened, language, now),
            **said_of_refused(refused, opened, language),
        )

    async def _done(self, request: Asked, at: At, confirmation: str) -> Response[bytes]:
        language = self._console.pages.language(request)
        became = await self._work.requests.became(at.signed.account, confirmation=confirmation[:64])
        if became is None:
            raise NotFound("没有这次确认。", "There is no such confirmation.")
        rows = []
        for each in became[1]:
            found = await visible(self._work, at.member, each.agreed.request_id)
            rows.append(await self._outcome(each, found, language))
        left = await waiting(self._work, at.member)
        return self._console.page(
            request,
            at,
            "village_sitting_done.html",
            here="inbox",
            rows=rows,
            done=sum(row.is_done for row in rows),
            goes_on=_goes_on(rows),
            here_again=in_language(request, at.address(f"/sitting?done={became[0]}")),
            left=len(left),
        )

    def _row(self, each: Waiting, language: Language) -> Row:
        request = each.request
        title, title_zh = self._title(request.type_id, language)
        return Row(
            one=each.agreed,
            title=title,
            title_zh=title_zh,
            shown=request.shown or "",
            handler=request.handler_name or "",
            due=language.day(request.due) if request.due else "",
            state="agreed" if each.agreed_at else "seen" if each.is_seen else "unseen",
        )

    async def _outcome(self, each: Became, found: ProofRequest, language: Language) -> Outcome:
        title, title_zh = self._title(each.type_id, language)
        state, said = await self._now(found, each, language) if each.is_done else ("", _meanwhile(each, language))
        return Outcome(each.agreed, title, title_zh, each.shown or "", each.is_done, state, said)

    async def _now(self, found: ProofRequest, each: Became, language: Language) -> tuple[str, str]:
        """How far it is since, in a word and in a sentence."""
        words = language.words["approve"]["after"]
        if each.agreed.act is ProofAct.CONFIRM_CANCEL:
            state = "cancelled" if found.state is ProofState.CANCELLED else "cancelling"
            return state, words[state]
        if found.outcome is ApprovalState.FAILED:
            return "failed", words["failed"]
        if found.state is not ProofState.APPROVED:
            return "sealed", words["sealed"]
        wait = await waiting_for(self._console.villages.waits, found.approval_id or "")
        if wait is None:
            return "sealing", words["sealing"]
        return "waits", words["waits"].format(why=wait_words(language, wait))

    def _title(self, type_id: str, language: Language) -> tuple[str, str | None]:
        kind = kind_of(self._work, type_id)
        return language.titled(kind.zh, kind.en)


def _meanwhile(each: Became, language: Language) -> str:
    """Why a request was left out: what somebody did before."""
    words = language.words["approve"]
    if each.act is None or each.person is None or each.at is None:
        return str(words["left_out"])
    rule = PROOF_ACTS[each.act]
    said = words["left_out_since"]
    return str(said.format(person=each.person, act=language.pick(rule.zh, rule.en), at=language.moment(each.at)))


def _goes_on(rows: Sequence[Outcome]) -> str:
    """The states of what goes on by itself, in one word for the page's script; "" where nothing does."""
    states = [row.state for row in rows]
    return "-".join(states) if {"sealing", "cancelling"} & {*states} else ""


def _following(found: Sequence[Waiting], request_id: str) -> str:
    """The next after this one that has no mark, beginning anew at the end; "" where all have one."""
    places = [each.request.id for each in found]
    at = places.index(request_id) + 1 if request_id in places else 0
    for each in [*found[at:], *found[:at]]:
        if each.agreed_at is None and each.request.id != request_id:
            return each.request.id
    return ""


def _after(found: Sequence[Waiting], request_id: str) -> str:
    """The next after this one that has no mark; "" at the end, so that who leaves all for later gets there."""
    places = [each.request.id for each in found]
    at = places.index(request_id) + 1 if request_id in places else len(places)
    return next((each.request.id for each in found[at:] if each.agreed_at is None), "")
