"""Residents choose the proof they need, by their own words or from the list: it is given out, or there is another way.

Nothing is asked of who looks, nothing is kept, and no script is needed. Which catalogue holds is decided by today's
date in Beijing, taken once per request.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from certsvc.domain.calendar import beijing_date
from certsvc.domain.proof_answer import read_out
from certsvc.domain.proof_catalogue import Held, ProofCatalogue, areas_around
from certsvc.domain.proof_item import Discretionary, Forbidden, Kept, Said, Unknown
from certsvc.errors import NotFound
from certsvc.http.pages import Pages
from certsvc.http.routes import Asked, route
from certsvc.http.village.resident import moved, resident_page

LONGEST_WORDS = 60
TEMPLATES = {Kept: "apply_kept.html", Forbidden: "apply_refused.html", Discretionary: "apply_villagers.html"}


def apply_routes(pages: Pages, proofs: ProofCatalogue, areas: Sequence[str]) -> list[HTTPRouteHandler]:
    """`/apply`: where, what, and the answer. `areas` (GB/T 2260 and below) are those offered; one that lies in them may
    be named in an address as well.

    Raises:
        ValueError: none is offered, or one is no area.
    """
    if not areas:
        raise ValueError("no area is offered")
    for area in areas:
        areas_around(area)
    applying = _Applying(pages, proofs, tuple(areas))
    return [
        route("/apply", "apply", applying.places),
        route("/apply/{area:str}", "apply_choose", applying.choose),
        route("/apply/{area:str}/{item:str}", "apply_item", applying.item),
        route("/apply/{area:str}/{item:str}/notice", "apply_notice", applying.notice),
    ]


class _Applying:
    """What the routes do."""

    def __init__(self, pages: Pages, proofs: ProofCatalogue, areas: tuple[str, ...]) -> None:
        self._pages, self._proofs, self._areas = pages, proofs, areas

    async def places(self, request: Asked) -> Response[bytes]:
        """The places that are offered; where there is one, what it gives out."""
        today = beijing_date(datetime.now(UTC))
        if len(self._areas) == 1:
            return self._page(request, "apply_choose.html", 200, self._held(self._areas[0], today))
        places = [self._proofs.held(area, today) for area in self._areas]
        return resident_page(self._pages, request, "apply_places.html", places=places, say=say_in(self._pages, request))

    async def choose(self, request: Asked, area: FromPath[str]) -> Response[Any]:
        """What may be asked for here; with `?name=` the item of that name, or what may have been meant."""
        held = self._held(area, beijing_date(datetime.now(UTC)))
        words = request.query_params.get("name", "").strip()[:LONGEST_WORDS]
        if not words:
            return self._page(request, "apply_choose.html", 200, held)
        answer = held.asked(words)
        if isinstance(answer, Unknown):
            return self._page(request, "apply_choose.html", 200, held, unknown=answer, typed=words)
        return moved(request, f"/apply/{area}/{answer.id}")

    async def item(self, request: Asked, area: FromPath[str], item: FromPath[str]) -> Response[bytes]:
        """One item: how to get it, or why not and where to go instead."""
        held = self._held(area, beijing_date(datetime.now(UTC)))
        found = held.items.get(item)
        if found is None:
            return self._page(request, "apply_choose.html", 404, held, gone=True)
        return self._page(request, TEMPLATES[type(found)], 200, held, item=found)

    async def notice(self, request: Asked, area: FromPath[str], item: FromPath[str]) -> Response[bytes]:
        """A refusal to print, for the resident and for the organ that wants the proof."""
        held = self._held(area, beijing_date(datetime.now(UTC)))
        found = held.items.get(item)
        if not isinstance(found, Forbidden):
            return self._page(request, "apply_choose.html", 404, held, gone=True)
        return self._page(request, "apply_notice.html", 200, held, item=found, said=read_out(found))

    def _held(self, area: str, day: date) -> Held:
        return held_in(self._proofs, self._areas, area, day)

    def _page(self, request: Asked, name: str, status: int, held: Held, **values: Any) -> Response[bytes]:
        known = {**held_values(self._pages, request, held), "typed": "", "unknown": None, "gone": False}
        return resident_page(self._pages, request, name, status, **{**known, **values})


def held_in(proofs: ProofCatalogue, areas: Sequence[str], area: str, day: date) -> Held:
    """What holds in an area that is offered, or lies in one.

    Raises:
        NotFound: it is not offered.
    """
    try:
        around = areas_around(area)
    except ValueError:
        around = ()
    if not {*around} & {*areas}:
        raise NotFound("这里没有这个地方的证明目录。", "There is no catalogue of proofs for this place here.")
    return proofs.held(area, day)


def held_values(pages: Pages, request: Asked, held: Held) -> dict[str, Any]:
    """What the templates of `/apply` say a catalogue with, in the language of the page."""
    language = pages.language(request)
    return {
        "held": held,
        "own": held.layers[-1],
        "say": say_in(pages, request),
        "beside": lambda said: language.beside(said.zh, language.pick(said.zh, said.en)),
        "put": language.put,
        "day": language.day,
    }


def say_in(pages: Pages, request: Asked) -> Callable[[Said], str]:
    """What puts a text of a catalogue into the language of the page."""
    language = pages.language(request)
    return lambda said: language.pick(said.zh, said.en)
