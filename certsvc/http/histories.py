"""What was before, and what changes: the history of a certificate, its state on any day, and a feed (RFC 4287)."""

import hashlib
from datetime import UTC, datetime

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from certsvc.errors import InvalidIdentifier
from certsvc.http.atom import ATOM, feed_xml
from certsvc.http.negotiation import wants_page
from certsvc.http.pages import Pages
from certsvc.http.routes import Asked, route
from certsvc.http.site import Site
from certsvc.verify.history import tell_feed, tell_history
from certsvc.verify.service import Verifying

MINUTES = "private, max-age=300"
"""Who has the code may read the feed; a cache between us is not to give it to others."""


def history_routes(verifying: Verifying, site: Site, pages: Pages) -> list[HTTPRouteHandler]:
    """`/C/{code}/history` and `/C/{code}/feed`."""
    histories = _Histories(verifying, site, pages)
    return [
        route("/C/{code:str}/history", "history", histories.history),
        route("/C/{code:str}/feed", "feed", histories.feed),
    ]


class _Histories:
    """What the routes do. `now` is taken here, once per request."""

    def __init__(self, verifying: Verifying, site: Site, pages: Pages) -> None:
        self._verifying, self._site, self._pages = verifying, site, pages

    async def history(self, request: Asked, code: FromPath[str]) -> Response[bytes]:
        try:
            report = await tell_history(self._verifying, code, datetime.now(UTC))
        except InvalidIdentifier as error:
            if not wants_page(request):
                raise
            return self._pages.mistyped(request, code, error)
        return self._pages.history(request, report)

    async def feed(self, request: Asked, code: FromPath[str]) -> Response[bytes]:
        found = await tell_feed(self._verifying, code, datetime.now(UTC))
        content = feed_xml(found, self._site, self._pages.language(request))
        tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": MINUTES, "Vary": "Accept-Language"}
        if _has(request.headers.get("if-none-match", ""), tag):
            return Response(b"", media_type=ATOM, status_code=304, headers=headers)
        return Response(content, media_type=ATOM, headers=headers)


def _has(header: str, tag: str) -> bool:
    """Whether `If-None-Match` names it, weakly compared (RFC 9110 section 13.1.2)."""
    named = {one.strip().removeprefix("W/") for one in header[:2000].split(",")}
    return "*" in named or tag in named
