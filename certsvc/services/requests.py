"""Who calls, what they are answered, what waits for persons, and work that is to be done."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol

from certsvc.domain.answer import Answer
from certsvc.domain.approval import Approval, ApprovalState, Decision, ToApprove
from certsvc.domain.client import ClientId, RegisteredClient
from certsvc.domain.full_view import Try, View, Viewer
from certsvc.domain.job import JobError
from certsvc.domain.scope import Scope
from certsvc.ids import Ref


class ClientRegister(Protocol):
    """Clients on record, as access asks for them. Raises `RegisterUnavailable` when it cannot answer."""

    async def client(self, client_id: ClientId) -> RegisteredClient | None:
        """A client with its keys, as it stands now."""

    async def use_assertion(self, client_id: ClientId, jti: bytes, expires_at: datetime) -> bool:
        """Put on record that an assertion was used; False when it was before. `jti` is a SHA-256."""


class FullViews(Protocol):
    """Tries at the whole content of proofs, and views of it. Raises `RegisterUnavailable` when it cannot answer."""

    async def begin(self, ref: Ref, viewer: Viewer, now: datetime) -> Try | None:
        """Put a try on record and give what it is for; None where there is nothing to open, which is not counted.
        Raises `NoTryLeft`."""

    async def note_view(self, ref: Ref, number: int, viewer: Viewer, now: datetime) -> None:
        """Put on record that a try opened the proof, before it is shown."""

    async def views(self, ref: Ref, now: datetime) -> tuple[Sequence[View], int]:
        """The latest views of a proof, newest first, and how many tries of 30 days opened nothing."""


class Answers(Protocol):
    """What clients were answered to writes, by their keys."""

    async def begin(self, client: str, key: str, fingerprint: bytes, now: datetime) -> Answer | datetime:
        """The answer kept for this request; or, when it is to be done now, the moment that names this attempt. Raises
        `KeyReused`, `RequestInProgress`."""

    async def keep(self, client: str, key: str, begun: datetime, answer: Answer) -> None:
        """Keep the answer of an attempt."""

    async def forget(self, client: str, key: str, begun: datetime) -> None:
        """The attempt came to nothing that lasts: the request may be sent again at once."""


class Approvals(Protocol):
    """Requests that wait for persons. Every method is one transaction and safe to repeat."""

    async def ask(self, asked: ToApprove) -> Approval:
        """Put a request on record; the same again is the same. Raises `KeyReused`."""

    async def approval(self, approval_id: str) -> Approval:
        """A request as it stands. Raises `NotFound`."""

    async def note_view(self, asked: ToApprove, person: str, now: datetime) -> None:
        """Put on record that somebody else than who asked has seen the whole of a request."""

    async def of_request(self, client: str, key: str) -> Approval | None:
        """What a client asked for under a key."""

    async def decide(self, approval_id: str, client: str, decision: Decision) -> Approval:
        """What a person said; with the last that was needed, it is to be carried out. Raises `NotFound`, `Conflict`,
        `Forbidden`."""

    async def withdraw(self, approval_id: str, by: str, now: datetime) -> Approval:
        """Whoever asked wants it no more. Raises `NotFound`, `Conflict`."""

    async def finish(self, approval_id: str, state: ApprovalState, result: Mapping[str, Any], now: datetime) -> None:
        """What came of what was approved."""

    async def seen(
        self,
        client: str,
        reach: Sequence[Scope],
        state: ApprovalState,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> Sequence[Approval]:
        """What a client asked for, and what the scopes in `reach` let it approve, oldest first."""


class TakenJob(Protocol):
    """A job that nobody else has as long as this lasts."""

    @property
    def kind(self) -> str: ...

    @property
    def key(self) -> str: ...

    @property
    def failures(self) -> int: ...

    def begun(self, now: datetime) -> AbstractAsyncContextManager[bool]:
        """It begins, as long as this lasts. False when it is not to be done: it ended its worker too often."""

    async def crashed(self, now: datetime) -> None:
        """It ended its worker too often."""

    async def done(self) -> None:
        """It is done."""

    async def put_off(self, until: datetime) -> None:
        """It went well, and there is more to do then."""

    async def failed(self, error: Exception, now: datetime) -> datetime:
        """It failed; when it is tried again."""


class Jobs(Protocol):
    """The queue of work to be done."""

    def taken(self, kinds: Sequence[str], now: datetime) -> AbstractAsyncContextManager[TakenJob | None]:
        """The job of these kinds that is due for longest; none when there is nothing to do."""


class Outcomes(Protocol):
    """What becomes of jobs that a worker does."""

    async def settled(
        self, kind: str, key: str, seconds: float, is_done: Callable[[], Awaitable[bool]]
    ) -> JobError | None:
        """Wait until the job is done or has failed, at most so long; why it failed, if it did."""

    async def error_of(self, kind: str, key: str) -> JobError | None:
        """Why a job failed the last time it was tried; nothing when it did not, or is done."""
