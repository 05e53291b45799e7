"""The desk's routes. They hold no key that signs or seals."""

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from structlog.typing import FilteringBoundLogger

from certsvc.errors import RegisterUnavailable
from certsvc.http.application import make_application
from certsvc.http.desk.bundle import Desk
from certsvc.http.desk.following import following_routes
from certsvc.http.desk.full_view import full_view_routes
from certsvc.http.desk.reports import report_routes
from certsvc.http.routes import route
from certsvc.http.shared import shared_routes
from certsvc.log import open_log


def desk_routes(desk: Desk, log: FilteringBoundLogger) -> list[HTTPRouteHandler]:
    """Every route of the desk; names are what the access log shows."""
    return [*full_view_routes(desk), *report_routes(desk), *following_routes(desk)]


def create_desk_app(desk: Desk) -> Litestar:
    """The desk as an ASGI application."""
    log = open_log()

    async def health() -> dict[str, str]:
        if not await desk.register.ready():
            raise RegisterUnavailable("登记簿现在查不了。", "The register cannot be asked now.")
        return {"status": "ready"}

    routes = [*desk_routes(desk, log), *shared_routes(desk.site, desk.pages), route("/health", "health", health)]
    return make_application(routes, desk.site, desk.pages, log)
