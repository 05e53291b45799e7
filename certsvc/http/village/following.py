"""`/apply/progress`: how far a request has come, by its code; and what the resident can still do about it.

Slips get lost, so the code alone shows nothing of what the request says: only how far it is, and since when. To see,
change or take it back one also types the last four characters of the number of the identity document. The code comes in
the body of a form, or in the fragment of the address in the slip's QR, which no server sees; a wrong code and one that
nobody has are answered alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from certsvc.domain.calendar import beijing_date
from certsvc.domain.organ import Organ
from certsvc.domain.proof_item import Kept
from certsvc.domain.proof_request import ProofRequest, differences
from certsvc.domain.receiver import Receiver
from certsvc.errors import (
    CertsvcError,
    ChangedMeanwhile,
    Conflict,
    Forbidden,
    InvalidIdentifier,
    InvalidInput,
    NotFound,
    NoTryLeft,
    Problem,
)
from certsvc.http.form import read_form
from certsvc.http.pages import Pages
from certsvc.http.routes import Asked, route
from certsvc.http.village.apply import held_values
from certsvc.http.village.asking import asked_problems, own_errors, too_old
from certsvc.http.village.bundle import Villages
from certsvc.http.village.entry import MOST_ENTRY, changes_rows, entry_view, read_typed
from certsvc.http.village.progress import (
    LONGEST_CODE,
    LONGEST_FOUR,
    PROGRESS,
    ProgressPage,
    require_changeable,
    version_seen,
)
from certsvc.http.village.resident import Limits, new_form, read_form_token, require_own_page, resident_page
from certsvc.http.village.wishes import Wishes, consent_of, read_wishes, wish_problems, wishes_view
from certsvc.ids import ProgressCode, parse_progress_code
from certsvc.issuance.village.deciding import withdraw_by_code
from certsvc.issuance.village.entering import form_of
from certsvc.issuance.village.handing import open_by_code, save_online
from certsvc.issuance.village.reading import progress
from certsvc.issuance.village.work import Content, Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What was opened with the code and the four characters, and what stands in its form; `seen` is the version that
    the resident has seen."""

    code: ProgressCode
    four: str
    request: ProofRequest
    content: Content
    organ: Organ
    item: Kept
    now: datetime
    typed: Mapping[str, Sequence[str]]
    wishes: Wishes
    reason: str | None
    seen: int
    problems: Sequence[Problem] = ()
    said: CertsvcError | None = None
    more: str = ""
    beside: Mapping[str, str] | None = None


def following_routes(villages: Villages, pages: Pages, limits: Limits) -> list[HTTPRouteHandler]:
    """`/apply/progress`."""
    following = _Following(villages, pages, limits)
    return [
        route(PROGRESS, "apply_progress_form", following.form),
        route(PROGRESS, "apply_progress", following.ask, "POST"),
    ]


