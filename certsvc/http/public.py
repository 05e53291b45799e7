"""The public routes: scan a QR, type a code, check a file. They read, and hold no key."""

import hashlib
import math
import time
from datetime import UTC, datetime
from typing import Any

from litestar import Litestar, Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect
from structlog.typing import FilteringBoundLogger

from certsvc.domain.token import Claims, parse_digits
from certsvc.errors import InvalidIdentifier, NotFound, RegisterUnavailable, TooManyRequests
from certsvc.http.application import make_application
from certsvc.http.histories import history_routes
from certsvc.http.language import CODES
from certsvc.http.negotiation import wants_page
from certsvc.http.offline import offline_routes
from certsvc.http.pages import Pages
from certsvc.http.pasted import place_of
from certsvc.http.public_licences import public_licence_routes, report_of_code
from certsvc.http.rate import Buckets, address_of
from certsvc.http.routes import Asked, route
from certsvc.http.shared import shared_routes
from certsvc.http.site import Site
from certsvc.http.upload import Uploads
from certsvc.http.upload_receipt import read_brought
from certsvc.http.verifier.alarms import raise_alarms
from certsvc.log import open_log
from certsvc.verify.case import CaseReport, follow_case
from certsvc.verify.changed import what_changed
from certsvc.verify.photo import examine_upload
from certsvc.verify.report import Report, Soundness
from certsvc.verify.scan import verify_scan
from certsvc.verify.service import Verifying

CASES_PER_MINUTE = 60
"""How often one address may ask for cases and for codes that no certificate has: enough for a counter and its queue."""


def public_routes(verifying: Verifying, site: Site, pages: Pages, log: FilteringBoundLogger) -> list[HTTPRouteHandler]:
    """Every public route; names are what the access log shows."""
    public = _Public(verifying, site, pages, log)
    return [
        route("/", "home", public.home),
        route("/Q/{digits:str}", "scan", public.scan),
        route("/C/{code:str}", "code", public.code),
        route("/P/{code:str}", "case", public.case),
        route("/code", "typed", public.typed),
        route("/verify", "file", public.file, "POST"),
        route("/health", "health", public.health),
        *history_routes(verifying, site, pages),
        *public_licence_routes(verifying, site, pages),
        *offline_routes(verifying.catalog, verifying.hosts, site, pages),
        *shared_routes(site, pages),
    ]


def create_public_app(verifying: Verifying, site: Site) -> Litestar:
    """The public verifier as an ASGI application."""
    pages, log = Pages(site), open_log()
    return make_application(public_routes(verifying, site, pages, log), site, pages, log)


class _Public:
    """What the routes do. `now` is taken here, once per request."""

    def __init__(self, verifying: Verifying, site: Site, pages: Pages, log: FilteringBoundLogger) -> None:
        self._verifying, self._site, self._pages, self._log = verifying, site, pages, log
        self._uploads, self._cases = Uploads(), Buckets(CASES_PER_MINUTE)

    async def home(self, request: Asked) -> Response[bytes]:
        return self._pages.home(request)

    async def scan(self, request: Asked, digits: FromPath[str]) -> Response[bytes]:
        report = await verify_scan(self._verifying, digits, datetime.now(UTC))
        raise_alarms(self._log, report, request.scope)
        return self._pages.answer(request, report, _sound_claims(report, digits))

    async def code(self, request: Asked, code: FromPath[str]) -> Response[bytes]:
        try:
            report = await report_of_code(self._verifying, request, code, datetime.now(UTC))
        except InvalidIdentifier as error:
            return self._mistyped(request, code, error)
        except NotFound as error:
            if not wants_page(request):
                raise
            return await self._case_or_none(request, code, error)
        return self._pages.answer(request, report)

    async def case(self, request: Asked, code: FromPath[str]) -> Response[bytes]:
        try:
            report = await self._follow(request, code)
        except InvalidIdentifier as error:
            return self._mistyped(request, code, error)
        except NotFound as error:
            if not wants_page(request):
                raise
            return self._pages.no_case(request, code, error)
        return self._pages.case(request, report)

    async def typed(self, request: Asked) -> Response[Any]:
        """Where the form leads: what is mistyped or leads to others is said at once, everything else moves to its own
        address."""
        code = request.query_params.get("code", "")
        try:
            return _moved(request, place_of(code, self._site.host))
        except InvalidIdentifier as error:
            return self._mistyped(request, code, error)

    async def file(self, request: Asked) -> Response[bytes]:
        upload = await read_brought(request, self._uploads)
        now = datetime.now(UTC)
        examined = await examine_upload(self._verifying, upload.content, now)
        report, digits = examined.report, examined.digits
        raise_alarms(self._log, report, request.scope)
        return self._pages.result(
            request,
            report,
            200,
            claims=_sound_claims(report, digits) if digits else None,
            file_name=upload.name,
            file_sha256=hashlib.sha256(upload.content).hexdigest(),
            changed=await what_changed(self._verifying, examined, upload.content, now) if wants_page(request) else None,
        )

    async def health(self) -> dict[str, str]:
        register = self._verifying.register
        if register is None or not await register.ready():
            raise RegisterUnavailable("登记簿现在查不了。", "The register cannot be asked now.")
        return {"status": "ready"}

    def _mistyped(self, request: Asked, code: str, error: InvalidIdentifier) -> Response[bytes]:
        """The start again for a person; a program gets the problem itself."""
        if not wants_page(request):
            raise error
        return self._pages.mistyped(request, code, error)

    async def _case_or_none(self, request: Asked, code: str, error: NotFound) -> Response[Any]:
        """A code that no certificate has: the form is one for both, so it may be a case's."""
        try:
            report = await self._follow(request, code)
        except NotFound:
            return self._pages.no_record(request, code, error)
        return _moved(request, f"/P/{report.progress.ref.typed_code}")

    async def _follow(self, request: Asked, code: str) -> CaseReport:
        wait = math.ceil(self._cases.wait(address_of(request.scope), time.monotonic()))
        if wait:
            raise TooManyRequests(
                f"每分钟最多查 {CASES_PER_MINUTE} 次办件进度，请过 {wait} 秒再试。",
                f"Cases can be asked for {CASES_PER_MINUTE} times a minute: try again in {wait} seconds.",
                retry_after=wait,
            )
        return await follow_case(self._verifying, code, datetime.now(UTC))


def _moved(request: Asked, path: str) -> Redirect:
    """To another address, in the language that was asked for."""
    language = request.query_params.get("lang")
    return Redirect(f"{path}?lang={language}" if language in CODES else path, status_code=303)


def _sound_claims(report: Report, digits: str) -> Claims | None:
    """What the token says, only when its signature was found to be ours."""
    return parse_digits(digits).claims if report.document is Soundness.SOUND else None
