"""Every route for villages and for residents."""

from litestar.handlers import HTTPRouteHandler

from certsvc.http.pages import Pages
from certsvc.http.village.apply import apply_routes
from certsvc.http.village.bundle import Villages


def village_routes(villages: Villages, pages: Pages) -> list[HTTPRouteHandler]:
    """The pages under `/apply`."""
    return apply_routes(pages, villages.proofs, villages.areas)
