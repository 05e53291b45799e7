"""The trust routes: OCSP, timestamps and receipts, with the keys of these services and no other; the files of trust."""

import asyncio
import base64
import binascii
import functools
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import unquote_to_bytes

from cryptography.x509.ocsp import OCSPResponseStatus
from litestar import Litestar, Response
from litestar.handlers import HTTPRouteHandler
from structlog.typing import FilteringBoundLogger

from certsvc.authority.ocsp import NO_KEY, TRY_LATER, OcspAnswer, OcspResponder
from certsvc.authority.timestamp_request import Failure
from certsvc.authority.timestamp_responder import OUT_OF_ORDER, TimestampReply, TimestampResponder
from certsvc.errors import Unavailable, WorkersBusy
from certsvc.http.application import make_application
from certsvc.http.messages import read_message
from certsvc.http.pages import Pages
from certsvc.http.rate import Gate, address_of
from certsvc.http.receipts import Receipting, receipt_routes
from certsvc.http.routes import Asked, route
from certsvc.http.shared import shared_routes
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

NO_TIMESTAMP_KEY = replace(OUT_OF_ORDER)
"""Says the same, and is known apart from it: whoever tried to open the key has logged why, once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustServices:
    """What the trust role needs. Each service is asked for at every request, because keys come, go and have next
    generations, and nobody restarts for them; `timestamps` is None while its key cannot be used. `gate` is who gets
    timestamps, and needs no key."""

    ocsp: Callable[[datetime], OcspResponder]
    timestamps: Callable[[datetime], TimestampResponder | None]
    gate: Gate

    def require_ready(self, now: datetime) -> dict[str, str]:
        """See that both services can answer now.

        Raises:
            Unavailable: what is out of order: a key cannot be used, the clock is not good, the timestamp certificate
                is not in its term, or a CRL is stale.
            CustodyError: a responder's certificate is not in its term.
        """
        synchronised, troubles = False, list[Unavailable]()
        try:
            synchronised = self._require_timestamps(now)
        except Unavailable as error:
            troubles.append(error)
        try:
            self.ocsp(now).require_current(now)
        except Unavailable as error:
            troubles.append(error)
        if troubles:
            raise _together(troubles)
        return {"status": "ready", "clock": "synchronised" if synchronised else "system"}

    def _require_timestamps(self, now: datetime) -> bool:
        responder = self.timestamps(now)
        if responder is None:
            raise Unavailable("时间戳密钥用不了，时间戳停了。", "The timestamp key cannot be used: no timestamps.")
        return responder.require_ready(now)


def _together(troubles: Sequence[Unavailable]) -> Unavailable:
    if len(troubles) == 1:
        return troubles[0]
    return Unavailable("".join(each.zh for each in troubles), " ".join(each.en for each in troubles))


def trust_routes(services: TrustServices, log: FilteringBoundLogger) -> list[HTTPRouteHandler]:
    """`/ocsp` and `/tsa`."""
    trust = _Trust(services, log)
    return [
        route(OCSP_PATH, "ocsp", trust.ocsp_post, "POST"),
        route(OCSP_PATH + "/{encoded:path}", "ocsp_get", trust.ocsp_get),
        route("/tsa", "tsa", trust.timestamp, "POST"),
    ]


def create_trust_app(services: TrustServices, site: Site, receipting: Receipting | None = None) -> Litestar:
    """The trust role as an ASGI application; without `receipting` it says that receipts are unavailable."""
    pages, log = Pages(site), open_log()

    async def health() -> dict[str, str]:
        return await asyncio.to_thread(services.require_ready, datetime.now(UTC))

    receipts = receipt_routes(receipting, site, pages, log)
    routes = [*trust_routes(services, log), *receipts, *shared_routes(site, pages), route("/health", "health", health)]
    return make_application(routes, site, pages, log)


class _Trust:
    """What the routes do. `now` is taken here, once per request."""

    def __init__(self, services: TrustServices, log: FilteringBoundLogger) -> None:
        self._services, self._log = services, log
        self._ocsp_threads, self._timestamp_threads = KeyThreads("ocsp"), KeyThreads("tsa")

    async def ocsp_post(self, request: Asked) -> Response[bytes]:
        return await self._ocsp(request, await read_message(request, OCSP_REQUEST, MAX_OCSP))

    async def ocsp_get(self, request: Asked) -> Response[bytes]:
        return await self._ocsp(request, _message_in(request.scope["raw_path"]))

    async def timestamp(self, request: Asked) -> Response[bytes]:
        message = await read_message(request, TIMESTAMP_QUERY, MAX_TIMESTAMP)
        self._services.gate.admit(request.headers.get("authorization"), address_of(request.scope), time.monotonic())
        try:
            reply = await self._timestamp_threads.run(functools.partial(self._stamp, message, datetime.now(UTC)))
        except WorkersBusy:
            reply = OUT_OF_ORDER
        if reply.failure in OUR_FAILURES and reply is not NO_TIMESTAMP_KEY:
            self._log.error("no_timestamp", failure=reply.failure.name)
        return Response(reply.der, media_type=TIMESTAMP_REPLY)

    def _stamp(self, message: bytes, now: datetime) -> TimestampReply:
        """In a thread, like `_status`: opening a key takes time, too."""
        responder = self._services.timestamps(now)
        return NO_TIMESTAMP_KEY if responder is None else responder.respond(message, now)

    def _status(self, message: bytes, now: datetime) -> OcspAnswer:
        return self._services.ocsp(now).respond(message, now)

    async def _ocsp(self, request: Asked, message: bytes) -> Response[bytes]:
        now = datetime.now(UTC)
        try:
            answer = await self._ocsp_threads.run(functools.partial(self._status, message, now))
        except WorkersBusy:
            answer = TRY_LATER
        if answer.error in OUR_ERRORS and answer is not NO_KEY:
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
