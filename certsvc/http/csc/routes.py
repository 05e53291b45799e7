"""`/csc/v2` and `/csc/v1`: signing digests under a seal for documents (CSC API 2.0.0.2 and 1.0.4.0), all by POST and in
JSON. Errors are in the API's own form: its clients know no other."""

import base64
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from structlog.typing import FilteringBoundLogger

from certsvc.domain.document_seal import DigestsAsked, Output, State
from certsvc.errors import (
    CertsvcError,
    Forbidden,
    InvalidInput,
    NotFound,
    TooManyRequests,
    Unavailable,
    WrongCredentials,
)
from certsvc.http.csc.credentials import (
    LANGUAGE,
    SealCertificates,
    algorithms_of,
    credential_info,
    is_usable,
)
from certsvc.http.csc.shapes import AuthorizeBody, InfoBody, ListBody, SignBody
from certsvc.http.messages import read_message
from certsvc.http.negotiation import JSON
from certsvc.http.office.caller import Caller, Doorkeeper, caller_of
from certsvc.http.problems import RETRY_AFTER_SECONDS
from certsvc.http.routes import Asked, route
from certsvc.issuance.documents.requests import ask_for_signatures, authorize, give_up, hash_of, may_use
from certsvc.issuance.documents.service import DocumentOffice
from certsvc.log import log_unexpected

SPECS = {"v1": "1.0.4.0", "v2": "2.0.0.2"}
METHODS = ["info", "credentials/list", "credentials/info", "credentials/authorize", "signatures/signHash"]
MAX_BODY = 64 * 1024
WAITS = 20.0
"""Seconds that a signature is waited for; then it is never made."""

GOOD_FOR = timedelta(seconds=30)
NOT_KEPT = {"Cache-Control": "no-store"}
Body = TypeVar("Body")


