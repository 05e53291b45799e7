"""The one exception handler: of routes, of routing, of what nobody expected."""

from typing import Any

from litestar import Request, Response
from litestar.response import Redirect
from structlog.typing import FilteringBoundLogger

from certsvc.errors import NotSignedIn
from certsvc.http.access import route_name
from certsvc.http.negotiation import wants_page
from certsvc.http.pages import Pages
from certsvc.http.problems import AnsweredByPage, show
from certsvc.log import log_unexpected


class AnswerProblems:
    """Answers any exception with a problem, and logs the ones that nobody expected."""

    def __init__(self, pages: Pages, log: FilteringBoundLogger) -> None:
        self._pages, self._log = pages, log

    def __call__(self, request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        if isinstance(error, AnsweredByPage):
            return error.page
        if isinstance(error, NotSignedIn) and wants_page(request):
            return Redirect(error.address, status_code=303)
        shown = show(error, self._pages.language(request))
        if shown.status == 500:
            log_unexpected(self._log, error, route=route_name(request.scope))
        return self._pages.problem(request, shown)
