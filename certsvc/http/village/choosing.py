"""`…/new`: which proof somebody at the counter needs, whether it is given out, and where to go for the rest.

A clerk reads a refusal out, prints the notice, and puts it on record: the matter and the words, and nobody's name.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from certsvc.domain.calendar import beijing_date
from certsvc.domain.organ import OrganDuty
from certsvc.domain.proof_acts import ProofAct
from certsvc.domain.proof_answer import read_out
from certsvc.domain.proof_catalogue import Held
from certsvc.domain.proof_item import Answer, Discretionary, Forbidden, Kept, Unknown
from certsvc.domain.proof_request import require_member
from certsvc.errors import InvalidInput, NotFound, ProofRefused
from certsvc.http.language import Language
from certsvc.http.routes import Asked, route
from certsvc.http.village.apply import LONGEST_WORDS
from certsvc.http.village.console import AT, At, Console
from certsvc.http.village.session import back_route
from certsvc.http.village.sheet import HANDLER
from certsvc.http.village.typed import new_key, typed_key
from certsvc.issuance.village.drafts import WORKING_DAYS, Opening, open_at_counter, usual_due
from certsvc.issuance.village.entering import form_of
from certsvc.issuance.village.refusing import record_refusal
from certsvc.issuance.village.work import Said

LONGEST = timedelta(days=366)
"""The latest that may be said."""

KINDS = {Kept: "kept", Forbidden: "forbidden", Discretionary: "discretionary", Unknown: "unknown"}


def choosing_routes(console: Console) -> list[HTTPRouteHandler]:
    """`…/new` and `…/new/{type}`."""
    pages = _Choosing(console)
    return [
        route(f"{AT}/new", "village_new", pages.choose),
        route(f"{AT}/new", "village_refuse", pages.refuse, "POST"),
        route(f"{AT}/new/{{type_id:str}}", "village_begin", pages.begin, "POST"),
        back_route(f"{AT}/new/{{type_id:str}}", "village_begin_back", f"{AT}/new"),
    ]


class _Choosing:
    """Time is taken once per request."""

    def __init__(self, console: Console) -> None:
        self._console, self._work = console, console.work

    async def choose(self, request: Asked, organ: FromPath[str]) -> Response[bytes]:
        """The list; with `item` or `name` what is said of that proof."""
        now = datetime.now(UTC)
        at = await self._console.at(request, organ, now)
        require_member(at.member, ProofAct.OPEN)
        held = self._held(at, now)
        words = request.query_params.get("name", "").strip()[:LONGEST_WORDS]
        item = request.query_params.get("item", "")
        answer: Answer | None = held.asked(words) if words else None
        if item:
            answer = held.items.get(item)
            if answer is None:
                raise NotFound(f"目录里没有事项 {item[:60]}。", f"No catalogue here has {item[:60]}.")
        return self._shown(request, at, held, answer, words, now)

    async def refuse(self, request: Asked, organ: FromPath[str]) -> Redirect:
        """Put on record that it is not given out, and that who asked was told where to go."""
        now = datetime.now(UTC)
        at, fields = await self._console.form_at(request, organ, now)
        item, asked = fields.get("item") or None, fields.get("asked", "")[:LONGEST_WORDS]
        key = typed_key(fields)
        done = await record_refusal(self._work, self._console.villages.refusals, at.member, item, asked, key, now)
        return self._console.go(request, at, f"/new?recorded=1{f'&item={done.item}' if done.item else ''}")

    async def begin(self, request: Asked, organ: FromPath[str], type_id: FromPath[str]) -> Response[Any]:
        """Open a request at the counter, and go to its form; of what is not given out, the page that says so."""
        now = datetime.now(UTC)
        at, fields = await self._console.form_at(request, organ, now)
        require_member(at.member, ProofAct.OPEN)
        held, today = self._held(at, now), beijing_date(now)
        item = held.items.get(type_id)
        if not isinstance(item, Kept):
            words = "" if item else type_id[:LONGEST_WORDS]
            return self._shown(request, at, held, item or held.asked(words), words, now, ProofRefused.status)
        form = form_of(self._work, type_id)
        payload = form.at_first(today) | ({HANDLER: at.member.name} if form.field(HANDLER) else {})
        asked = Opening(
            key=typed_key(fields),
            type_id=type_id,
            said=Said(payload=payload),
            due=_due(fields.get("due", ""), today),
        )
        opened = await open_at_counter(self._work, at.member, asked, now)
        return self._console.go(request, at, f"/requests/{opened.request.id}/form")

    def _held(self, at: At, now: datetime) -> Held:
        return self._work.proofs.held(at.member.organ.area, beijing_date(now))

    def _shown(
        self, request: Asked, at: At, held: Held, answer: Answer | None, words: str, now: datetime, status: int = 200
    ) -> Response[bytes]:
        language = self._console.pages.language(request)
        return self._console.page(
            request,
            at,
            "village_new.html",
            status,
            here="new",
            held=held,
            item=answer,
            kind=KINDS[type(answer)] if answer else "",
            said=read_out(answer) if answer else None,
            words=words,
            recorded="recorded" in request.query_params,
            may_record=at.member.has(OrganDuty.CLERK),
            due=usual_due(beijing_date(now)).isoformat(),
            days=WORKING_DAYS,
            key=new_key(),
            **_saying(language),
        )


def _saying(language: Language) -> dict[str, Any]:
    """What puts texts of a catalogue into the language of the page."""
    return {
        "say": lambda said: language.pick(said.zh, said.en),
        "beside": lambda said: language.beside(said.zh, language.pick(said.zh, said.en)),
    }


def _due(text: str, today: date) -> date | None:
    """The last day, as a browser writes it; none where nothing is typed.

    Raises:
        InvalidInput: it is no date, past, or more than a year away.
    """
    if not text:
        return None
    try:
        due = date.fromisoformat(text)
    except ValueError:
        due = date.min
    if not today <= due <= today + LONGEST:
        raise InvalidInput(
            "办结期限应为今天或以后的日期，最迟一年内。请返回修改。",
            "The day it is due is today or later, and within a year: go back and change it.",
        )
    return due
