"""Sealing requests on record: `issuance.document_service.SealingRequests` on PostgreSQL."""

import hashlib
import json
import secrets
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from asyncpg import Record

from certsvc.domain.document_seal import (
    DIGEST_BYTES,
    JOB,
    LAYOUT_OF_A_DIGEST,
    LAYOUT_OF_A_DOCUMENT,
    Authorization,
    Failure,
    Output,
    PlacedSeal,
    PreparedFile,
    SealingDraft,
    SealingRequest,
    State,
)
from certsvc.domain.seal import Placement
from certsvc.domain.seal_acts import SealState
from certsvc.errors import AuthorizationRefused, KeyReused, NotFound, SealRefused
from certsvc.store.audit import audit
from certsvc.store.jobs import enqueue
from certsvc.store.notices import tell
from certsvc.store.pool import Connection, Pool
from certsvc.store.queries import queries
from certsvc.store.seal_refusals import STATES, explained
from certsvc.store.uploads import lock_upload

SQL = queries("documents")
LOCK_QUOTAS = queries("write")["lock_quotas"]
NOT_YET = hashlib.sha256(b"").digest()
"""Stands for the digest of a use that is only asked about."""

DONE, FAILED = "seal_request.done", "seal_request.failed"


class PostgresDocuments:
    """Reads and writes; needs the database role that owns the tables. Every method may raise `RegisterUnavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def keep_file(self, client: str, sha256: bytes, size: int, now: datetime) -> None:
        """Put on record that a client has sent a file, before it is kept; again, it is kept from then on."""
        async with self._pool.transaction() as connection:
            await lock_upload(connection, sha256)
            await connection.execute(SQL["keep_file"], client, sha256, size, now)

    async def require_file(self, client: str, sha256: bytes) -> None:
        """See that this client has sent this file.

        Raises:
            NotFound: it has not; whether others have is not told.
        """
        async with self._pool.connection() as connection:
            await _require_file(connection, client, sha256)

    async def known(self, client: str, key: str, content: bytes) -> SealingRequest | None:
        """The request of this name.

        Raises:
            KeyReused: it had other content.
        """
        async with self._pool.connection() as connection:
            return await _known(connection, client, key, content)

    async def create(self, draft: SealingDraft) -> SealingRequest:
        """Put a request on record and into the queue, when all its uses of seals could be booked now.

        Raises:
            SealRefused: a seal is not enabled, is bound to types, or its rules do not allow a use.
            NotFound: its file is not kept any more.
            AuthorizationRefused: what it was authorised by is unknown, over, used, or for something else.
            KeyReused: the request of this name had other content.
        """
        async with self._pool.transaction() as connection:
            if await _insert(connection, draft):
                if draft.file is not None:
                    await connection.execute(SQL["use_file"], draft.client, draft.file.source)
                    await _require_file(connection, draft.client, draft.file.source)
                await _use_authorization(connection, draft)
                await _try_uses(connection, await _request(connection, draft.id), draft.requested_at)
                await enqueue(connection, JOB, draft.id, draft.requested_at)
                detail = {"request": draft.id, "seals": [seal.seal_id for seal in draft.seals]}
                await audit(connection, draft.requested_at, draft.client, "ask_for_seal", None, detail)
            found = await _known(connection, draft.client, draft.key, draft.content)
        assert found is not None
        return found

    async def request(self, request_id: str, client: str | None = None) -> SealingRequest:
        """A request, of this client if one is named.

        Raises:
            NotFound: there is none.
        """
        async with self._pool.connection() as connection:
            return await _request(connection, request_id, client)

    async def listed(self, client: str, before: str | None, limit: int) -> Sequence[SealingRequest]:
        """A client's requests, newest first; with `before` those older than that one."""
        async with self._pool.connection() as connection:
            return [_to_request(row) for row in await connection.fetch(SQL["requests"], client, before, limit)]

    async def require_uses(self, request: SealingRequest, now: datetime) -> None:
        """See that all its uses of seals could be booked now: tried under the very rules of the database, and taken
        back.

        Raises:
            SealRefused: a seal is not enabled, or its rules do not allow a use.
        """
        async with self._pool.transaction() as connection:
            await _try_uses(connection, request, now)

    async def book_use(self, request: SealingRequest, seal: PlacedSeal, digest: bytes, now: datetime) -> int:
        """Record the intent to use a seal, with the digest of what it will sign, before the key is used; the number of
        this use in the whole register.

        Raises:
            SealRefused: the seal is not enabled, or its rules do not allow this use.
        """
        async with self._pool.transaction() as connection:
            with explained(seal.seal_id):
                booked: int = await connection.fetchval(SQL["book_use"], *_use(request, seal, digest, now))
            detail = {"use": booked, "seal": seal.seal_id, "request": request.id}
            await audit(connection, now, request.client, "use_seal", None, detail)
            return booked

    async def finish(
        self, request: SealingRequest, sealed: bytes | None, signatures: Sequence[bytes], now: datetime
    ) -> None:
        """It is done: the SHA-256 of the sealed file, or the signatures. One that has ended stays as it is.

        Raises:
            SealRefused: a seal was suspended or destroyed after its use was booked.
        """
        packed = msgspec.msgpack.encode(list(signatures)) if signatures else None
        async with self._pool.transaction() as connection:
            _require_enabled(await connection.fetch(SQL["lock_request_seals"], request.id))
            if await connection.fetchval(SQL["finish_request"], request.id, now, sealed, packed) is not None:
                await audit(connection, now, request.client, "document_sealed", None, {"request": request.id})
                await tell(connection, now, DONE, request.facts(), client=request.client)

    async def fail(self, request_id: str, failure: Failure, now: datetime) -> SealingRequest:
        """It will not be done, for good; one that has ended stays as it is.

        Raises:
            NotFound: there is none.
        """
        said = {"code": failure.code, "zh": failure.zh, "en": failure.en}
        async with self._pool.transaction() as connection:
            text = json.dumps(said, ensure_ascii=False)
            if await connection.fetchval(SQL["fail_request"], request_id, now, text) is not None:
                request = await _request(connection, request_id)
                detail = {"request": request_id, "error": failure.code}
                await audit(connection, now, request.client, "document_not_sealed", None, detail)
                await tell(connection, now, FAILED, {**request.facts(), "error": failure.code}, client=request.client)
            return await _request(connection, request_id)

    async def authorize(self, authorization: Authorization) -> None:
        """Put leave to sign on record."""
        values = (
            authorization.sad_hash,
            authorization.client,
            authorization.seal_id,
            b"".join(authorization.digests),
            authorization.authorized_at,
            authorization.expires_at,
        )
        async with self._pool.transaction() as connection:
            await connection.execute(SQL["authorize"], *values)


