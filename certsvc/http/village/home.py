"""`/village`: where somebody works; who works in one place only goes there at once."""

from datetime import UTC, datetime
from typing import Any

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from certsvc.domain.organ import DUTY_WORDS, Member
from certsvc.http.routes import Asked, route
from certsvc.http.village.console import Console
from certsvc.http.village.session import HOME, in_language
from certsvc.issuance.village.work import READS


def home_routes(console: Console) -> list[HTTPRouteHandler]:
    """`/village`."""

    async def home(request: Asked) -> Response[Any]:
        """Where to go."""
        now = datetime.now(UTC)
        signed = await console.sessions.signed_in(request, now)
        found = await console.memberships(signed.account, now)
        if len(found) == 1:
            return Redirect(in_language(request, _begins(found[0])), status_code=303)
        language = console.pages.language(request)
        places = [
            (_begins(one), one.organ.name, [language.pick(*DUTY_WORDS[duty]) for duty in sorted(one.duties)])
            for one in found
        ]
        return console.sessions.page(request, signed, "console_home.html", places=places)

    return [route(HOME, "village", home)]


def _begins(found: Member) -> str:
    """What somebody sees first of an organ: what waits for them, or the figures."""
    return f"{HOME}/at/{found.organ.uscc}" + ("" if found.duties & READS else "/figures")
