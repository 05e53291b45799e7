"""`/v1/approvals`: what waits for persons, and what they decide."""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter

from certsvc.domain.approval import Approval, ApprovalState, Decision
from certsvc.domain.scope import APPROVE
from certsvc.errors import Conflict, NotFound
from certsvc.http.office.bundle import Office
from certsvc.http.office.cursors import page_of, parse_cursor, to_cursor
from certsvc.http.office.operation import Operations
from certsvc.http.office.parameters import Calling, Cursor, Limit
from certsvc.http.office.shapes import Long, Page
from certsvc.http.routes import Asked
from certsvc.issuance.approvals import decide, open_request, settled, view, visible
from certsvc.issuance.service import Issuing

TAG = "Approvals"
PATH = "/v1/approvals"
WAITS = 10.0
"""Seconds that the last approval waits for what it sets off."""


class DecisionShape(msgspec.Struct, frozen=True, kw_only=True):
    """What one person said."""

    person: str
    approves: bool
    reason: str | None
    at: datetime


class ApprovalShape(msgspec.Struct, frozen=True, kw_only=True):
    """A request that waits for persons. `needed` says how many must approve; `request` is shown to who asked and to who
    may approve; `result` is what came of it: the code of a certificate and an event, or an error."""

    id: str
    state: ApprovalState
    asked_by: str
    asked_at: datetime
    act: str
    type: str
    certificate: str | None
    needed: int
    decisions: list[DecisionShape]
    decided_at: datetime | None
    result: dict[str, Any] | None
    request: dict[str, Any] | None = None


class DecisionBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Approve, or return with a reason."""

    approves: bool
    reason: Long | None = None


def approval_shape(issuing: Issuing, found: Approval, *, whole: bool = True) -> ApprovalShape:
    """An approval as the API shows it; `whole` with what was asked for."""
    asked = found.asked
    request = msgspec.to_builtins(open_request(issuing, asked)) if whole else None
    return ApprovalShape(
        id=asked.id,
        state=found.state,
        asked_by=asked.client,
        asked_at=asked.asked_at,
        act=asked.act.value,
        type=asked.type_id,
        certificate=asked.ref.typed_code if asked.ref else None,
        needed=asked.needed,
        decisions=[
            DecisionShape(person=said.person, approves=said.approves, reason=said.reason, at=said.at)
            for said in found.decisions
        ],
        decided_at=found.decided_at,
        result=found.result,
        request=request,
    )


def asked_for(issuing: Issuing, found: Approval) -> Response[Any]:
    """The answer to a request that waits for persons now; what was asked for is not repeated."""
    headers = {"Location": f"{PATH}/{found.asked.id}"}
    return Response(approval_shape(issuing, found, whole=False), status_code=202, headers=headers)


def approval_routes(operations: Operations, office: Office) -> list[HTTPRouteHandler]:
    """The operations under `/v1/approvals`."""
    api, route, one = Approving(office), operations.tagged(TAG), PATH + "/{approval_id:str}"
    said, settled = one + "/decisions", (NotFound, Conflict)
    return [
        route("GET", PATH, "list_approvals", api.list, "What waits, or was decided"),
        route("GET", one, "read_approval", api.read, "One request, and what was said of it", NotFound),
        route("POST", said, "decide_approval", api.decide, "Approve or return a request, as a person", *settled),
        route("POST", one + "/withdraw", "withdraw_approval", api.withdraw, "Withdraw one's own request", *settled),
    ]


class Approving:
    """What the operations do. `now` is taken here, once per request."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def list(
        self,
        request: Asked,
        caller: Calling,
        in_state: Annotated[ApprovalState, QueryParameter(name="state")] = ApprovalState.WAITING,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Response[Page[ApprovalShape]]:
        """What this client asked for, and what it may approve, oldest first."""
        after = parse_cursor(cursor)
        reach = caller.actor.reach(APPROVE)
        found = await self._office.approvals.seen(caller.actor.name, reach, in_state, after, limit + 1)
        page = page_of(found, limit, lambda last: to_cursor(last.asked.asked_at, last.asked.id))
        shown = [approval_shape(self._office.issuing, each, whole=False) for each in page.items]
        return Response(Page(items=shown, next=page.next))

    async def read(self, request: Asked, caller: Calling, approval_id: FromPath[str]) -> Response[ApprovalShape]:
        """One request, whole: a person sees what it is that they approve, and that they saw it is on record."""
        found = await view(self._office.approvals, caller.actor, approval_id, datetime.now(UTC))
        return Response(approval_shape(self._office.issuing, found))

    async def decide(
        self, request: Asked, caller: Calling, data: JSONBody[DecisionBody], approval_id: FromPath[str]
    ) -> Response[ApprovalShape]:
        """Approve, or return with a reason, in one's own name. With the last approval that is needed it is done; then
        `result` says what came of it, as soon as the worker is through."""
        said = Decision(person=caller.actor.name, approves=data.approves, reason=data.reason, at=datetime.now(UTC))
        found = await decide(self._office.approvals, caller.client, caller.actor, approval_id, said)
        if found.state is ApprovalState.APPROVED:
            found = await settled(self._office.approvals, self._office.outcomes, approval_id, WAITS)
        return Response(approval_shape(self._office.issuing, found, whole=False))

    async def withdraw(self, request: Asked, caller: Calling, approval_id: FromPath[str]) -> Response[ApprovalShape]:
        """Whoever asked wants it no more, before it is decided."""
        found = await visible(self._office.approvals, caller.actor, approval_id)
        if found.asked.client != caller.actor.name:
            raise NotFound(f"没有待批事项 {approval_id}。", f"There is no request {approval_id} to approve.")
        found = await self._office.approvals.withdraw(approval_id, caller.actor.name, datetime.now(UTC))
        return Response(approval_shape(self._office.issuing, found, whole=False))
