"""`/v1/cases`: one application, one form, parts that departments decide side by side."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Annotated, Any

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from certsvc.domain.calendar import beijing_date
from certsvc.domain.case import PartAct, PartState
from certsvc.domain.case_requests import ListedPart, ListPlace
from certsvc.errors import (
    ActNotAllowed,
    CertsvcError,
    Conflict,
    InvalidIdentifier,
    InvalidInput,
    MissingGlyph,
    NotFound,
    PayloadInvalid,
    SealRefused,
    TextTooLong,
)
from certsvc.http.office.bundle import Office
from certsvc.http.office.caller import Caller
from certsvc.http.office.case_shapes import (
    AnswersBody,
    CaseShape,
    DecisionBody,
    FormShape,
    ListedPartShape,
    OpenBody,
    WithdrawalBody,
    case_shape,
    form_shape,
    listed_shape,
)
from certsvc.http.office.cursors import page_of, parse_cursor, to_cursor
from certsvc.http.office.operation import Operations
from certsvc.http.office.parameters import Calling, Cursor, Limit
from certsvc.http.office.shapes import Page
from certsvc.http.routes import Asked
from certsvc.ids import Ref, parse_typed_code
from certsvc.issuance.cases.applying import Opening, case_form, correct, open_case, withdraw
from certsvc.issuance.cases.decisions import Decision, decide
from certsvc.issuance.cases.view import list_parts, view_case
from certsvc.issuance.cases.work import CaseWork

TAG, PATH = "Cases", "/v1/cases"
OF_CONTENT = (NotFound, PayloadInvalid, Conflict)
OF_CORRECTION = (*OF_CONTENT, ActNotAllowed)
OF_DECISION = (*OF_CONTENT, ActNotAllowed, MissingGlyph, TextTooLong, SealRefused)
Permits = Annotated[str, QueryParameter(max_length=1000, description="Types of permits, joined by commas.")]
Part = Annotated[str | None, QueryParameter(max_length=100, description="Only parts of this certificate type.")]


def case_routes(operations: Operations, office: Office) -> list[HTTPRouteHandler]:
    """The operations on cases."""
    cases, one = _Cases(office), PATH + "/{code:str}"
    part = one + "/parts/{type_id:str}"

    def route(
        method: str, path: str, name: str, answer: Callable[..., Any], summary: str, *problems: type[CertsvcError]
    ) -> HTTPRouteHandler:
        status = 201 if (method, path) == ("POST", PATH) else 200
        return operations.operation(
            method, path, name, answer, tag=TAG, summary=summary, status=status, problems=problems
        )

    return [
        route("POST", PATH, "open_case", cases.open, "Open a case", *OF_CONTENT),
        route("GET", PATH, "list_parts", cases.listed, "Parts to decide, the late ones first"),
        route("GET", PATH + "/form", "read_form", cases.form, "The merged form", *OF_CONTENT),
        route("GET", one, "read_case", cases.read, "A case", NotFound),
        route("POST", part + "/decisions", "decide_part", cases.decide, "Decide a part", *OF_DECISION),
        route("POST", one + "/answers", "correct_answers", cases.correct, "Correct what was returned", *OF_CORRECTION),
        route("POST", part + "/withdraw", "withdraw_part", cases.withdraw, "Withdraw a part", NotFound, ActNotAllowed),
    ]


class _Cases:
    """What the operations do. `now` is taken here, once per request."""

    def __init__(self, office: Office) -> None:
        self._work = CaseWork(issuing=office.issuing, cases=office.cases, approvals=office.approvals)
        self._issuing, self._url = office.issuing, office.site.public_url

    async def open(self, request: Asked, caller: Calling, data: JSONBody[OpenBody]) -> Response[CaseShape]:
        """One application for a licence, or under one on record, and the permits asked for with it. Each part has its
        own deadline, and the applicant follows all of them by one code. The same key again is the same case."""
        types, licence = self._types(data.licence, data.permits)
        asked = Opening(
            key=caller.request_key,
            types=types,
            licence=licence,
            answers=data.answers,
            working_days=data.working_days,
        )
        case = await open_case(self._work, caller.actor, asked, datetime.now(UTC))
        return await self._shown(caller, case.ref, 201)

    async def form(
        self,
        request: Asked,
        caller: Calling,
        licence: Annotated[str, QueryParameter(min_length=1, max_length=100, description="As in the body of a case.")],
        permits: Permits = "",
    ) -> Response[FormShape]:
        """The form for these certificates, in which each thing is asked once, and what the licence says already."""
        types, held = self._types(licence, [name for name in permits.split(",") if name])
        return Response(form_shape(await case_form(self._work, caller.actor, types, held, datetime.now(UTC))))

    async def listed(
        self,
        request: Asked,
        caller: Calling,
        in_state: Annotated[PartState | None, QueryParameter(name="state")] = None,
        part: Part = None,
        due_before: FromQuery[date | None] = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Response[Page[ListedPartShape]]:
        """The parts that this client decides, and those of cases that it opened: what is due first comes first, so what
        is late stands on top. Without `state` all that are not at their end."""
        found = await list_parts(
            self._work,
            caller.actor,
            type_id=part,
            state=in_state,
            due_before=due_before,
            after=_place(cursor),
            limit=limit + 1,
        )
        page, today = page_of(found, limit, _cursor), beijing_date(datetime.now(UTC))
        shown = [listed_shape(one, self._issuing, PATH, today) for one in page.items]
        return Response(Page(items=shown, next=page.next))

    async def read(self, request: Asked, caller: Calling, code: FromPath[str]) -> Response[CaseShape]:
        """A case. A department sees the parts that it decides whole, and of the others how far they have come; whoever
        opened it sees everything."""
        return await self._shown(caller, parse_typed_code(code), 200)

    async def decide(
        self,
        request: Asked,
        caller: Calling,
        data: JSONBody[DecisionBody],
        code: FromPath[str],
        type_id: FromPath[str],
    ) -> Response[CaseShape]:
        """Decide a part. What is granted is checked whole first, and then issued by itself: a permit as soon as its
        licence is there."""
        said = Decision(key=caller.request_key, act=PartAct(data.decision), ground=data.ground(), content=data.content)
        ref = parse_typed_code(code)
        await decide(self._work, caller.actor, ref, type_id, said, datetime.now(UTC))
        return await self._shown(caller, ref, 200)

    async def correct(
        self, request: Asked, caller: Calling, data: JSONBody[AnswersBody], code: FromPath[str]
    ) -> Response[CaseShape]:
        """Change the answers that returned parts rest on; these parts are resubmitted, and their time runs anew. An
        answer that other parts rest on, too, changes once those are returned as well: nothing changes under review."""
        ref = parse_typed_code(code)
        await correct(self._work, caller.actor, ref, data.answers, caller.request_key, datetime.now(UTC))
        return await self._shown(caller, ref, 200)

    async def withdraw(
        self,
        request: Asked,
        caller: Calling,
        data: JSONBody[WithdrawalBody],
        code: FromPath[str],
        type_id: FromPath[str],
    ) -> Response[CaseShape]:
        """Withdraw a part that is not decided; with a licence goes what would hang on it."""
        ref = parse_typed_code(code)
        await withdraw(self._work, caller.actor, ref, type_id, data.reason, caller.request_key, datetime.now(UTC))
        return await self._shown(caller, ref, 200)

    def _types(self, licence: str, permits: list[str]) -> tuple[list[str], Ref | None]:
        """The types of a case: the licence's too, unless it is the code of one on record."""
        if any(kind.id == licence for kind in self._issuing.catalog):
            return [licence, *permits], None
        return permits, parse_typed_code(licence)

    async def _shown(self, caller: Caller, ref: Ref, status: int) -> Response[CaseShape]:
        view, today = await view_case(self._work, caller.actor, ref), beijing_date(datetime.now(UTC))
        shape = case_shape(view, self._issuing, self._url, today)
        return Response(shape, status_code=status, headers={"Location": f"{PATH}/{shape.code}"})


def _cursor(last: ListedPart) -> str:
    place = last.place
    return to_cursor(datetime.combine(place.due, time(), UTC), f"{place.ref.typed_code}/{place.type_id}")


def _place(cursor: str | None) -> ListPlace | None:
    found = parse_cursor(cursor)
    if found is None:
        return None
    at, (code, _, type_id) = found[0], found[1].partition("/")
    try:
        return ListPlace(due=at.date(), ref=parse_typed_code(code), type_id=type_id)
    except InvalidIdentifier:
        raise InvalidInput("cursor 应取自上一页的 next。", "A cursor is what `next` of the page before says.") from None
