"""Problems: for a program as RFC 9457, for a person as a page, with the same words. Unexpected detail never leaves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from litestar.exceptions import HTTPException

from certsvc.errors import CertsvcError, Problem, TooManyRequests, Unavailable, WrongCredentials
from certsvc.http.language import Language

TYPE = "urn:certsvc:problem:"
"""Problem types are names, not addresses: they mean the same wherever the service runs."""

WORDS_BY_STATUS = {404: "no_page", 405: "method", 408: "too_slow", 414: "url_too_long"}
CODES_BY_STATUS = {404: "no_page", 405: "method_not_allowed", 408: "upload_too_slow", 414: "url_too_long"}
RETRY_AFTER_SECONDS = "10"
CHALLENGE = 'Basic realm="certsvc", Bearer realm="certsvc"'
"""How a client may say who it is (RFC 9110 section 11.6.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A problem as it leaves: everything here is safe to show."""

    status: int
    code: str
    title: str
    detail: str
    problems: tuple[Problem, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


def show(error: Exception, language: Language) -> Shown:
    """What to say about an error; of one that nobody expected, only that it happened."""
    if isinstance(error, Unavailable) or (isinstance(error, CertsvcError) and error.status < 500):
        return _shown(error, language, _headers(error))
    if isinstance(error, HTTPException) and error.status_code < 500:
        return _http_shown(error.status_code, language, error.headers or {})
    if isinstance(error, TimeoutError):
        return _http_shown(408, language, {"Connection": "close"})
    words = language.words["problem"]["internal"]
    return Shown(status=500, code="internal", title=words["title"], detail=words["text"])


def _headers(error: CertsvcError) -> dict[str, str]:
    if isinstance(error, WrongCredentials):
        return {"WWW-Authenticate": CHALLENGE}
    if isinstance(error, TooManyRequests):
        return {"Retry-After": str(error.retry_after)}
    return {"Retry-After": RETRY_AFTER_SECONDS} if isinstance(error, Unavailable) else {}


def _shown(error: CertsvcError, language: Language, headers: Mapping[str, str]) -> Shown:
    return Shown(
        status=error.status,
        code=error.code,
        title=language.pick(error.title_zh, error.title()),
        detail=language.pick(error.zh, error.en),
        problems=error.problems,
        headers=headers,
    )


def _http_shown(status: int, language: Language, headers: Mapping[str, str]) -> Shown:
    words = language.words["problem"][WORDS_BY_STATUS.get(status, "bad_request")]
    code = CODES_BY_STATUS.get(status, "bad_request")
    kept = {name: value for name, value in headers.items() if name.lower() in ("allow", "connection")}
    return Shown(status=status, code=code, title=words["title"], detail=words["text"], headers=kept)


def problem_json(shown: Shown) -> dict[str, Any]:
    """The members of RFC 9457 section 3.1, our stable code, and every problem by field in both languages."""
    content: dict[str, Any] = {
        "type": TYPE + shown.code,
        "title": shown.title,
        "status": shown.status,
        "detail": shown.detail,
        "code": shown.code,
    }
    if shown.problems:
        content["problems"] = [
            {"field": problem.field, "code": problem.code, "zh": problem.zh, "en": problem.en}
            for problem in shown.problems
        ]
    return content
