"""`…/requests/{id}/handing`: the clerk hands a number to the identified person, with which the file is fetched."""

from datetime import UTC, datetime
from typing import Any

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from certsvc.domain.acts import Act
from certsvc.domain.handing import HandedTo, SeenHow, in_groups
from certsvc.domain.organ import OrganDuty
from certsvc.domain.proof_acts import ProofState
from certsvc.domain.receiver import Told, ToldKind
from certsvc.errors import ActNotAllowed, CertsvcError, InvalidInput
from certsvc.http.language import Language
from certsvc.http.routes import Asked, route
from certsvc.http.verifier.notes import ground_said
from certsvc.http.village.console import AT, At, Console
from certsvc.http.village.lives import life_said
from certsvc.http.village.resident import qr_picture
from certsvc.http.village.typed import new_key, typed_key
from certsvc.ids import parse_typed_code
from certsvc.issuance.village.entering import form_of
from certsvc.issuance.village.handing import Collector, choose_receiver, hand_out, handed_out
from certsvc.issuance.village.lives import life_of
from certsvc.issuance.village.work import visible

LONGEST_ID = 100


def handing_routes(console: Console) -> list[HTTPRouteHandler]:
    """`…/requests/{id}/handing`, and `…/telling`: whom the resident agrees is told, and the notices to carry."""
    handing = _Handing(console)
    path = f"{AT}/requests/{{request_id:str}}"
    return [
        route(f"{path}/handing", "village_handing_form", handing.form),
        route(f"{path}/handing", "village_handing", handing.hand, "POST"),
        route(f"{path}/telling", "village_told_notice", handing.notice),
        route(f"{path}/telling", "village_telling", handing.tell, "POST"),
    ]


class _Handing:
    """What the routes do. `now` is taken here, once per request."""

    def __init__(self, console: Console) -> None:
        self._console, self._out = console, console.villages.out

    async def form(self, request: Asked, organ: FromPath[str], request_id: FromPath[str]) -> Response[bytes]:
        """Who collects it, and what was handed out before."""
        now = datetime.now(UTC)
        at = await self._console.at(request, organ, now)
        return await self._page(request, at, request_id, now)

    async def hand(self, request: Asked, organ: FromPath[str], request_id: FromPath[str]) -> Response[bytes]:
        """The number, once; the same form sent again shows the same."""
        now = datetime.now(UTC)
        at, fields = await self._console.form_at(request, organ, now)
        try:
            collector = _collector(fields.get("to", ""), fields.get("seen", ""), fields.get("agent", ""))
            secret = await hand_out(self._out, at.member, request_id, collector, typed_key(fields), now)
        except (InvalidInput, ActNotAllowed) as error:
            return await self._page(request, at, request_id, now, error=error, typed=fields.get("agent", ""))
        return await self._page(request, at, request_id, now, secret=secret)

    async def tell(self, request: Asked, organ: FromPath[str], request_id: FromPath[str]) -> Redirect:
        """Put on record whom the resident agrees is told of the proof."""
        now = datetime.now(UTC)
        at, fields = await self._console.form_at(request, organ, now)
        found = await visible(self._console.work, at.member, request_id)
        told = fields.get("tell", "")[:LONGEST_ID]
        await choose_receiver(self._out, found, told, typed_key(fields), now, at.member)
        return self._console.go(request, at, f"/requests/{found.id}")

    async def notice(self, request: Asked, organ: FromPath[str], request_id: FromPath[str]) -> Response[bytes]:
        """What the resident carries to an organ that no web-hook tells, to be printed."""
        now, console = datetime.now(UTC), self._console
        at = await console.at(request, organ, now)
        found = await visible(console.work, at.member, request_id)
        language, title = console.pages.language(request), form_of(console.work, found.type_id).title
        carried = [one for one in await self._out.handings.told(found.id) if one.client is None]
        public = console.villages.signing.site.public_url
        notices = [
            {
                "name": one.name,
                "kind": one.kind,
                "code": one.code,
                "replaces": one.replaces,
                "at": language.moment(one.at),
                "ground": await self._ground(one, language),
                "picture": qr_picture(f"{public}/C/{one.code}"),
            }
            for one in reversed(carried)
        ]
        shown: dict[str, Any] = {"title": language.pick(title.zh, title.en), "notices": notices}
        return console.page(request, at, "village_told_notice.html", request_id=found.id, **shown)

    async def _page(
        self,
        request: Asked,
        at: At,
        request_id: str,
        now: datetime,
        *,
        secret: str = "",
        error: CertsvcError | None = None,
        typed: str = "",
    ) -> Response[bytes]:
        work, language = self._console.work, self._console.pages.language(request)
        found = await visible(work, at.member, request_id)
        title, is_sealed = form_of(work, found.type_id).title, found.state is ProofState.SEALED
        life = life_said(await life_of(work, found, now), language)
        values = {
            "request_id": found.id,
            "title": language.pick(title.zh, title.en),
            "shown": found.shown or "",
            "is_sealed": is_sealed,
            "life": life,
            "may_hand": at.member.has(OrganDuty.CLERK) and is_sealed and (life is None or life.is_usable),
            "handings": await handed_out(self._out, at.member, request_id),
            "told": await self._out.handings.told(found.id),
            "now": now,
            "moment": language.moment,
            "day": language.day,
            "secret": in_groups(secret) if secret else "",
            "said": language.pick(error.zh, error.en) if error else "",
            "typed": typed,
            "key": new_key(),
        }
        return self._console.page(request, at, "village_handing.html", error.status if error else 200, **values)

    async def _ground(self, one: Told, language: Language) -> str:
        """Why a proof was corrected or cancelled, as everybody may read it; nothing of one that was issued."""
        ref, acts = parse_typed_code(one.code), {ToldKind.CANCELLED: Act.RESCIND, ToldKind.CORRECTED: Act.CORRECT}
        for event in reversed(await self._console.work.issuing.register.events(ref)):
            if event.act is acts.get(one.kind) and (event.act is Act.RESCIND or event.version == ref):
                return ground_said(event.act, event.ground.reason_code, event.ground.reason, language) or ""
        return ""


def _collector(to: str, seen: str, agent: str) -> Collector:
    try:
        return Collector(given_to=HandedTo(to), seen=SeenHow(seen), agent=agent)
    except ValueError:
        raise InvalidInput(
            "请选择谁来领、怎样核验的身份。", "Choose who collects it, and how they were seen."
        ) from None
