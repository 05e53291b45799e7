"""What every role's ASGI application has in common: hooks, headers, log, and how errors are answered."""

from collections.abc import Sequence

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from structlog.typing import FilteringBoundLogger

from certsvc.http.access import LogAccess
from certsvc.http.handler import AnswerProblems
from certsvc.http.headers import AddHeaders, drop_body_of_head
from certsvc.http.office.limits import SayRateLimit
from certsvc.http.pages import Pages
from certsvc.http.routes import Asked, refuse_long_url
from certsvc.http.site import Site
from certsvc.http.turnstile import Turnstiles


class _Door:
    """What is asked of a request before its route sees it."""

    def __init__(self, turnstiles: Turnstiles) -> None:
        self._turnstiles = turnstiles

    async def __call__(self, request: Asked) -> None:
        await refuse_long_url(request)
        await self._turnstiles(request)


def make_application(
    routes: Sequence[HTTPRouteHandler],
    site: Site,
    pages: Pages,
    log: FilteringBoundLogger,
    *,
    per_minute: int | None = None,
) -> Litestar:
    """An application with these routes; `per_minute` is how often a client of the API may ask."""
    say_limit = [] if per_minute is None else [SayRateLimit(per_minute)]
    return Litestar(
        routes,
        before_request=_Door(Turnstiles()),
        before_send=[AddHeaders(site), *say_limit, drop_body_of_head, LogAccess(log)],
        exception_handlers={Exception: AnswerProblems(pages, log)},
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
