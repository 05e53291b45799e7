"""`…/requests/{id}/form`: a clerk fills in a draft. It is kept as it was written, saved by the button or by itself.

Nothing that was typed is lost: not to an error, not to somebody who saved meanwhile (both texts are shown), and not to
a session that ran out while typing: the answer then holds what was typed, and goes on after signing in elsewhere.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from certsvc.domain.calendar import BEIJING, beijing_date
from certsvc.domain.proof_acts import STATE_WORDS
from certsvc.errors import CertsvcError, ChangedMeanwhile, ForeignForm, KeyReused, NotSignedIn, Problem
from certsvc.http.form import read_form
from certsvc.http.negotiation import wants_page
from certsvc.http.routes import Asked, route
from certsvc.http.village.console import AT, At, Console
from certsvc.http.village.entry import MOST_ENTRY, changes_rows
from certsvc.http.village.keeping import kept_page
from certsvc.http.village.session import FORM_TOKEN
from certsvc.http.village.sheet import Sheet, read_sheet, sheet_errors, sheet_of, sheet_view
from certsvc.http.village.sign_in import json_answer
from certsvc.http.village.typed import new_key
from certsvc.issuance.village.drafts import save_draft
from certsvc.issuance.village.entering import AT_ONCE, Draft, draft_of, entry_problems
from certsvc.issuance.village.reading import WITH_CLERK

FILLING = f"{AT}/requests/{{request_id:str}}/form"


def filling_routes(console: Console) -> list[HTTPRouteHandler]:
    """`…/requests/{id}/form`."""
    pages = _Filling(console)
    return [
        route(FILLING, "village_form", pages.form),
        route(FILLING, "village_form_save", pages.save, "POST"),
    ]


class _Filling:
    """Time is taken once per request."""

    def __init__(self, console: Console) -> None:
        self._console, self._work = console, console.work

    async def form(self, request: Asked, organ: FromPath[str], request_id: FromPath[str]) -> Response[Any]:
        """The draft, to go on with; with `check` all that is missing or wrong."""
        now = datetime.now(UTC)
        at = await self._console.at(request, organ, now)
        draft = await draft_of(self._work, at.member, request_id, now)
        if draft.request.state not in WITH_CLERK:
            return self._console.go(request, at, f"/requests/{request_id}")
        checks = "check" in request.query_params
        said = "saved" if "saved" in request.query_params else ""
        return self._shown(request, at, draft, sheet_of(draft, at.member), now, checks=checks, said=said)

    async def save(self, request: Asked, organ: FromPath[str], request_id: FromPath[str]) -> Response[Any]:
        """Save it; for the page's script the answer is JSON, and so are errors."""
        now, sessions = datetime.now(UTC), self._console.sessions
        sessions.require_own(request)
        fields = await read_form(request, MOST_ENTRY)
        try:
            at = await self._console.at(request, organ, now)
        except NotSignedIn:
            if not wants_page(request):
                raise
            return kept_page(sessions, request, None, fields)
        draft = await draft_of(self._work, at.member, request_id, now)
        sheet = read_sheet(draft, fields, at.member)
        try:
            sessions.require_token(request, fields.get(FORM_TOKEN, ""))
        except ForeignForm:
            if not wants_page(request):
                raise
            return self._shown(request, at, draft, sheet, now, said="again", status=ForeignForm.status)
        if changes_rows(fields):
            return self._shown(request, at, draft, sheet, now, more=fields.get("more", ""))
        return await self._saved(request, at, draft, sheet, now)

    async def _saved(self, request: Asked, at: At, draft: Draft, sheet: Sheet, now: datetime) -> Response[Any]:
        try:
            said = sheet.said(draft)
            await save_draft(self._work, at.member, draft.request.id, said, sheet.seen, sheet.key, now)
        except CertsvcError as error:
            if not wants_page(request) or error.status >= 500:
                raise
            return self._refused(request, at, draft, sheet, error, now)
        if not wants_page(request):
            return json_answer(_saved_json(sheet, now))
        problems = sheet_errors(draft, sheet, self._problems(draft, said.payload, now))
        here = f"/requests/{draft.request.id}"
        if sheet.then != "check":
            return self._console.go(request, at, f"{here}/form?saved=1")
        return self._console.go(request, at, f"{here}/form?check=1" if problems else here)

    def _problems(self, draft: Draft, payload: Mapping[str, Any], now: datetime) -> list[Problem]:
        return entry_problems(self._work, draft.request.type_id, payload, beijing_date(now))

    def _refused(
        self, request: Asked, at: At, draft: Draft, sheet: Sheet, error: CertsvcError, now: datetime
    ) -> Response[Any]:
        """What was typed again, with why it is not saved; where somebody saved meanwhile, with their text beside it."""
        is_stale = isinstance(error, (ChangedMeanwhile, KeyReused))
        said = "changed" if is_stale else "refused"
        return self._shown(request, at, draft, sheet, now, said=said, error=error, status=error.status)

    def _shown(
        self,
        request: Asked,
        at: At,
        draft: Draft,
        sheet: Sheet,
        now: datetime,
        *,
        checks: bool = False,
        said: str = "",
        error: CertsvcError | None = None,
        more: str = "",
        status: int = 200,
    ) -> Response[bytes]:
        language = self._console.pages.language(request)
        problems = self._problems(draft, sheet.payload(draft), now) if checks or said == "saved" else []
        if not checks:
            problems = [each for each in problems if each.code in AT_ONCE]
        view = sheet_view(
            draft, sheet, language, problems=problems, checks=checks, is_stale=said == "changed", more=more
        )
        state = STATE_WORDS[draft.request.state]
        title, title_zh = language.titled(draft.form.title.zh, draft.form.title.en)
        return self._console.page(
            request,
            at,
            "village_form.html",
            status,
            here="inbox",
            sheet=view,
            draft=draft,
            said=said,
            why=language.pick(error.zh, error.en) if error else "",
            state=language.pick(*state),
            title=title,
            title_zh=title_zh,
            say=lambda text: language.pick(text.zh, text.en),
            due=language.day(draft.request.due) if draft.request.due else "",
            is_late=draft.request.is_late(beijing_date(now)),
        )


def _saved_json(sheet: Sheet, now: datetime) -> Mapping[str, Any]:
    """What the page's script goes on with: the version that this act made, whatever came after it, and a fresh key."""
    return {"seen": sheet.seen + 1, "key": new_key(), "at": f"{now.astimezone(BEIJING):%H:%M}"}
