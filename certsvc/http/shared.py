"""What every role serves: the files of trust, the page on how to trust us, and what pages are made of."""

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from certsvc.http.facts import static_trust_routes
from certsvc.http.pages import ASSETS_PATH, Pages
from certsvc.http.routes import Asked, route
from certsvc.http.site import Site
from certsvc.http.static import find_asset, takes_gzip
from certsvc.http.status import status_list_routes
from certsvc.http.trusting import trusting_routes

FOR_EVER = "public, max-age=31536000, immutable"


def shared_routes(site: Site, pages: Pages) -> list[HTTPRouteHandler]:
    """`/trust`, `/trust/…`, `/crl/…`, `/ca/…`, `/status/…`, `/accessibility`, `/static/…`: no database and no key is
    needed for them."""

    async def asset(request: Asked, name: FromPath[str]) -> Response[bytes]:
        found = find_asset(pages.assets, name)
        headers = {
            "Cache-Control": FOR_EVER,
            "Cross-Origin-Resource-Policy": "same-origin",
            "Vary": "Accept-Encoding",
        }
        content = found.content
        if found.packed is not None and takes_gzip(request.headers.get("accept-encoding", "")):
            content, headers["Content-Encoding"] = found.packed, "gzip"
        return Response(content, media_type=found.media_type, headers=headers)

    async def accessibility(request: Asked) -> Response[bytes]:
        return pages.page(request, "accessibility.html")

    return [
        route("/accessibility", "accessibility", accessibility),
        route(ASSETS_PATH + "{name:str}", "static", asset),
        *trusting_routes(site.trust_folder, pages),
        *static_trust_routes(site),
        *status_list_routes(site),
    ]
