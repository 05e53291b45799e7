"""Problems: for a program as RFC 9457, for a person as a page, with the same words. Unexpected detail never leaves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from litestar import Response
from litestar.exceptions import HTTPException, ValidationException

from certsvc.errors import (
    CertsvcError,
    InvalidInput,
    Problem,
    RequestInProgress,
    TooManyRequests,
    Unavailable,
    WrongCredentials,
)
from certsvc.http.language import Language

TYPE = "urn:certsvc:problem:"
"""Problem types are names, not addresses: they mean the same wherever the service runs."""

WORDS_BY_STATUS = {404: "no_page", 405: "method", 408: "too_slow", 413: "too_large", 414: "url_too_long"}
CODES_BY_STATUS = {
    404: "no_page",
    405: "method_not_allowed",
    408: "upload_too_slow",
    413: "message_too_large",
    414: "url_too_long",
}
MOST_PROBLEMS, LONGEST_FIELD, LONGEST_DETAIL = 50, 200, 400
RETRY_AFTER_SECONDS = "10"


class AnsweredByPage(Exception):
    """Ends a request with a page of its own in place of the one for its problem, which is the cause: where what was
    typed must not be lost."""

    def __init__(self, page: Response[Any]) -> None:
        super().__init__()
        self.page = page


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
    if isinstance(error, ValidationException):
        return _validation_shown(error, language)
    if isinstance(error, HTTPException) and error.status_code < 500:
        return _http_shown(error.status_code, language, error.headers or {})
    if isinstance(error, TimeoutError):
        return _http_shown(408, language, {"Connection": "close"})
    words = language.words["problem"]["internal"]
    return Shown(status=500, code="internal", title=words["title"], detail=words["text"])


def _headers(error: CertsvcError) -> dict[str, str]:
    if isinstance(error, WrongCredentials):
        return {"WWW-Authenticate": error.challenge}
    if isinstance(error, TooManyRequests):
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, RequestInProgress):
        return {"Retry-After": "1"}
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


def _validation_shown(error: ValidationException, language: Language) -> Shown:
    """What is wrong with the parameters or the body, by field, in the words of the parser."""
    found = [each for each in error.extra if isinstance(each, dict)] if isinstance(error.extra, list) else []
    problems = [
        Problem(
            field=_field(each),
            code="invalid_value",
            zh=f"不合要求：{each.get('message', '')}",
            en=f"{each.get('message', 'It is not acceptable')}.",
        )
        for each in found[:MOST_PROBLEMS]
    ]
    if not problems:  # a parameter that is missing is said in the detail alone
        said = str(error.detail)[:LONGEST_DETAIL]
        problems = [Problem(field="", code="invalid_value", zh=f"不合要求：{said}", en=said)]
    return _shown(
        InvalidInput("请求的参数或内容不合要求。", "The parameters or the body are not acceptable.", problems=problems),
        language,
        {},
    )


def _field(each: Mapping[str, Any]) -> str:
    source, key = str(getattr(each.get("source"), "value", each.get("source", ""))), str(each.get("key", ""))
    return key[:LONGEST_FIELD] if source == "body" else f"{source}:{key}"[:LONGEST_FIELD]


def _http_shown(status: int, language: Language, headers: Mapping[str, str]) -> Shown:
    words = language.words["problem"][WORDS_BY_STATUS.get(status, "bad_request")]
    code = CODES_BY_STATUS.get(status, "bad_request")
    kept = {name: value for name, value in headers.items() if name.lower() in ("allow", "connection")}
    return Shown(status=status, code=code, title=words["title"], detail=words["text"], headers=kept)


def problem_json(shown: Shown) -> dict[str, Any]:
    """The members of RFC 9457 section 3.1, our stable code, and every problem by field in both languages."""
    content: dict[str, Any] = {
        "type": TYPE + shown.code,
        "title": str(shown.title),
        "status": shown.status,
        "detail": str(shown.detail),
        "code": shown.code,
    }
    if shown.problems:
        content["problems"] = [
            {"field": problem.field, "code": problem.code, "zh": problem.zh, "en": problem.en}
            for problem in shown.problems
        ]
    return content
