"""The trust routes: OCSP and timestamps, with keys for these two services and no other; and the files of trust."""

import asyncio
import base64
import binascii
import functools
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import unquote_to_bytes

from cryptography.x509.ocsp import OCSPResponseStatus
from litestar import Litestar, Response
from litestar.handlers import HTTPRouteHandler
from structlog.typing import FilteringBoundLogger

from certsvc.authority.ocsp import TRY_LATER, OcspAnswer, OcspResponder
from certsvc.authority.timestamp_request import Failure
from certsvc.authority.timestamp_responder import OUT_OF_ORDER, TimestampResponder
from certsvc.errors import WorkersBusy
from certsvc.http.application import make_application
from certsvc.http.facts import static_trust_routes
from certsvc.http.messages import read_message
from certsvc.http.pages import Pages
from certsvc.http.rate import Clients, Gate, address_of
from certsvc.http.routes import Asked, route
from certsvc.http.site import Site
from certsvc.http.threads import KeyThreads
from certsvc.log import open_log

MAX_OCSP, MAX_TIMESTAMP = 4 * 1024, 8 * 1024
OCSP_REQUEST, OCSP_RESPONSE = "application/ocsp-request", "application/ocsp-response"
TIMESTAMP_QUERY, TIMESTAMP_REPLY = "application/timestamp-query", "application/timestamp-reply"
OCSP_PATH = "/ocsp"
FOR_ITS_ASKER = "private, max-age=0"
"""RFC 9919 section 7.2 forbids no-store on signed answers; these say that only the asker may use them, and now."""

URL_ALPHABET = bytes.maketrans(b"-_ ", b"+/+")
"""Base64 as some clients and proxies spell it in addresses."""

OUR_FAILURES = {Failure.TIME_NOT_AVAILABLE, Failure.SYSTEM_FAILURE}
OUR_ERRORS = {OCSPResponseStatus.TRY_LATER, OCSPResponseStatus.INTERNAL_ERROR}
"""What is no fault of who asks: logged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustServices:
    """What the trust role needs. `strangers_per_minute` timestamps for each address; known clients have no limit."""

    ocsp: OcspResponder
    timestamps: TimestampResponder
    clients: Clients
    strangers_per_minute: int

    def require_ready(self, now: datetime) -> dict[str, str]:
        """See that both services can answer now.

        Raises:
            Unavailable: the clock is not good, the timestamp certificate is not in its term, or a CRL is stale.
            CustodyError: a responder's certificate is not in its term.
        """
        synchronised = self.timestamps.require_ready(now)
        self.ocsp.require_current(now)
        return {"status": "ready", "clock": "synchronised" if synchronised else "system"}


Services = Callable[[], TrustServices]
"""Gives the services as they are now: keys have next generations, and nobody restarts for them."""


def trust_routes(services: Services, log: FilteringBoundLogger) -> list[HTTPRouteHandler]:
    """`/ocsp` and `/tsa`."""
    trust = _Trust(services, log)
    return [
        route(OCSP_PATH, "ocsp", trust.ocsp_post, "POST"),
        route(OCSP_PATH + "/{encoded:path}", "ocsp_get", trust.ocsp_get),
        route("/tsa", "tsa", trust.timestamp, "POST"),
    ]


def create_trust_app(services: Services, site: Site) -> Litestar:
    """The trust role as an ASGI application."""
    pages, log = Pages(site), open_log()

    async def health() -> dict[str, str]:
        return await asyncio.to_thread(services().require_ready, datetime.now(UTC))

    routes = [*trust_routes(services, log), *static_trust_routes(site), route("/health", "health", health)]
    return make_application(routes, site, pages, log)


class _Trust:
    """What the routes do. `now` is taken here, once per request."""

    def __init__(self, services: Services, log: FilteringBoundLogger) -> None:
        self._services, self._log = services, log
        self._gate = Gate(services().clients, services().strangers_per_minute)
        self._ocsp_threads, self._timestamp_threads = KeyThreads("ocsp"), KeyThreads("tsa")

    async def ocsp_post(self, request: Asked) -> Response[bytes]:
        return await self._ocsp(request, await read_message(request, OCSP_REQUEST, MAX_OCSP))

    async def ocsp_get(self, request: Asked) -> Response[bytes]:
        return await self._ocsp(request, _message_in(request.scope["raw_path"]))

    async def timestamp(self, request: Asked) -> Response[bytes]:
        message = await read_message(request, TIMESTAMP_QUERY, MAX_TIMESTAMP)
        self._gate.admit(request.headers.get("authorization"), address_of(request.scope), time.monotonic())
        respond = functools.partial(self._services().timestamps.respond, message, datetime.now(UTC))
        try:
            reply = await self._timestamp_threads.run(respond)
        except WorkersBusy:
            reply = OUT_OF_ORDER
        if reply.failure in OUR_FAILURES:
            self._log.error("no_timestamp", failure=reply.failure.name)
        return Response(reply.der, media_type=TIMESTAMP_REPLY)

    async def _ocsp(self, request: Asked, message: bytes) -> Response[bytes]:
        now = datetime.now(UTC)
        try:
            answer = await self._ocsp_threads.run(functools.partial(self._services().ocsp.respond, message, now))
        except WorkersBusy:
            answer = TRY_LATER
        if answer.error in OUR_ERRORS:
            self._log.error("no_ocsp_answer", error=answer.error.name)
        headers = _ocsp_headers(answer, now)
        if headers.get("ETag") == request.headers.get("if-none-match", "") and request.method != "POST":
            return Response(b"", status_code=304, headers=headers)
        return Response(answer.der, media_type=OCSP_RESPONSE, headers=headers)


def _message_in(path: bytes) -> bytes:
    """The request in an address (RFC 6960 Appendix A.1), also with slashes that were not escaped; what is no Base64 is
    an empty message, which the responder calls malformed."""
    text = unquote_to_bytes(path.partition(OCSP_PATH.encode() + b"/")[2]).translate(URL_ALPHABET).rstrip(b"=")
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return b""


def _ocsp_headers(answer: OcspAnswer, now: datetime) -> dict[str, str]:
    """RFC 9919 sections 6 and 7.2 (RFC 5019 sections 5 and 6.2)."""
    if answer.error is not None:
        return {}
    if answer.caching is None:
        return {"Cache-Control": FOR_ITS_ASKER}
    seconds = max(0, int((answer.caching.until - now).total_seconds()))
    return {
        "Cache-Control": f"max-age={seconds}, public, no-transform, must-revalidate",
        "ETag": f'"{hashlib.sha256(answer.der).hexdigest()}"',
        "Expires": format_datetime(answer.caching.next_update, usegmt=True),
        "Last-Modified": format_datetime(answer.caching.this_update, usegmt=True),
        "Vary": "Accept-Encoding",
    }
