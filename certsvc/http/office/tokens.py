"""`/oauth/token`: an access token for a signed assertion (RFC 6749 section 4.4, RFC 7523); and where that is told.

Answers are those of RFC 6749 section 5, errors too: programs that know OAuth know no other.
"""

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from structlog.typing import FilteringBoundLogger

from certsvc.access.jwks import ALGORITHMS
from certsvc.access.service import TOKEN_PATH, Access
from certsvc.errors import CertsvcError, InvalidInput, Unavailable, WrongCredentials, WrongScope
from certsvc.http.messages import read_message
from certsvc.http.negotiation import JSON
from certsvc.http.problems import RETRY_AFTER_SECONDS
from certsvc.http.rate import Buckets, address_of
from certsvc.http.routes import Asked, route

METADATA_PATH = "/.well-known/oauth-authorization-server"
FORM = "application/x-www-form-urlencoded"
MAX_FORM, MOST_PARAMETERS = 16 * 1024, 20
GRANT = "client_credentials"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
NOT_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}
HOUR = {"Cache-Control": "public, max-age=3600"}
NOT_TO_BE_SHOWN = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")
"""What an error_description never has (RFC 6749 section 5.2)."""

STATUSES = {"invalid_client": 401, "temporarily_unavailable": 503, "slow_down": 429}


class OAuthError(Exception):
    """An error in OAuth's own words, answered with 400 where `STATUSES` says nothing else."""

    def __init__(self, error: str, description: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(error)
        self.error, self.description, self.headers = error, description, headers or {}


def token_routes(access: Access, per_minute: int, log: FilteringBoundLogger) -> list[HTTPRouteHandler]:
    """`POST /oauth/token`, so many times a minute for each address, and the metadata of RFC 8414."""
    tokens = _Tokens(access, per_minute, log)
    return [route(TOKEN_PATH, "token", tokens.token, "POST"), route(METADATA_PATH, "oauth_metadata", tokens.metadata)]


class _Tokens:
    """What the routes do. `now` is taken here, once per request."""

    def __init__(self, access: Access, per_minute: int, log: FilteringBoundLogger) -> None:
        self._access, self._log, self._buckets = access, log, Buckets(per_minute)

    async def token(self, request: Asked) -> Response[bytes]:
        try:
            self._require_patience(request)
            form = await _read_form(request)
            _require_grant(form, request.headers.get("authorization"))
            asked = _assertion(form), form.get("scope", ""), form.get("client_id")
            granted = await self._access.grant(*asked, datetime.now(UTC))
        except (OAuthError, CertsvcError) as error:
            return self._refused(error)
        answer = {
            "access_token": granted.access_token,
            "token_type": "Bearer",
            "expires_in": granted.expires_in,
            "scope": " ".join(sorted(granted.scopes)),
        }
        return _json(200, answer, NOT_KEPT)

    async def metadata(self) -> Response[bytes]:
        issuer = self._access.tokens.issuer
        told = {
            "issuer": issuer,
            "token_endpoint": self._access.token_url,
            "response_types_supported": [],
            "grant_types_supported": [GRANT],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
            "service_documentation": f"{issuer}/docs",
        }
        return _json(200, told, HOUR)

    def _require_patience(self, request: Asked) -> None:
        wait, _ = self._buckets.take(address_of(request.scope), time.monotonic())
        if wait:
            raise OAuthError("slow_down", f"Try again in {wait} seconds.", {"Retry-After": str(wait)})

    def _refused(self, error: OAuthError | CertsvcError) -> Response[bytes]:
        told = _in_their_words(error)
        reason = error.reason if isinstance(error, WrongCredentials) else told.error
        self._log.info("token_refused", error=told.error, reason=reason)
        description = NOT_TO_BE_SHOWN.sub("?", told.description)
        answer = {"error": told.error, "error_description": description}
        return _json(STATUSES.get(told.error, 400), answer, {**NOT_KEPT, **told.headers})


def _in_their_words(error: OAuthError | CertsvcError) -> OAuthError:
    """An error of ours in OAuth's words.

    Raises:
        CertsvcError: nobody expected it.
    """
    match error:
        case OAuthError():
            return error
        case WrongCredentials():
            return OAuthError("invalid_client", error.en)
        case WrongScope():
            return OAuthError("invalid_scope", error.en)
        case InvalidInput():
            return OAuthError("invalid_request", error.en)
        case Unavailable():
            return OAuthError("temporarily_unavailable", error.en, {"Retry-After": RETRY_AFTER_SECONDS})
        case _:
            raise error


async def _read_form(request: Asked) -> dict[str, str]:
    """The parameters of a form; one without a value is as good as left out (RFC 6749 section 3.2).

    Raises:
        OAuthError: it is no form, or has a parameter twice.
        InvalidInput: it is too long, or did not arrive in time.
    """
    kind, _ = request.content_type
    body = await read_message(request, FORM, MAX_FORM)
    if kind != FORM:
        raise OAuthError("invalid_request", f"Send a form: Content-Type: {FORM}.")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MOST_PARAMETERS,
        )
    except ValueError:
        raise OAuthError("invalid_request", "The form is malformed.") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise OAuthError("invalid_request", "A parameter is there twice.")
    return {name: value for name, value in form.items() if value}


def _require_grant(form: Mapping[str, str], authorization: str | None) -> None:
    if "grant_type" not in form:
        raise OAuthError("invalid_request", f"The parameter grant_type is missing: {GRANT}.")
    if form["grant_type"] != GRANT:
        raise OAuthError("unsupported_grant_type", f"There is one grant_type: {GRANT}.")
    if authorization is not None or "client_secret" in form:
        raise OAuthError("invalid_request", "A client says who it is by client_assertion, and by nothing else.")


def _assertion(form: Mapping[str, str]) -> str:
    if form.get("client_assertion_type") != ASSERTION or "client_assertion" not in form:
        raise OAuthError("invalid_client", f"Send client_assertion, with client_assertion_type={ASSERTION}.")
    return form["client_assertion"]


def _json(status: int, value: Mapping[str, Any], headers: Mapping[str, str]) -> Response[bytes]:
    return Response(msgspec.json.encode(value), status_code=status, media_type=JSON, headers=dict(headers))
