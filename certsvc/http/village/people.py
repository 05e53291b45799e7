"""`…/people`: who has which duty in an organ, and who had.

An overseer of the town (or the city) looks at the organs under theirs with `?of=`, and hands over there (`handover`).
"""

from datetime import UTC, datetime

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from certsvc.domain.calendar import beijing_date
from certsvc.domain.organ import Organ, OrganDuty
from certsvc.http.routes import Asked, route
from certsvc.http.village.console import AT, Console
from certsvc.http.village.handover import handover_routes, held_in_words, may_hand_over, organ_asked_for
from certsvc.issuance.village.handover import keeper_serves, organ_for


def people_routes(console: Console) -> list[HTTPRouteHandler]:
    """`…/people`, `…/people/handover`."""
    pages = _PeoplePages(console)
    return [route(f"{AT}/people", "village_people", pages.people), *handover_routes(console)]


class _PeoplePages:
    """What the route does; time is taken once per request."""

    def __init__(self, console: Console) -> None:
        self._console, self._organs = console, console.work.organs

    async def people(self, request: Asked, organ: FromPath[str]) -> Response[bytes]:
        """Who has which duty; for overseers also the organs under theirs."""
        now = datetime.now(UTC)
        at = await self._console.at(request, organ, now)
        of = await organ_for(self._organs, at.member, organ_asked_for(at, request.query_params.get("of", "")))
        today, language = beijing_date(now), self._console.pages.language(request)
        held, seal = await self._organs.appointments(of.uscc), await self._organs.seal(of.uscc)
        keeper = seal.people.keeper if seal else None
        rows = [held_in_words(one, today, keeper, language) for one in held]
        running = [row for row, one in zip(rows, held, strict=True) if not one.is_over(today)]
        past = [row for row, one in zip(rows, held, strict=True) if one.is_over(today)]
        under = await self._organs.under(of) if at.member.has(OrganDuty.OVERSEER) else ()
        return self._console.page(
            request,
            at,
            "village_people.html",
            here="people",
            of=of,
            is_own=of.uscc == at.organ,
            above=await self._above(of),
            running=running,
            past=past[::-1],
            seal=seal,
            keeper_left=keeper is not None and not await keeper_serves(self._organs, held, keeper, now),
            under=[(one.name, one.uscc, one.number_word or "") for one in under],
            may_hand_over=may_hand_over(at, of),
            may_pass=seal is not None and may_hand_over(at, of) and seal.may_pass(at.member.name),
            done=request.query_params.get("done", ""),
        )

    async def _above(self, of: Organ) -> str:
        """Whose overseers put on record who does what there."""
        return (await self._organs.organ(of.town)).name if of.town else ""
