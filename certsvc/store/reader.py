"""The register as a verifier asks it: `services.RegisterReader` on PostgreSQL."""

from dataclasses import replace
from datetime import date, datetime

from certsvc.domain.case import Progress
from certsvc.domain.certificate import Gathered, RegisteredDocument
from certsvc.domain.document_seal import DepartmentDocument
from certsvc.errors import CertsvcError
from certsvc.ids import Ref
from certsvc.store.case_rows import pending_of, to_progress
from certsvc.store.pool import Pool
from certsvc.store.queries import queries
from certsvc.store.rows import to_certificate, to_department_document, to_document, to_gathered

SQL = queries("read")


class PostgresReader:
    """Reads only; the database role `certsvc_public` is enough."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def gather(self, ref: Ref, on: date, known_at: datetime) -> Gathered | None:
        """ONE query: the certificate, its licence or its permits, each with its state on `on` as known at `known_at`.

        What is reserved and not issued is as if absent; so is what was issued after `known_at`.

        Raises:
            RegisterUnavailable: the database does not answer.
        """
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["gather"], ref.slot, ref.to_bytes(), on, known_at)
        gathered = to_gathered([to_certificate(row) for row in rows], ref)
        return gathered and replace(gathered, pending=pending_of(rows))

    async def find_document(self, sha256: bytes) -> RegisteredDocument | None:
        """The sealed file of ours with this digest.

        Raises:
            RegisterUnavailable: the database does not answer.
        """
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(SQL["find_document"], sha256)
        return None if row is None else to_document(row)

    async def find_department_document(self, sha256: bytes) -> DepartmentDocument | None:
        """The document of a department that was sealed here, with this digest.

        Raises:
            RegisterUnavailable: the database does not answer.
        """
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["find_department_document"], sha256)
        return to_department_document(rows) if rows else None

    async def progress(self, ref: Ref) -> Progress | None:
        """A case as who has its code may see it.

        Raises:
            RegisterUnavailable: the database does not answer.
        """
        async with self._pool.connection() as connection:
            return to_progress(await connection.fetch(SQL["progress"], ref.slot, ref.to_bytes()))

    async def ready(self) -> bool:
        """Whether the database answers and holds our schema; never raises for either."""
        try:
            async with self._pool.connection() as connection:
                await connection.fetchval(SQL["ready"])
        except CertsvcError:
            return False
        return True