async def _require_file(connection: Connection, client: str, sha256: bytes) -> None:
    if await connection.fetchval(SQL["has_file"], client, sha256) is None:
        raise NotFound(
            f"没有文件 {sha256.hex()}：没有收到，或久未使用已经删去。请先上传。",
            f"The file {sha256.hex()} was not sent, or was not used for so long that it is gone: upload it first.",
        )


async def _insert(connection: Connection, draft: SealingDraft) -> bool:
    """Whether it is new."""
    file = (None, None, None) if draft.file is None else (draft.file.source, draft.file.prepared, draft.file.pages)
    digests = b"".join(draft.digests) or None
    named = draft.id, draft.client, draft.key, draft.content, draft.reason
    values = *named, *file, digests, draft.output, draft.requested_at, draft.good_until
    if await connection.fetchval(SQL["insert_request"], *values) is None:
        return False
    for number, seal in enumerate(draft.seals):
        await connection.execute(SQL["insert_place"], draft.id, number, seal.seal_id, *_place(seal))
    return True


async def _use_authorization(connection: Connection, draft: SealingDraft) -> None:
    if draft.authorization is None:
        return
    (seal,) = draft.seals
    asked = draft.authorization, draft.id, draft.client, seal.seal_id, b"".join(draft.digests), draft.requested_at
    if await connection.fetchval(SQL["use_authorization"], *asked) is None:
        raise AuthorizationRefused(
            "授权（SAD）不存在、已过期、已用过，或不是给这些摘要的：请重新授权。",
            "The authorisation (SAD) is unknown, over, used already, or not for these digests: authorise anew.",
        )


