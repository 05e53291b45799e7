"""Following a licence: asking by mail address, confirming and stopping by links. What a link opens does nothing yet: a
button does, because programs open the links of mails, too."""

import math
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect

from certsvc.domain.calendar import beijing_date
from certsvc.domain.certificate import Category
from certsvc.domain.following import LONGEST, Followed
from certsvc.errors import InvalidInput, NotFound, RegisterUnavailable, TooManyRequests
from certsvc.http.desk.bundle import Desk
from certsvc.http.form import read_form
from certsvc.http.language import CODES
from certsvc.http.negotiation import wants_page
from certsvc.http.rate import Buckets, address_of
from certsvc.http.routes import Asked, route
from certsvc.ids import Ref, parse_typed_code

ASKED_PER_MINUTE, OPENED_PER_MINUTE = 6, 60
"""How often one address may ask to follow, and open or use the links of mails."""


def following_routes(desk: Desk) -> list[HTTPRouteHandler]:
    """`/C/{code}/follow` and the links in mails."""
    following = _Following(desk)
    return [
        route("/C/{code:str}/follow", "follow_form", following.form),
        route("/C/{code:str}/follow", "follow", following.ask, "POST"),
        route("/follow/confirm/{secret:str}", "follow_confirm_form", following.confirm_form),
        route("/follow/confirm/{secret:str}", "follow_confirm", following.confirm, "POST"),
        route("/follow/stop/{secret:str}", "follow_stop_form", following.stop_form),
        route("/follow/stop/{secret:str}", "follow_stop", following.stop, "POST"),
    ]


class _Following:
    """What the routes do. `now` is taken here, once per request."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._asking, self._opening = Buckets(ASKED_PER_MINUTE), Buckets(OPENED_PER_MINUTE)

    async def form(self, request: Asked, code: FromPath[str]) -> Response[Any]:
        licence = await self._licence(parse_typed_code(code), datetime.now(UTC))
        if licence.typed_code != code:
            return _moved(request, f"/C/{licence.typed_code}/follow")
        return self._page(request, "form", 200, licence)

    async def ask(self, request: Asked, code: FromPath[str]) -> Response[bytes]:
        self._admit(self._asking, ASKED_PER_MINUTE, request)
        now = datetime.now(UTC)
        licence, fields = await self._licence(parse_typed_code(code), now), await read_form(request)
        address = fields.get("email", "")[: 2 * LONGEST]
        try:
            await self._desk.following.ask(licence, address, self._desk.pages.language(request).code, now)
        except InvalidInput as error:
            if not wants_page(request):
                raise
            said = self._desk.pages.language(request).pick(error.zh, error.en)
            return self._page(request, "form", 400, licence, wrong=said, filled=address)
        return self._page(request, "asked", 202, licence)

    async def confirm_form(self, request: Asked, secret: FromPath[str]) -> Response[bytes]:
        now = datetime.now(UTC)
        return await self._linked(request, "confirm", lambda: self._desk.following.asked_with(secret, now))

    async def confirm(self, request: Asked, secret: FromPath[str]) -> Response[bytes]:
        now = datetime.now(UTC)
        return await self._linked(request, "confirmed", lambda: self._desk.following.confirm(secret, now))

    async def stop_form(self, request: Asked, secret: FromPath[str]) -> Response[bytes]:
        return await self._linked(request, "stop", lambda: self._desk.following.stopped_with(secret))

    async def stop(self, request: Asked, secret: FromPath[str]) -> Response[bytes]:
        """By the button, or by a mail program in one click (RFC 8058): what is in the body does not matter."""
        now = datetime.now(UTC)
        return await self._linked(request, "stopped", lambda: self._desk.following.stop(secret, now))

    async def _linked(self, request: Asked, step: str, find: Callable[[], Awaitable[Followed]]) -> Response[bytes]:
        self._admit(self._opening, OPENED_PER_MINUTE, request)
        try:
            followed = await find()
        except (InvalidInput, NotFound):
            if not wants_page(request):
                raise
            return self._page(request, "gone", 404, None)
        shown = "stopped" if step == "stop" and followed.is_ended else step
        return self._page(request, shown, 200, followed.licence, followed)

    def _page(
        self,
        request: Asked,
        step: str,
        status: int,
        licence: Ref | None,
        followed: Followed | None = None,
        wrong: str = "",
        filled: str = "",
    ) -> Response[bytes]:
        pages, site = self._desk.pages, self._desk.site
        code = licence.typed_code if licence else ""
        return pages.page(
            request,
            "follow.html",
            status,
            step=step,
            code=code,
            feed=f"{site.public_url}/C/{code}/feed",
            offers_mail=self._desk.following.offers_mail,
            renewing=followed is not None and followed.is_confirmed,
            until=pages.language(request).day(beijing_date(followed.expires_at)) if followed else "",
            wrong=wrong,
            filled=filled,
        )

    async def _licence(self, ref: Ref, now: datetime) -> Ref:
        """The licence that a code leads to: its own, or that of a permit.

        Raises:
            NotFound: no licence has this code, nor a permit under one.
            RegisterUnavailable: it cannot be known now.
        """
        found = await self._desk.register.gather(ref, beijing_date(now), now)
        if found is None or found.certificate.category is Category.PROOF:
            raise NotFound("没有这张执照。请对照纸面再输一次。", "There is no such licence: compare it with the paper.")
        if found.certificate.category is Category.LICENCE:
            return ref
        if found.certificate.licence_ref is None:
            raise RegisterUnavailable("登记簿现在查不了。", "The register cannot be asked now.")
        return found.certificate.licence_ref

    def _admit(self, buckets: Buckets, most: int, request: Asked) -> None:
        wait = math.ceil(buckets.wait(address_of(request.scope), time.monotonic()))
        if wait:
            raise TooManyRequests(
                f"每分钟最多 {most} 次，请过 {wait} 秒再试。",
                f"At most {most} a minute: try again in {wait} seconds.",
                retry_after=wait,
            )


def _moved(request: Asked, path: str) -> Redirect:
    language = request.query_params.get("lang")
    return Redirect(f"{path}?lang={language}" if language in CODES else path, status_code=303)
