"""A resident asks for a proof online, with nothing installed: the village, the form, what is agreed to; then a code.

It is only a request until a clerk has seen who asks. The code is shown once, on a slip with nothing personal on it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from certsvc.domain.calendar import beijing_date
from certsvc.domain.entry_form import EntryForm
from certsvc.domain.organ import Organ, OrganKind
from certsvc.domain.proof_catalogue import Held
from certsvc.domain.proof_item import Kept
from certsvc.errors import CertsvcError, InvalidInput, KeyReused, Problem, ProofRefused
from certsvc.http.form import read_form
from certsvc.http.pages import Pages
from certsvc.http.routes import Asked, route
from certsvc.http.village.apply import held_in, held_values
from certsvc.http.village.bundle import Villages
from certsvc.http.village.entry import MOST_ENTRY, changes_rows, entry_view, read_typed
from certsvc.http.village.resident import (
    Limits,
    moved,
    new_form,
    qr_picture,
    read_form_token,
    require_own_page,
    resident_page,
)
from certsvc.http.village.wishes import Wishes, WishesView, consent_of, read_wishes, wish_problems, wishes_view
from certsvc.issuance.village.drafts import Opened, Opening
from certsvc.issuance.village.entering import entry_problems, form_of
from certsvc.issuance.village.handing import ask_online
from certsvc.issuance.village.work import Said, VillageWork

FEW_VILLAGES, LONGEST_PLACE = 40, 40
"""So many villages are listed at once; of more, their towns are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which proof is asked for, and the villages of the area that give it."""

    held: Held
    item: Kept
    organs: Sequence[Organ]
    all_organs: Sequence[Organ]
    now: datetime

    def organ(self, uscc: str) -> Organ | None:
        """One of the villages by its code."""
        return next((each for each in self.organs if each.uscc == uscc), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A form as it stands before it is sent, or after it was sent and not taken."""

    organ: Organ
    typed: Mapping[str, Sequence[str]]
    wishes: Wishes
    problems: Sequence[Problem] = ()
    said: CertsvcError | None = None
    more: str = ""
    token: str = ""


def asking_routes(villages: Villages, pages: Pages, limits: Limits) -> list[HTTPRouteHandler]:
    """`/apply/{area}/{item}/form`."""
    asking, path = _Asking(villages, pages, limits), "/apply/{area:str}/{item:str}/form"
    return [route(path, "apply_form", asking.form), route(path, "apply_send", asking.send, "POST")]


