"""The public routes: scan a QR, type a code, check a file. They read, and hold no key."""

from datetime import UTC, datetime
from typing import Any

from litestar import Litestar, Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Redirect
from structlog.typing import FilteringBoundLogger

from certsvc.domain.token import Claims, parse_digits
from certsvc.errors import InvalidIdentifier, NotFound, RegisterUnavailable
from certsvc.http.application import make_application
from certsvc.http.language import CODES
from certsvc.http.negotiation import wants_page
from certsvc.http.pages import Pages
from certsvc.http.problems import RETRY_AFTER_SECONDS
from certsvc.http.routes import Asked, route
from certsvc.http.shared import shared_routes
from certsvc.http.site import Site
from certsvc.http.upload import Uploads
from certsvc.http.verifier.alarms import raise_alarms
from certsvc.ids import parse_typed_code
from certsvc.log import open_log
from certsvc.verify.case import follow_case
from certsvc.verify.file import verify_file
from certsvc.verify.report import Report, Soundness
from certsvc.verify.scan import verify_code, verify_scan
from certsvc.verify.service import Verifying


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
        self._uploads = Uploads()

    async def home(self, request: Asked) -> Response[bytes]:
        return self._pages.home(request)

    async def scan(self, request: Asked, digits: FromPath[str]) -> Response[bytes]:
        report = await verify_scan(self._verifying, digits, datetime.now(UTC))
        raise_alarms(self._log, report, request.scope)
        return self._report(request, report, _sound_claims(report, digits))

    async def code(self, request: Asked, code: FromPath[str]) -> Response[bytes]:
        try:
            report = await verify_code(self._verifying, code, datetime.now(UTC))
        except (InvalidIdentifier, NotFound) as error:
            if not wants_page(request):
                raise
            if isinstance(error, NotFound):
                return self._pages.no_record(request, code, error)
            return self._pages.mistyped(request, code, error)
        return self._report(request, report, None)

    async def case(self, request: Asked, code: FromPath[str]) -> Response[bytes]:
        return self._pages.case(request, await follow_case(self._verifying, code, datetime.now(UTC)))

    async def typed(self, request: Asked) -> Response[Any]:
        """Where the form leads: what is mistyped is said at once, everything else moves to its own address."""
        code, language = request.query_params.get("code", ""), request.query_params.get("lang")
        try:
            path = f"/C/{parse_typed_code(code).typed_code}"
        except InvalidIdentifier as error:
            if not wants_page(request):
                raise
            return self._pages.mistyped(request, code, error)
        return Redirect(f"{path}?lang={language}" if language in CODES else path, status_code=303)

    async def file(self, request: Asked) -> Response[bytes]:
        upload = await self._uploads.read(request)
        report = await verify_file(self._verifying, upload.content, datetime.now(UTC))
        raise_alarms(self._log, report, request.scope)
        return self._pages.result(request, report, 200, file_name=upload.name)

    async def health(self) -> dict[str, str]:
        register = self._verifying.register
        if register is None or not await register.ready():
            raise RegisterUnavailable("登记簿现在查不了。", "The register cannot be asked now.")
        return {"status": "ready"}

    def _report(self, request: Asked, report: Report, claims: Claims | None) -> Response[bytes]:
        if not report.register_failed:
            return self._pages.result(request, report, 200, claims=claims)
        response = self._pages.result(request, report, 503, claims=claims)
        response.headers["Retry-After"] = RETRY_AFTER_SECONDS
        return response


def _sound_claims(report: Report, digits: str) -> Claims | None:
    """What the token says, only when its signature was found to be ours."""
    return parse_digits(digits).claims if report.document is Soundness.SOUND else None
