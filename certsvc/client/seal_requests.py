"""Seals on a department's own documents."""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from certsvc.client.sending import Sender, as_shape
from certsvc.client.shapes import Waiting

PATH = "/v1/seal-requests"
PDF = "application/pdf"


class SealedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed document."""

    sha256: str
    href: str


class SealRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request to seal a document, or to sign digests."""

    id: str
    state: str
    kind: str
    reason: str
    requested_at: datetime
    good_until: datetime
    file: str | None = None
    pages: int | None = None
    document: SealedDocument | None = None
    digests: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ()
    finished_at: datetime | None = None
    failure: Waiting | None = None
    waiting: Waiting | None = None


class SealRequests:
    """`api.seal_requests`."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def seal(
        self,
        pdf: bytes,
        seals: Sequence[Mapping[str, Any]],
        reason: str,
        *,
        cross_page: bool = False,
        key: str | None = None,
    ) -> SealRequest:
        """Have a PDF sealed: `seals` are `{"seal": id, "position": {…}}`, in their order. Raises `ApiError`."""
        digest = hashlib.sha256(pdf).hexdigest()
        await self._sender.write("POST", PATH + "/files", key=f"file-{digest}", content=pdf, media_type=PDF)
        body = {"file": digest, "seals": seals, "reason": reason, "cross_page": cross_page}
        return as_shape(await self._sender.write("POST", PATH, body, key=key), SealRequest)

    async def sign(
        self, seal: str, digests: Sequence[str], reason: str, *, output: str = "raw", key: str | None = None
    ) -> SealRequest:
        """Have SHA-256 digests (hex) signed. Raises `ApiError`."""
        body = {"seal": seal, "digests": digests, "reason": reason, "output": output}
        return as_shape(await self._sender.write("POST", PATH, body, key=key), SealRequest)

    async def read(self, request_id: str) -> SealRequest:
        """A request. Raises `ApiError`."""
        return as_shape(await self._sender.read(f"{PATH}/{request_id}"), SealRequest)

    def list(self) -> AsyncIterator[SealRequest]:
        """This client's requests, newest first. Raises `ApiError`."""
        return self._sender.pages(PATH, {}, SealRequest)

    async def document(self, request_id: str) -> bytes:
        """The sealed document. Raises `ApiError`."""
        return (await self._sender.read(f"{PATH}/{request_id}/document")).content
