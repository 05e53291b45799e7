"""What the client wants: a page or JSON, and in which language."""

from typing import Any

from litestar import Request
from litestar.datastructures.headers import Accept

from certsvc.http.language import choose_language

HTML, JSON, PROBLEM = "text/html", "application/json", "application/problem+json"
HTML_FIRST, JSON_FIRST = [HTML, JSON, PROBLEM], [JSON, PROBLEM, HTML]
LONGEST_ACCEPT = 1000
FOR_PROGRAMS = ("/v1/", "/csc/", "/oauth/")


def wants_page(request: Request[Any, Any, Any]) -> bool:
    """Whether to answer with a page (RFC 9110 section 12.5.1). What programs call never is one.

    Who takes anything gets a page where a link leads, and JSON from `POST`: a browser's form always asks for HTML. So
    does who sends a header that cannot be read: this is asked while errors are answered, too, and must not raise.
    """
    if request.scope["path"].startswith(FOR_PROGRAMS):
        return False
    offered = JSON_FIRST if request.method == "POST" else HTML_FIRST
    return best_of(offered, request.headers.get("accept", "*/*")) == HTML


def best_of(offered: list[str], accept: str) -> str:
    """The media type that an Accept header likes best; of several the first, and so for one that is unreadable."""
    try:
        return Accept(accept[:LONGEST_ACCEPT]).best_match(offered, offered[0])
    except (OverflowError, ValueError):  # litestar takes a weight that is no number, or no finite one
        return offered[0]


def wanted_language(request: Request[Any, Any, Any]) -> str:
    """The code of the language to answer in."""
    return choose_language(request.query_params.get("lang"), request.headers.get("accept-language", ""))
