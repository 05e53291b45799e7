"""What waits for persons: approvals."""

from collections.abc import AsyncIterator

from certsvc.client.sending import Sender, as_shape
from certsvc.client.shapes import Approval

PATH = "/v1/approvals"


class Approvals:
    """`api.approvals`: of a person who may approve, or of who asked."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def list(self, state: str = "waiting") -> AsyncIterator[Approval]:
        """What this client asked for, and what it may approve. Raises `ApiError`."""
        return self._sender.pages(PATH, {"state": state}, Approval)

    async def read(self, approval_id: str) -> Approval:
        """One request, whole. Raises `ApiError`."""
        return as_shape(await self._sender.read(f"{PATH}/{approval_id}"), Approval)

    async def approve(self, approval_id: str, *, reason: str | None = None, key: str | None = None) -> Approval:
        """Approve, in one's own name. Raises `ApiError`."""
        return await self._decide(approval_id, True, reason, key)

    async def return_(self, approval_id: str, reason: str, *, key: str | None = None) -> Approval:
        """Return it with a reason. Raises `ApiError`."""
        return await self._decide(approval_id, False, reason, key)

    async def withdraw(self, approval_id: str, *, key: str | None = None) -> Approval:
        """Withdraw one's own request. Raises `ApiError`."""
        return as_shape(await self._sender.write("POST", f"{PATH}/{approval_id}/withdraw", key=key), Approval)

    async def _decide(self, approval_id: str, approves: bool, reason: str | None, key: str | None) -> Approval:
        body = {"approves": approves, "reason": reason}
        return as_shape(await self._sender.write("POST", f"{PATH}/{approval_id}/decisions", body, key=key), Approval)
