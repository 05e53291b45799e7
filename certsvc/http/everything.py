"""Public and trust role together, for one machine."""

from litestar import Litestar

from certsvc.http.application import make_application
from certsvc.http.pages import Pages
from certsvc.http.public import public_routes
from certsvc.http.site import Site
from certsvc.http.trust import TrustServices, trust_routes
from certsvc.log import open_log
from certsvc.verify.service import Verifying


def create_all_app(verifying: Verifying, services: TrustServices, site: Site) -> Litestar:
    """Every route of both roles as one ASGI application; `/health` is the public role's."""
    pages, log = Pages(site), open_log()
    routes = [*public_routes(verifying, site, pages, log), *trust_routes(services, log)]
    return make_application(routes, site, pages, log)
