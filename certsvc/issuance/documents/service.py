"""What the sealing of documents needs: requests on record, the process that reads documents, and who has which keys.

The office checks and rehearses with throw-away keys; a worker, which has the real ones, seals.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding

from certsvc.domain.actor import Actor
from certsvc.domain.document_seal import (
    Authorization,
    Failure,
    PlacedSeal,
    SealingDraft,
    SealingRequest,
)
from certsvc.domain.seal import Seal
from certsvc.errors import DocumentRefused, Problem, SelfCheckFailed, UnreadableFile
from certsvc.issuance.documents.shapes import MAX_ANSWER, Answer, Inspect, Inspected, Prepare, Prepared, Refusal
from certsvc.issuance.service import KeyHolder, real_time, silent_walk
from certsvc.limited import LimitedPool, Pooled
from certsvc.services import Blobs, Outcomes, Sealing, SealMaker, SealRegister, Walk

PROCESS = "certsvc.issuance.documents.worker"
SECONDS = 45.0
Wanted = TypeVar("Wanted")


class SealingRequests(Protocol):
    """Sealing requests on record. Every method is one transaction and safe to repeat."""

    async def keep_file(self, client: str, sha256: bytes, size: int, now: datetime) -> None:
        """Put on record that a client has sent a file; once is enough."""

    async def require_file(self, client: str, sha256: bytes) -> None:
        """See that this client has sent this file. Raises `NotFound`."""

    async def known(self, client: str, key: str, content: bytes) -> SealingRequest | None:
        """The request of this name. Raises `KeyReused` when it had other content."""

    async def create(self, draft: SealingDraft) -> SealingRequest:
        """Put a request on record and into the queue, when all its uses of seals could be booked now; the same again is
        the same. Raises `SealRefused`, `KeyReused`, `Forbidden` (its authorisation is not good)."""

    async def request(self, request_id: str, client: str | None = None) -> SealingRequest:
        """A request, of this client if one is named. Raises `NotFound`."""

    async def listed(self, client: str, before: str | None, limit: int) -> Sequence[SealingRequest]:
        """A client's requests, newest first; with `before` those older than that one."""

    async def require_uses(self, request: SealingRequest, now: datetime) -> None:
        """See that all its uses of seals could be booked now; none is. Raises `SealRefused`."""

    async def book_use(self, request: SealingRequest, seal: PlacedSeal, digest: bytes, now: datetime) -> int:
        """Record the intent to use a seal, with the digest of what it will sign, before the key is used; the number of
        this use. Raises `SealRefused`."""

    async def finish(
        self, request: SealingRequest, sealed: bytes | None, signatures: Sequence[bytes], now: datetime
    ) -> None:
        """It is done: the SHA-256 of the sealed file, or the signatures. Raises `SealRefused` when a seal that was used
        is not enabled any more."""

    async def fail(self, request_id: str, failure: Failure, now: datetime) -> SealingRequest:
        """It will not be done, for good; one that has ended stays as it is."""

    async def authorize(self, authorization: Authorization) -> None:
        """Put leave to sign on record."""


class DocumentReader(Protocol):
    """Takes documents apart where they can do no harm."""

    async def prepare(self, asked: Prepare) -> Prepared:
        """The document that lacks only its seals. Raises `DocumentRefused`, `WorkersBusy`, `UnreadableFile`."""

    async def inspect(self, pdf: bytes, roots: Sequence[bytes], now: datetime) -> Inspected:
        """What a stranger finds in a sealed document. Raises `WorkersBusy`, `UnreadableFile`."""


class DocumentProcesses(Pooled):
    """`DocumentReader` in processes with limits. Use as `async with DocumentProcesses() as reader`."""

    def __init__(self, workers: int = 1) -> None:
        super().__init__(LimitedPool(PROCESS, workers=workers, most_answer=MAX_ANSWER, seconds=SECONDS))

    async def prepare(self, asked: Prepare) -> Prepared:
        """The document that lacks only its seals.

        Raises:
            DocumentRefused: it cannot be sealed, or not there.
            WorkersBusy, UnreadableFile: see `LimitedPool.ask`.
        """
        answer = await self._pool.ask(msgspec.msgpack.encode(asked), _read)
        if isinstance(answer, Refusal):
            problem = Problem(answer.field, answer.code, answer.zh, answer.en)
            raise DocumentRefused(answer.zh, answer.en, problems=[problem])
        return _kind(answer, Prepared)

    async def inspect(self, pdf: bytes, roots: Sequence[bytes], now: datetime) -> Inspected:
        """What a stranger finds in a sealed document.

        Raises:
            WorkersBusy, UnreadableFile: see `LimitedPool.ask`.
        """
        asked = Inspect(pdf, tuple(roots), now.timestamp())
        return _kind(await self._pool.ask(msgspec.msgpack.encode(asked), _read), Inspected)


_read = partial(msgspec.msgpack.decode, type=Answer)


def _kind(answer: object, kind: type[Wanted]) -> Wanted:
    if not isinstance(answer, kind):
        raise UnreadableFile("读取文件的进程答非所问。", "The process that reads files answered something else.")
    return answer


Roots = Callable[[], Sequence[bytes]]
"""The DER of the only roots that count."""


def never(seal: Seal, actor: Actor) -> bool:
    """No seal waits for a person."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentOffice:
    """What takes requests in. It has no key: it rehearses with throw-away ones, and a worker seals. `rehearsal_seals`
    makes such a key for a seal that is newer than the rest. `needs_approval`
    says that a person has to approve that this actor uses this seal; such a request is refused here."""

    requests: SealingRequests
    seals: SealRegister
    blobs: Blobs
    reader: DocumentReader
    outcomes: Outcomes
    rehearsal_keys: KeyHolder
    rehearsal_seals: SealMaker
    extra_fonts: tuple[str, ...] = ()
    needs_approval: Callable[[Seal, Actor], bool] = never


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSealer:
    """What seals: it has the keys."""

    requests: SealingRequests
    blobs: Blobs
    reader: DocumentReader
    keys: KeyHolder
    roots: Roots
    walk: Walk = silent_walk
    clock: Callable[[], datetime] = real_time


async def require_sound(
    reader: DocumentReader, pdf: bytes, sealings: Sequence[Sealing], roots: Roots, now: datetime
) -> None:
    """Check our own output as a stranger does: exactly these seals, in this order, and nothing changed.

    Raises:
        SelfCheckFailed: a check did not pass.
        WorkersBusy, UnreadableFile: it could not be looked at.
    """
    found = await reader.inspect(pdf, roots(), now)
    expected = tuple(sealing.certificate.public_bytes(Encoding.DER) for sealing in sealings)
    wrong = [f"{check.kind}: {check.reason}" for check in found.checks if check.outcome != "passed"]
    if found.certificates != expected:
        wrong.append("signer: other_seal")
    if wrong or not found.checks:
        raise SelfCheckFailed(f"盖章后的自检没有通过：{wrong}", f"The sealed file did not pass our own check: {wrong}")
