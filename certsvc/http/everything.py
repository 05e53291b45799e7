"""Public, trust, desk and office role together, for one machine."""

from litestar import Litestar

from certsvc.http.application import make_application
from certsvc.http.desk.app import desk_routes
from certsvc.http.desk.bundle import Desk
from certsvc.http.office.app import office_routes
from certsvc.http.office.bundle import Office
from certsvc.http.pages import Pages
from certsvc.http.public import public_routes
from certsvc.http.receipts import Receipting, receipt_routes
from certsvc.http.site import Site
from certsvc.http.trust import TrustServices, trust_routes
from certsvc.http.village.app import village_routes
from certsvc.log import open_log
from certsvc.verify.service import Verifying


def create_all_app(
    verifying: Verifying,
    services: TrustServices,
    receipting: Receipting,
    desk: Desk,
    office: Office,
    site: Site,
    pages: Pages,
) -> Litestar:
    """Every route of the four roles as one ASGI application; `/health` is the public role's."""
    log = open_log()
    routes = [
        *public_routes(verifying, site, pages, log),
        *trust_routes(services, log),
        *receipt_routes(receipting, site, pages, log),
        *desk_routes(desk, log),
        *office_routes(office, log),
        *village_routes(office.villages, office.pages),
    ]
    return make_application(routes, site, pages, log, per_minute=office.requests_per_minute)