class _Asking:
    """What the routes do. `now` is taken here, once per request."""

    def __init__(self, villages: Villages, pages: Pages, limits: Limits) -> None:
        self._villages, self._pages, self._limits = villages, pages, limits
        self._work, self._cipher = villages.work, villages.work.issuing.cipher

    async def form(self, request: Asked, area: FromPath[str], item: FromPath[str]) -> Response[Any]:
        """Choose the village, then fill in the form."""
        place = await self._place(area, item, datetime.now(UTC))
        if place is None:
            return moved(request, f"/apply/{area}/{item}")
        organ = place.organ(request.query_params.get("organ", ""))
        if organ is None:
            return self._villages_page(request, place)
        return self._form_page(request, place, Sheet(organ=organ, typed={}, wishes=Wishes()))

    async def send(self, request: Asked, area: FromPath[str], item: FromPath[str]) -> Response[Any]:
        """Take a request; the same form sent again is the same request."""
        require_own_page(request)
        self._limits.admit_sent(request)
        fields, now = await read_form(request, MOST_ENTRY), datetime.now(UTC)
        place = await self._place(area, item, now)
        organ = place.organ(fields.get("organ", "")) if place else None
        if place is None or organ is None:
            return moved(request, f"/apply/{area}/{item}")
        form, token = self._form(place), fields.get("form", "")
        sheet = Sheet(organ=organ, typed=read_typed(form, fields), wishes=read_wishes(fields), token=token)
        if changes_rows(fields):
            return self._form_page(request, place, replace(sheet, more=fields.get("more", "")))
        key = read_form_token(self._cipher, token, now)
        if key is None:
            return self._form_page(request, place, replace(sheet, said=too_old(), token=""), 400)
        return await self._taken(request, place, sheet, key)

    async def _taken(self, request: Asked, place: Place, sheet: Sheet, key: str) -> Response[Any]:
        payload = self._form(place).payload(sheet.typed)
        view = self._wishes(request, place, sheet)
        found = asked_problems(self._work, self._form(place), payload, place.now)
        problems = [*found, *wish_problems(view)]
        if problems:
            return self._form_page(request, place, replace(sheet, problems=problems), 422)
        said = Said(payload=payload, contact=sheet.wishes.contact, consent=consent_of(view))
        try:
            asked, told = Opening(key=key, type_id=place.item.id, said=said), sheet.wishes.receiver
            opened = await ask_online(self._villages.out, sheet.organ.uscc, asked, told, place.now)
        except KeyReused:
            return self._form_page(request, place, replace(sheet, said=sent_before(), token=""), 422)
        except (InvalidInput, ProofRefused) as error:
            return self._form_page(request, place, replace(sheet, said=error), error.status)
        return self._sent_page(request, place, sheet.organ, opened)

    async def _place(self, area: str, item: str, now: datetime) -> Place | None:
        today = beijing_date(now)
        held = held_in(self._work.proofs, self._villages.areas, area, today)
        found = held.items.get(item)
        if not isinstance(found, Kept):
            return None
        everyone = await self._work.organs.organs()
        around = held.area.rstrip("0") if len(held.area) == 6 else held.area
        there = [one for one in everyone if one.kind is OrganKind.VILLAGE and one.area.startswith(around)]
        near = [one for one in there if one.seal_id]
        giving = {area for area in {one.area for one in near} if self._gives(area, item, today)}
        organs = [one for one in near if one.area in giving]
        return Place(held=held, item=found, organs=organs, all_organs=everyone, now=now)

    def _gives(self, area: str, item: str, today: date) -> bool:
        return isinstance(self._work.proofs.held(area, today).items.get(item), Kept)

    def _form(self, place: Place) -> EntryForm:
        return form_of(self._work, place.item.id).of_resident

    def _wishes(self, request: Asked, place: Place, sheet: Sheet) -> WishesView:
        receivers = self._villages.out.receivers.of(sheet.organ.area, place.item.id)
        return wishes_view(self._pages.language(request), place.item, self._form(place), receivers, sheet.wishes)

    def _villages_page(self, request: Asked, place: Place) -> Response[bytes]:
        typed = request.query_params.get("place", "").strip()[:LONGEST_PLACE]
        town = request.query_params.get("town", "")
        towns: dict[str, str] = {each.uscc: each.name for each in place.all_organs}
        found = [each for each in place.organs if (not typed or typed in each.name) and (not town or each.town == town)]
        grouped: dict[str, list[Organ]] = {}
        for each in found:
            grouped.setdefault(each.town or "", []).append(each)
        values = {
            **held_values(self._pages, request, place.held),
            "item": place.item,
            "place": typed,
            "few": len(found) <= FEW_VILLAGES or bool(town),
            "count": len(found),
            "towns": [(uscc, towns.get(uscc, ""), some) for uscc, some in grouped.items()],
        }
        return resident_page(self._pages, request, "apply_villages.html", **values)

    def _form_page(self, request: Asked, place: Place, sheet: Sheet, status: int = 200) -> Response[bytes]:
        language = self._pages.language(request)
        view = entry_view(self._form(place), sheet.typed, language, problems=sheet.problems, more=sheet.more)
        values = {
            **held_values(self._pages, request, place.held),
            "item": place.item,
            "organ": sheet.organ,
            "view": view,
            "wishes": self._wishes(request, place, sheet),
            "errors": [*view.errors, *own_errors(self._pages, request, sheet.problems)],
            "wrong": {each.field: language.pick(each.zh, each.en) for each in sheet.problems},
            "said": language.pick(sheet.said.zh, sheet.said.en) if sheet.said else "",
            "token": sheet.token or new_form(self._cipher, place.now),
            "change": None,
        }
        return resident_page(self._pages, request, "apply_form.html", status, **values)

    def _sent_page(self, request: Asked, place: Place, organ: Organ, opened: Opened) -> Response[bytes]:
        site = self._villages.signing.site
        values = {
            **held_values(self._pages, request, place.held),
            "item": place.item,
            "organ": organ,
            "code": opened.code,
            "picture": qr_picture(f"{site.public_url}/apply/progress#{opened.code}"),
            "at": self._pages.language(request).moment(opened.request.opened_at),
        }
        return resident_page(self._pages, request, "apply_sent.html", **values)


def asked_problems(work: VillageWork, form: EntryForm, payload: Mapping[str, Any], now: datetime) -> list[Problem]:
    """What is wrong with what a resident was asked; the rest is the clerk's to fill in."""
    keys = {each.key for each in form.fields}
    found = entry_problems(work, form.type_id, payload, beijing_date(now))
    return [each for each in found if each.field.partition(".")[0] in keys]


def own_errors(pages: Pages, request: Asked, problems: Sequence[Problem]) -> list[tuple[str, str]]:
    """What is wrong beside the questions: where a link leads, and the words."""
    language, own = pages.language(request), ("contact", "tell", "agree", "agree_sensitive", "four", "sure")
    return [(each.field, language.pick(each.zh, each.en)) for each in problems if each.field in own]


def too_old() -> InvalidInput:
    """The error, for a form that was shown long ago."""
    return InvalidInput(
        "这一页打开太久了。填的都还在，请核对后再按一次提交。",
        "This page was opened long ago. What you typed is still here: look at it, and send it once more.",
    )


def sent_before() -> InvalidInput:
    """The error, for a form that was sent with other content before."""
    return InvalidInput(
        "您已用这份表单提交过一次。要修改已提交的，请用查询码；确实要另外申请一份的，再按一次提交。",
        "You sent this form before. To change what you sent, use its code; to ask for another proof, send it again.",
    )