class CscError(Exception):
    """An error in the API's own words."""

    def __init__(self, status: int, error: str, description: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(error)
        self.status, self.error, self.description, self.headers = status, error, description, headers or {}


def csc_routes(
    office: DocumentOffice,
    book: SealCertificates,
    doorkeeper: Doorkeeper,
    issuer: str,
    name: str,
    log: FilteringBoundLogger,
) -> list[HTTPRouteHandler]:
    """The methods, under both versions. `issuer` is where access tokens come from (RFC 8414), `name` the service's."""
    methods = _Methods(office, book, issuer, name)
    answered = _Answered(doorkeeper, log)
    found = [
        route([f"/csc/{version}/info"], f"csc_info_{version}", answered.openly(methods.info(version)), "POST")
        for version in SPECS
    ]
    for method, work in methods.authorized().items():
        paths = [f"/csc/{version}/{method}" for version in SPECS]
        found.append(route(paths, "csc_" + method.replace("/", "_"), answered.for_callers(work), "POST"))
    return found


Work = Callable[[Caller, bytes, datetime], Awaitable[dict[str, Any]]]


class _Answered:
    """Methods as routes: who calls is found first, and every error is told in the API's own form."""

    def __init__(self, doorkeeper: Doorkeeper, log: FilteringBoundLogger) -> None:
        self._doorkeeper, self._log = doorkeeper, log

    def openly(self, told: Mapping[str, Any]) -> Callable[..., Any]:
        """A route that tells everybody the same."""

        async def answer(request: Asked) -> Response[bytes]:
            return _json(200, told)

        return answer

    def for_callers(self, work: Work) -> Callable[..., Any]:
        """A route for who has an access token."""

        async def answer(request: Asked) -> Response[bytes]:
            try:
                await self._doorkeeper(request, request.route_handler)
                body = await read_message(request, JSON, MAX_BODY)
                return _json(200, await work(caller_of(request), body, datetime.now(UTC)))
            except (CertsvcError, CscError) as error:
                told = error if isinstance(error, CscError) else self._in_their_words(error)
            except Exception as error:
                log_unexpected(self._log, error, csc=request.scope["path"].rpartition("/")[2])
                told = CscError(500, "server_error", "Something went wrong; the log has it.")
            return _json(told.status, {"error": told.error, "error_description": told.description}, told.headers)

        return answer

    def _in_their_words(self, error: CertsvcError) -> CscError:
        match error:
            case WrongCredentials():
                return CscError(401, "invalid_token", error.en, {"WWW-Authenticate": error.challenge})
            case TooManyRequests():
                return CscError(429, "slow_down", error.en, {"Retry-After": str(error.retry_after)})
            case Unavailable():
                return CscError(503, "temporarily_unavailable", error.en, {"Retry-After": RETRY_AFTER_SECONDS})
            case Forbidden() if error.code == Forbidden.code:
                return CscError(403, "access_denied", error.en)
            case _ if error.status < 500:
                return CscError(400, "invalid_request", error.en)
        log_unexpected(self._log, error, csc="method")
        return CscError(500, "server_error", "Something went wrong; the log has it.")


class _Methods:
    """What the methods do."""

    def __init__(self, office: DocumentOffice, book: SealCertificates, issuer: str, name: str) -> None:
        self._office, self._book, self._issuer, self._name = office, book, issuer, name

    def info(self, version: str) -> dict[str, Any]:
        """`info`: what this service is, and where access tokens come from."""
        told: dict[str, Any] = {
            "specs": SPECS[version],
            "name": self._name,
            "logo": f"{self._issuer}/favicon.ico",
            "region": "CN",
            "lang": LANGUAGE,
            "description": "Signs digests under seals that departments keep for their own documents.",
            "methods": METHODS,
        }
        if version == "v1":
            return {**told, "authType": ["external"]}
        return {**told, "authType": ["oauth2client"], "oauth2Issuer": self._issuer, "asynchronousOperationMode": False}

    def authorized(self) -> Mapping[str, Work]:
        """The methods for who has an access token."""
        return {
            "credentials/list": self._list,
            "credentials/info": self._info,
            "credentials/authorize": self._authorize,
            "signatures/signHash": self._sign,
        }

    async def _list(self, caller: Caller, body: bytes, now: datetime) -> dict[str, Any]:
        asked = _read(body, ListBody)
        mine = [
            each
            for each in await self._office.seals.seals(now)
            if may_use(caller.actor, each.seal) and self._has(each.seal.id)
        ]
        found = [each for each in mine if not asked.only_valid or is_usable(each, self._book, now)]
        told: dict[str, Any] = {"credentialIDs": [each.seal.id for each in found]}
        if asked.credential_info:
            told["credentialInfos"] = [
                {
                    "credentialID": each.seal.id,
                    **credential_info(each, self._book, asked.certificates, with_names=asked.cert_info, now=now),
                }
                for each in found
            ]
        return told

    async def _info(self, caller: Caller, body: bytes, now: datetime) -> dict[str, Any]:
        asked = _read(body, InfoBody)
        seal_id = await self._mine(caller, asked.credential_id, now)
        seal = await self._office.seals.seal(seal_id, now)
        return credential_info(seal, self._book, asked.certificates, with_names=asked.cert_info, now=now)

    async def _authorize(self, caller: Caller, body: bytes, now: datetime) -> dict[str, Any]:
        asked = _read(body, AuthorizeBody)
        digests = asked.digests()
        if asked.num_signatures != len(digests):
            raise InvalidInput("numSignatures 与摘要数不符。", "Invalid parameter numSignatures: as many as hashes")
        seal_id = await self._mine(caller, asked.credential_id, now)
        sad, until = await authorize(self._office, caller.actor, seal_id, digests, now)
        return {"SAD": sad, "expiresIn": int((until - now).total_seconds())}

    async def _sign(self, caller: Caller, body: bytes, now: datetime) -> dict[str, Any]:
        """The signatures are made by a worker and waited for: what did not come in time is never made."""
        asked = _read(body, SignBody)
        seal_id = await self._mine(caller, asked.credential_id, now)
        if asked.sign_algo not in algorithms_of(self._book.seal_certificates(seal_id)[0]):
            raise InvalidInput("signAlgo 与密钥不符。", "Invalid parameter signAlgo: see key/algo of credentials/info")
        if asked.operation_mode != "S":
            raise InvalidInput("只有同步方式。", "Invalid parameter operationMode: S alone")
        wanted = DigestsAsked(
            client=caller.actor.name,
            key=f"csc:{secrets.token_hex(16)}",
            seal_id=seal_id,
            digests=asked.digests(),
            output=Output.RAW,
            reason="CSC signatures/signHash",
            authorization=hash_of(asked.sad),
            good_until=now + GOOD_FOR,
        )
        made = await ask_for_signatures(self._office, caller.actor, wanted, now, WAITS)
        request = made.request
        if request.state is State.WAITING:
            request = await give_up(self._office, request.id, datetime.now(UTC))
        if request.state is not State.DONE:
            why = made.waiting.en if made.waiting else request.failure.en if request.failure else "It was not signed."
            raise CscError(503, "temporarily_unavailable", why, {"Retry-After": RETRY_AFTER_SECONDS})
        return {"signatures": [base64.b64encode(one).decode("ascii") for one in request.signatures]}

    async def _mine(self, caller: Caller, seal_id: str, now: datetime) -> str:
        """A credential of the caller's; others do not exist for it."""
        try:
            seal = (await self._office.seals.seal(seal_id, now)).seal
        except NotFound:
            raise _unknown() from None
        if not (may_use(caller.actor, seal) and self._has(seal.id)):
            raise _unknown()
        return seal.id

    def _has(self, seal_id: str) -> bool:
        """Whether its key was made."""
        try:
            return bool(self._book.seal_certificates(seal_id))
        except NotFound:
            return False


def _unknown() -> InvalidInput:
    return InvalidInput("没有这个凭据。", "Invalid parameter credentialID")


def _read(body: bytes, kind: type[Body]) -> Body:
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput("请求的内容不合要求。", f"Invalid parameters: {error}"[:400]) from None


def _json(status: int, value: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response[bytes]:
    return Response(
        msgspec.json.encode(value), status_code=status, media_type=JSON, headers={**NOT_KEPT, **(headers or {})}
    )
