"""Which data keys content is encrypted with, and moving it from one to the next."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from certsvc.errors import NotFound
from certsvc.ids import Ref, ref_from_bytes
from certsvc.store.audit import audit
from certsvc.store.pool import Pool
from certsvc.store.queries import queries

SQL, ENCRYPTED_SQL = queries("data_keys"), queries("encrypted")
SOURCES = {
    "certificate": (ENCRYPTED_SQL["next_certificate"], ENCRYPTED_SQL["again_certificate"]),
    "approval": (ENCRYPTED_SQL["next_approval"], ENCRYPTED_SQL["again_approval"]),
    "batch_row": (ENCRYPTED_SQL["next_batch_row"], ENCRYPTED_SQL["again_batch_row"]),
    "batch_error": (ENCRYPTED_SQL["next_batch_error"], ENCRYPTED_SQL["again_batch_error"]),
    "case_content": (ENCRYPTED_SQL["next_case_content"], ENCRYPTED_SQL["again_case_content"]),
    "full_view": (ENCRYPTED_SQL["next_full_view"], ENCRYPTED_SQL["again_full_view"]),
    "webhook": (ENCRYPTED_SQL["next_webhook"], ENCRYPTED_SQL["again_webhook"]),
    "problem_report": (ENCRYPTED_SQL["next_problem_report"], ENCRYPTED_SQL["again_problem_report"]),
    "follower": (ENCRYPTED_SQL["next_follower"], ENCRYPTED_SQL["again_follower"]),
    "account_totp": (ENCRYPTED_SQL["next_account_totp"], ENCRYPTED_SQL["again_account_totp"]),
    "proof_request": (ENCRYPTED_SQL["next_proof_request"], ENCRYPTED_SQL["again_proof_request"]),
    "proof_evidence": (ENCRYPTED_SQL["next_proof_evidence"], ENCRYPTED_SQL["again_proof_evidence"]),
    "proof_evidence_page": (ENCRYPTED_SQL["next_proof_evidence_page"], ENCRYPTED_SQL["again_proof_evidence_page"]),
    "old_webhook": (ENCRYPTED_SQL["next_old_webhook"], ENCRYPTED_SQL["again_old_webhook"]),
}
"""Everything that is encrypted under a data key, a column each: how it is read, and written anew."""

BATCH = 500
RETIRED, LOST = "retired", "lost"


@dataclass(frozen=True, slots=True)
class DataKey:
    """A key on record: since when, how many contents are encrypted under it, and how it ended."""

    id: str
    first_used_at: datetime
    uses: int
    ended_at: datetime | None
    ended_why: str | None


@dataclass(frozen=True, slots=True)
class Encrypted:
    """A content as it lies in the register; `context` is what it is bound to."""

    context: bytes
    sealed: bytes
    key_id: str


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a certificate, with its type."""

    ref: Ref
    sealed: bytes
    key_id: str
    type_id: str
    type_version: int


class DataKeys:
    """Needs the database role that owns the tables."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def known(self) -> Mapping[str, bytes]:
        """The fingerprints of the keys in use, by id."""
        async with self._pool.connection() as connection:
            return {row["id"]: row["fingerprint"] for row in await connection.fetch(SQL["known_keys"])}

    async def know(self, fingerprints: Mapping[str, bytes], now: datetime) -> None:
        """Put keys on record before they are first used."""
        async with self._pool.transaction() as connection:
            for key_id, fingerprint in fingerprints.items():
                await connection.execute(SQL["know_key"], key_id, fingerprint, now)

    async def require(self, key_id: str) -> None:
        """See that a key is on record.

        Raises:
            NotFound: it is not.
        """
        async with self._pool.connection() as connection:
            if key_id not in {row["id"] for row in await connection.fetch(SQL["keys"])}:
                raise _not_on_record(key_id)

    async def end(self, key_id: str, why: str, by: str, detail: Mapping[str, str], now: datetime) -> None:
        """Put on record that a key ended.

        Raises:
            NotFound: it is not on record.
        """
        async with self._pool.transaction() as connection:
            if await connection.fetchval(SQL["end_key"], key_id, now, why) is None:
                raise _not_on_record(key_id)
            await audit(connection, now, by, f"data_key_{why}", None, {"key": key_id, **detail})

    async def keys(self) -> Sequence[DataKey]:
        """Every key on record."""
        async with self._pool.connection() as connection:
            uses = {row["id"]: row["uses"] for row in await connection.fetch(ENCRYPTED_SQL["uses"])}
            rows = await connection.fetch(SQL["keys"])
        return [
            DataKey(row["id"], row["first_used_at"], uses.get(row["id"], 0), row["ended_at"], row["ended_why"])
            for row in rows
        ]

    async def move(self, to: str, again: Callable[[Encrypted], bytes]) -> AsyncIterator[int]:
        """Encrypt everything that can be read under the key `to`; yields how many after each batch, which is one
        transaction. Killed and begun again, it goes on."""
        for read, write in SOURCES.values():
            place: str | None = None
            while True:
                async with self._pool.transaction() as connection:
                    rows = await connection.fetch(read, place, to, BATCH)
                    for row in rows:
                        old = Encrypted(row["context"], row["sealed"], row["key_id"])
                        values = row["place"], old.key_id, again(old), to
                        await connection.execute(write, *values)
                if not rows:
                    break
                place = rows[-1]["place"]
                yield len(rows)

    async def rehash(self, hashes: Callable[[Content], Sequence[bytes | None]]) -> AsyncIterator[int]:
        """Give holders the keyed hashes of their codes anew; yields how many certificates after each batch."""
        last = (-1, b"")
        while True:
            async with self._pool.transaction() as connection:
                rows = await connection.fetch(SQL["payloads_after"], *last, BATCH)
                if not rows:
                    return
                for row in rows:
                    content = Content(
                        ref_from_bytes(row["ref"]),
                        row["sealed_payload"],
                        row["payload_key_id"],
                        row["type_id"],
                        row["type_version"],
                    )
                    for place, code_hash in enumerate(hashes(content), 1):
                        await connection.execute(SQL["rehash"], row["slot"], row["ref"], place, code_hash)
                last = (rows[-1]["slot"], rows[-1]["ref"])
            yield len(rows)


def _not_on_record(key_id: str) -> NotFound:
    return NotFound(f"登记簿中没有数据密钥 {key_id}。", f"The data key {key_id} is not on record.")
