"""Licences for other people's programs, and by number for people: no login, a limit for each address.

By number only businesses are found, by code and the beginning of the name together. Wrong and unknown get one answer.
"""

import math
import time
from datetime import UTC, datetime
from pathlib import Path

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from certsvc.domain.calendar import beijing_date
from certsvc.domain.certificate import Category
from certsvc.errors import InvalidInput, NotFound, SettingsError, TooManyRequests
from certsvc.http.negotiation import JSON
from certsvc.http.pages import Pages
from certsvc.http.rate import Buckets, address_of
from certsvc.http.routes import Asked, route
from certsvc.http.site import Site
from certsvc.verify.as_of import parse_question, verify_as_of
from certsvc.verify.by_number import verify_number
from certsvc.verify.report import Report
from certsvc.verify.scan import verify_code
from certsvc.verify.service import Verifying

NUMBERS_PER_MINUTE = 20
"""How often one address may ask by number: enough for who types them."""

CONTRACT = "public.openapi.json"
HOUR = "public, max-age=3600"


def public_licence_routes(verifying: Verifying, site: Site, pages: Pages) -> list[HTTPRouteHandler]:
    """`/v1/public/…` for programs, `/number` for people."""
    licences, contract = PublicLicences(verifying, pages), _read(site.web_folder / "docs" / CONTRACT)

    async def openapi() -> Response[bytes]:
        return Response(contract, media_type=JSON, headers={"Cache-Control": HOUR})

    return [
        route("/v1/public/licences/{code:str}", "public_licence", licences.licence),
        route("/v1/public/licences/by-uscc/{uscc:str}", "public_licence_by_number", licences.by_number),
        route("/v1/public/openapi.json", "public_openapi", openapi),
        route("/number", "number", licences.for_people),
    ]


class PublicLicences:
    """What the routes do. `now` is taken here, once per request."""

    def __init__(self, verifying: Verifying, pages: Pages) -> None:
        self._verifying, self._pages = verifying, pages
        self._numbers = Buckets(NUMBERS_PER_MINUTE)

    async def licence(self, request: Asked, code: FromPath[str]) -> Response[bytes]:
        now = datetime.now(UTC)
        report = await report_of_code(self._verifying, request, code, now)
        main = report.certificate
        if main is not None and main.certificate.category is not Category.LICENCE:
            raise NotFound("没有这张执照。", "There is no such licence.")
        return self._pages.answer(request, report)

    async def by_number(self, request: Asked, uscc: FromPath[str]) -> Response[bytes]:
        self._admit(request)
        name = request.query_params.get("name", "")
        return self._pages.answer(request, await verify_number(self._verifying, uscc, name, datetime.now(UTC)))

    async def for_people(self, request: Asked) -> Response[bytes]:
        return await self.by_number(request, request.query_params.get("uscc", ""))

    def _admit(self, request: Asked) -> None:
        wait = math.ceil(self._numbers.wait(address_of(request.scope), time.monotonic()))
        if wait:
            raise TooManyRequests(
                f"每分钟最多按号码查 {NUMBERS_PER_MINUTE} 次，请过 {wait} 秒再试。",
                f"At most {NUMBERS_PER_MINUTE} questions by number a minute: try again in {wait} seconds.",
                retry_after=wait,
            )


async def report_of_code(verifying: Verifying, request: Asked, code: str, now: datetime) -> Report:
    """The report on a typed code, of today or of the day that `as_of` names.

    Raises:
        InvalidInput: `as_of` or `known_at` is not written as a day or a moment, or `known_at` stands alone.
        See also `verify_code` and `verify_as_of`.
    """
    day, known_at = (request.query_params.get(key, "").strip() for key in ("as_of", "known_at"))
    if not day:
        if known_at:
            raise InvalidInput("known_at 要与 as_of 一起写。", "Give `known_at` together with `as_of`.")
        return await verify_code(verifying, code, now)
    question = parse_question(day, known_at, now)
    if question.known_at is None and question.day == beijing_date(now):
        return await verify_code(verifying, code, now)
    return await verify_as_of(verifying, code, question, now)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"读不了 {path}：{error.strerror}", f"Cannot read {path}: {error.strerror}") from None
