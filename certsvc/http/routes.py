"""What every role's routes have in common."""

from collections.abc import Callable
from typing import Any

from litestar import Request
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

LONGEST_URL = 2000

Asked = Request[Any, Any, Any]


def route(path: str | list[str], name: str, answer: Callable[..., Any], *methods: Any) -> HTTPRouteHandler:
    """A route for GET and HEAD, or for the methods named; its name is what the access log shows."""
    return HTTPRouteHandler(path, name=name, http_method=methods or ("GET", "HEAD"), status_code=200)(answer)


async def refuse_long_url(request: Asked) -> None:
    """A `before_request` hook.

    Raises:
        HTTPException: 414, for an address longer than any of ours.
    """
    if len(request.scope["raw_path"]) + len(request.scope["query_string"]) > LONGEST_URL:
        raise HTTPException(status_code=414)
