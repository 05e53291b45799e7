"""`/v1/reports`: what the public reports as wrong, missing or suspicious, and what a department answers."""

from datetime import UTC, datetime
from typing import Annotated

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter

from certsvc.domain.problem_report import ProblemReport, ReportAct, ReportState
from certsvc.domain.scope import ANSWER
from certsvc.errors import ActNotAllowed, KeyReused, NotFound
from certsvc.http.office.bundle import Office
from certsvc.http.office.cursors import page_of, parse_cursor, to_cursor
from certsvc.http.office.operation import Operations
from certsvc.http.office.parameters import Calling, Cursor, Limit
from certsvc.http.office.problem_report_shapes import AcknowledgeBody, CloseBody, ReportShape, report_shape
from certsvc.http.office.shapes import Page
from certsvc.http.routes import Asked
from certsvc.ids import parse_report_number, parse_typed_code
from certsvc.issuance.problem_reports.answering import Answer, Answering, answer_report, view_report
from certsvc.issuance.reading import visible

TAG, PATH = "Reports", "/v1/reports"


def problem_report_routes(operations: Operations, office: Office) -> list[HTTPRouteHandler]:
    """The operations on reports of problems."""
    reports, route, one = _Reports(office), operations.tagged(TAG), PATH + "/{number:str}"
    settled = (NotFound, ActNotAllowed, KeyReused)
    taken_up, close = one + "/acknowledge", one + "/close"
    return [
        route("GET", PATH, "list_reports", reports.listed, "Reports to answer, the late ones first"),
        route("GET", one, "read_report", reports.read, "A report, with what was written", NotFound),
        route("POST", taken_up, "acknowledge_report", reports.acknowledge, "Take a report up", *settled),
        route("POST", close, "close_report", reports.close, "Answer a report", *settled),
    ]


class _Reports:
    """What the operations do. `now` is taken here, once per request."""

    def __init__(self, office: Office) -> None:
        self._issuing = office.issuing
        self._answering = Answering(reports=office.reports, cipher=office.issuing.cipher)

    async def listed(
        self,
        request: Asked,
        caller: Calling,
        in_state: Annotated[ReportState | None, QueryParameter(name="state")] = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Response[Page[ReportShape]]:
        """Reports about certificates within the scopes `answer`, and those that are for this client by name: what is
        due first comes first, so what is late stands on top. Without `state` all that are not closed."""
        after, actor = parse_cursor(cursor), caller.actor
        reports = self._answering.reports
        found = await reports.listed(actor.name, actor.reach(ANSWER), in_state, after, limit + 1)
        page = page_of(found, limit, lambda last: to_cursor(last.due, last.number))
        now = datetime.now(UTC)
        return Response(Page(items=[report_shape(one, PATH, now) for one in page.items], next=page.next))

    async def read(self, request: Asked, caller: Calling, number: FromPath[str]) -> Response[ReportShape]:
        """One report, with what was written and how to reach the reporter, until that is erased. That it was read, and
        by whom, goes on record."""
        now, parsed = datetime.now(UTC), parse_report_number(number)
        report, content = await view_report(self._answering, caller.actor, parsed, now)
        return Response(report_shape(report, PATH, now, content))

    async def acknowledge(
        self, request: Asked, caller: Calling, data: JSONBody[AcknowledgeBody], number: FromPath[str]
    ) -> Response[ReportShape]:
        """The first contact was made, or tried where the reporter did not say how. What is `said` is public."""
        said = Answer(act=ReportAct.ACKNOWLEDGE, said=data.said)
        return await self._answered(caller, number, said)

    async def close(
        self, request: Asked, caller: Calling, data: JSONBody[CloseBody], number: FromPath[str]
    ) -> Response[ReportShape]:
        """The answer, with a sentence for the public. A correction is an act on the certificate, done before, since the
        report: its history then says that it came after a report."""
        certificate = None
        if data.certificate is not None:
            certificate = (await visible(self._issuing, caller.actor, parse_typed_code(data.certificate), ANSWER)).ref
        said = Answer(
            act=ReportAct.CLOSE,
            said=data.said,
            outcome=data.outcome,
            forwarded_to=data.forwarded_to,
            certificate=certificate,
            event=data.event,
        )
        return await self._answered(caller, number, said)

    async def _answered(self, caller: Calling, number: str, said: Answer) -> Response[ReportShape]:
        now, parsed = datetime.now(UTC), parse_report_number(number)
        report: ProblemReport = await answer_report(
            self._answering, caller.actor, parsed, said, caller.request_key, now
        )
        return Response(report_shape(report, PATH, now))