class _Following:
    """What the routes do. `now` is taken here, once per request."""

    def __init__(self, villages: Villages, pages: Pages, limits: Limits) -> None:
        self._villages, self._pages, self._limits = villages, pages, limits
        self._work, self._out, self._cipher = villages.work, villages.out, villages.work.issuing.cipher
        self._shown = ProgressPage(villages, pages)

    async def form(self, request: Asked) -> Response[bytes]:
        """Where the code is typed."""
        return self._shown.code(request)

    async def ask(self, request: Asked) -> Response[bytes]:
        """How far it is; or what was asked to be done: `open`, `save`, `withdraw`."""
        require_own_page(request)
        self._limits.admit_asked(request)
        fields, now = await read_form(request, MOST_ENTRY), datetime.now(UTC)
        typed = fields.get("code", "")[:LONGEST_CODE]
        try:
            code = parse_progress_code(typed)
            found = await progress(self._work, code, now)
        except (InvalidIdentifier, NotFound):
            return self._shown.code(request, typed)
        done = fields.get("do", "")
        if done not in ("open", "save", "withdraw"):
            return self._shown.status(request, code, found, now)
        try:
            return await self._do(request, done, code, fields, now)
        except (Forbidden, NoTryLeft, Conflict, NotFound) as error:
            found = await progress(self._work, code, now)
            return self._shown.status(request, code, found, now, error, done)

    async def _do(
        self, request: Asked, done: str, code: ProgressCode, fields: Mapping[str, str], now: datetime
    ) -> Response[bytes]:
        four = fields.get("four", "")[:LONGEST_FOUR]
        known, content = await open_by_code(self._out, code, four, now)
        key = read_form_token(self._cipher, fields.get("form", ""), now)
        if done == "withdraw":
            return await self._withdrawn(request, code, fields, key, now)
        opened = await self._opened(code, four, known, content, now)
        if done == "open":
            return self._form_page(request, opened)
        form = form_of(self._work, known.type_id).of_resident
        seen = version_seen(fields)
        opened = replace(opened, typed=read_typed(form, fields), wishes=read_wishes(fields), seen=seen)
        if changes_rows(fields):
            return self._form_page(request, replace(opened, more=fields.get("more", "")))
        if key is None:
            return self._form_page(request, replace(opened, said=too_old()), 400)
        return await self._saved(request, opened, key)

    async def _saved(self, request: Asked, opened: Opened, key: str) -> Response[bytes]:
        language, known = self._pages.language(request), opened.request
        form = form_of(self._work, known.type_id).of_resident
        payload = form.payload(opened.typed, opened.content.payload)
        view = wishes_view(language, opened.item, form, self._receivers(opened), opened.wishes)
        problems = [*asked_problems(self._work, form, payload, opened.now), *wish_problems(view)]
        if problems:
            return self._form_page(request, replace(opened, problems=problems), 422)
        said = Said(
            payload=payload,
            contact=opened.wishes.contact,
            notes=opened.content.notes,
            consent=consent_of(view),
        )
        try:
            await save_online(self._out, opened.code, said, opened.wishes.receiver, opened.seen, key, opened.now)
        except ChangedMeanwhile as error:
            both = replace(opened, said=error, beside=self._beside(opened, payload), seen=known.version)
            return self._form_page(request, both, 412)
        except InvalidInput as error:
            return self._form_page(request, replace(opened, said=error), error.status)
        found = await progress(self._work, opened.code, opened.now)
        return self._shown.status(request, opened.code, found, opened.now, done="saved")

    async def _withdrawn(
        self, request: Asked, code: ProgressCode, fields: Mapping[str, str], key: str | None, now: datetime
    ) -> Response[bytes]:
        found = await progress(self._work, code, now)
        if fields.get("sure") != "yes" or key is None:
            said = too_old() if key is None else InvalidInput("请勾选“我确定撤回”。", "Tick that you are sure.")
            return self._shown.status(request, code, found, now, said, "withdraw")
        await withdraw_by_code(self._work, code, version_seen(fields), key, now)
        return self._shown.status(request, code, await progress(self._work, code, now), now, done="withdrawn")

    async def _opened(
        self, code: ProgressCode, four: str, known: ProofRequest, content: Content, now: datetime
    ) -> Opened:
        require_changeable(known)
        organ = await self._work.organs.organ(known.organ)
        item = self._work.proofs.held(organ.area, beijing_date(now)).items.get(known.type_id)
        if not isinstance(item, Kept):
            raise Conflict("村里已经不开这项证明了。", "The village gives out this proof no more.")
        form, chosen = form_of(self._work, known.type_id).of_resident, await self._out.handings.chosen(known.id)
        return Opened(
            code=code,
            four=four,
            request=known,
            content=content,
            organ=organ,
            item=item,
            now=now,
            typed=form.typed(content.payload),
            wishes=Wishes(contact=content.contact or "", receiver=(chosen and chosen.receiver) or ""),
            reason=(await progress(self._work, code, now)).reason,
            seen=known.version,
        )

    def _receivers(self, opened: Opened) -> Sequence[Receiver]:
        return self._out.receivers.of(opened.organ.area, opened.request.type_id)

    def _beside(self, opened: Opened, payload: Mapping[str, Any]) -> dict[str, str]:
        """What somebody else has saved meanwhile, where it differs from what was typed."""
        form, saved = form_of(self._work, opened.request.type_id).of_resident, opened.content.payload
        typed = form.typed(saved)
        return {each.field: "、".join(typed.get(each.field, ())) for each in differences(payload, saved)}

    # ---- answers ----

    def _form_page(self, request: Asked, opened: Opened, status: int = 200) -> Response[bytes]:
        language, held = self._pages.language(request), self._work.proofs
        form = form_of(self._work, opened.request.type_id).of_resident
        view = entry_view(
            form, opened.typed, language, problems=opened.problems, beside=opened.beside, more=opened.more
        )
        values = {
            **held_values(self._pages, request, held.held(opened.organ.area, beijing_date(opened.now))),
            "item": opened.item,
            "organ": opened.organ,
            "view": view,
            "wishes": wishes_view(language, opened.item, form, self._receivers(opened), opened.wishes),
            "errors": [*view.errors, *own_errors(self._pages, request, opened.problems)],
            "wrong": {each.field: language.pick(each.zh, each.en) for each in opened.problems},
            "said": language.pick(opened.said.zh, opened.said.en) if opened.said else "",
            "token": new_form(self._cipher, opened.now),
            "change": opened,
        }
        return resident_page(self._pages, request, "apply_form.html", status, **values)