async def _try_uses(connection: Connection, request: SealingRequest, now: datetime) -> None:
    trial = connection.transaction()
    await trial.start()
    await connection.execute(LOCK_QUOTAS, [seal.seal_id for seal in request.seals])
    for seal in request.seals:
        for digest in request.digests or (NOT_YET,):
            number = -1 - secrets.randbits(62)  # none that a use has or will have, and none that others try
            with explained(seal.seal_id):
                await connection.execute(SQL["try_use"], number, *_use(request, seal, digest, now))
    await trial.rollback()


def _use(request: SealingRequest, seal: PlacedSeal, digest: bytes, now: datetime) -> tuple[Any, ...]:
    layout = LAYOUT_OF_A_DIGEST if request.file is None else LAYOUT_OF_A_DOCUMENT
    who = " ".join(unicodedata.normalize("NFKC", request.client).split())
    return request.id, seal.seal_id, layout, who, now, digest, *_place(seal)


def _place(seal: PlacedSeal) -> tuple[int | None, float | None, float | None]:
    return (None, None, None) if seal.place is None else (seal.place.page, seal.place.x_mm, seal.place.y_mm)


def _require_enabled(seals: Sequence[Record]) -> None:
    for seal in seals:
        if seal["state"] != SealState.ENABLED:
            zh, en = STATES[SealState(seal["state"])]
            raise SealRefused(
                f"印章 {seal['id']} 在用印之后{zh}，盖好的文件不登记。",
                f"The seal {seal['id']} is {en} since its use was booked: what it sealed is not put on record.",
            )


async def _known(connection: Connection, client: str, key: str, content: bytes) -> SealingRequest | None:
    row = await connection.fetchrow(SQL["find_request"], client, key)
    if row is None:
        return None
    if row["content"] != content:
        raise KeyReused.of(key)
    return await _request(connection, row["id"])


async def _request(connection: Connection, request_id: str, client: str | None = None) -> SealingRequest:
    row = await connection.fetchrow(SQL["request"], request_id, client)
    if row is None:
        raise NotFound(f"没有盖章请求 {request_id}。", f"There is no sealing request {request_id}.")
    return _to_request(row)


def _to_request(row: Record) -> SealingRequest:
    file = None
    if row["source"] is not None:
        file = PreparedFile(source=row["source"], prepared=row["prepared"], pages=row["pages"])
    joined: bytes = row["digests"] or b""
    digests = tuple(joined[start : start + DIGEST_BYTES] for start in range(0, len(joined), DIGEST_BYTES))
    packed = row["signatures"]
    return SealingRequest(
        id=row["id"],
        client=row["client"],
        reason=row["reason"],
        seals=tuple(_to_place(*each) for each in json.loads(row["seals"])),
        requested_at=row["requested_at"],
        good_until=row["good_until"],
        file=file,
        digests=digests,
        output=None if row["output"] is None else Output(row["output"]),
        state=State(row["state"]),
        finished_at=row["finished_at"],
        sealed=row["sealed"],
        signatures=() if packed is None else tuple(msgspec.msgpack.decode(packed, type=list[bytes])),
        failure=None if row["failure"] is None else Failure(**json.loads(row["failure"])),
    )


def _to_place(seal_id: str, page: int | None, x_mm: float | None, y_mm: float | None) -> PlacedSeal:
    if page is None or x_mm is None or y_mm is None:
        return PlacedSeal(seal_id=seal_id, place=None)
    return PlacedSeal(seal_id=seal_id, place=Placement(page=page, x_mm=x_mm, y_mm=y_mm))
