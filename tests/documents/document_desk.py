"""A department's desk for the tests: seals for documents and one for certificates, on record; an office that takes
requests in, and a worker that seals."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certsvc.authority.authority import Authority
from certsvc.authority.founding import throw_away_authority
from certsvc.authority.plan import load_plan
from certsvc.authority.seal_keys import SealKeys
from certsvc.domain.actor import Actor
from certsvc.domain.document_seal import (
    JOB,
    AtKeyword,
    DigestsAsked,
    DocumentAsked,
    Output,
    Position,
    Rule,
    SealAsked,
)
from certsvc.domain.job import JobError
from certsvc.domain.seal import Seal
from certsvc.issuance.documents.requests import Asked, ask_for_seals, ask_for_signatures, take_file
from certsvc.issuance.documents.sealing import carry_out_request
from certsvc.issuance.documents.service import DocumentOffice, DocumentProcesses, DocumentSealer
from certsvc.issuance.service import silent_walk
from certsvc.services import Walk
from certsvc.settings import REPOSITORY
from certsvc.store.blobs import FileBlobs
from certsvc.store.documents import PostgresDocuments
from certsvc.store.jobs import JobQueue
from certsvc.store.pool import Pool, open_pool
from certsvc.store.register import PostgresRegister
from certsvc.store.seals import PostgresSeals
from certsvc.verify.anchors import AnchorFiles

PLAN = REPOSITORY / "keys" / "ceremonies" / "demonstration.toml"
DOCUMENTS, HEALTH, CERTIFICATES = "market-documents", "health-documents", "market"
DEPARTMENT = Actor(name="market-system", scopes=frozenset({"document:*"}))
STRANGER = Actor(name="health-system", scopes=frozenset({f"document:*:{HEALTH}"}))
SIGNATURE_LINE = AtKeyword(keyword="（盖章）")


def seals_of_departments() -> list[Seal]:
    """Two seals for documents, and one for certificates."""
    planned = {seal.id: seal.seal(demonstration=True) for seal in load_plan(PLAN).seals}
    health = replace(planned["health"], id=HEALTH, certificate_types=frozenset())
    return [planned[DOCUMENTS], health, planned[CERTIFICATES]]


def make_keys(now: datetime, publish: Callable[[str, bytes], None] = lambda _name, _data: None) -> Authority:
    """An authority in memory with keys for all these seals."""
    return throw_away_authority(load_plan(PLAN), now, publish, seals_of_departments())


def root_of(keys: Authority) -> x509.Certificate:
    """Its root."""
    return keys.certificate("root")


class NoWaiting:
    """`Outcomes` for a desk where the worker comes later."""

    async def settled(
        self, kind: str, key: str, seconds: float, is_done: Callable[[], Awaitable[bool]]
    ) -> JobError | None:
        """Look once."""
        await is_done()
        return None

    async def error_of(self, kind: str, key: str) -> JobError | None:
        """Nothing is known."""
        return None


@dataclass
class DocumentDesk:
    """The office, the worker, and what both have in common."""

    pool: Pool
    office: DocumentOffice
    sealer: DocumentSealer
    keys: Authority
    seals: PostgresSeals
    trust: AnchorFiles
    numbers: list[int] = field(default_factory=lambda: [0])

    def key(self) -> str:
        """A request key that was not used before."""
        self.numbers[0] += 1
        return f"request-{id(self)}-{self.numbers[0]}"

    async def send(self, pdf: bytes, actor: Actor = DEPARTMENT) -> bytes:
        """Send a file; its SHA-256."""
        return await take_file(self.office, actor, pdf, datetime.now(UTC))

    async def ask(
        self,
        pdf: bytes,
        *seals: tuple[str, Position],
        cross_page: bool = False,
        actor: Actor = DEPARTMENT,
        key: str | None = None,
    ) -> Asked:
        """Send a file and ask for seals on it."""
        file = await self.send(pdf, actor)
        asked = DocumentAsked(
            client=actor.name,
            key=key or self.key(),
            file=file,
            seals=tuple(SealAsked(seal_id=seal, position=place) for seal, place in seals)
            or (SealAsked(seal_id=DOCUMENTS, position=Rule.LAST_PAGE_BOTTOM_RIGHT),),
            reason="公文",
            cross_page=cross_page,
        )
        return await ask_for_seals(self.office, actor, asked, datetime.now(UTC), 0)

    async def ask_signatures(
        self,
        *digests: bytes,
        seal: str = DOCUMENTS,
        output: Output = Output.RAW,
        actor: Actor = DEPARTMENT,
        **more: Any,
    ) -> Asked:
        """Ask for digests to be signed."""
        named = {"client": actor.name, "key": self.key(), "reason": "公文", **more}
        asked = DigestsAsked(seal_id=seal, digests=digests, output=output, **named)
        return await ask_for_signatures(self.office, actor, asked, datetime.now(UTC), 0)

    async def work(self, walk: Walk = silent_walk) -> int:
        """Do every job that is due as the worker does; how many there were."""
        queue, done, sealer = JobQueue(self.pool), 0, replace(self.sealer, walk=walk)
        while True:
            async with queue.taken((JOB,), datetime.now(UTC)) as job:
                if job is None:
                    return done
                await carry_out_request(sealer, job.key, datetime.now(UTC))
                await job.done()
                done += 1

    async def uses(self, request_id: str) -> list[Mapping[str, Any]]:
        """The uses of seals on record for a request, in their order."""
        async with self.pool.connection() as connection:
            return [
                dict(row)
                for row in await connection.fetch(
                    "select seal_id, digest, page, x_mm, y_mm, actor from seal_use where request_id = $1 order by id",
                    request_id,
                )
            ]

    async def fetch(self, statement: str, *values: object) -> list[Mapping[str, Any]]:
        """What the database holds."""
        async with self.pool.connection() as connection:
            return [dict(row) for row in await connection.fetch(statement, *values)]


@asynccontextmanager
async def open_desk(uri: str, folder: Path, reader: DocumentProcesses | None = None) -> AsyncIterator[DocumentDesk]:
    """A desk over a database, with keys of its own. Seals that are on record stay as they are."""
    now = datetime.now(UTC)
    trust = AnchorFiles()
    keys, rehearsal = make_keys(now, trust.put), throw_away_authority(load_plan(PLAN), now, seals=())
    roots = (root_of(keys).public_bytes(Encoding.DER),)
    async with open_pool(uri) as pool, DocumentProcesses() as own:
        await PostgresRegister(pool).enrol_seals(seals_of_departments(), now)
        seals, requests, blobs = PostgresSeals(pool), PostgresDocuments(pool), FileBlobs(folder)
        used = reader or own
        office = DocumentOffice(
            requests=requests,
            seals=seals,
            blobs=blobs,
            reader=used,
            outcomes=NoWaiting(),
            rehearsal_keys=rehearsal,
            rehearsal_seals=SealKeys(rehearsal),
        )
        sealer = DocumentSealer(requests=requests, blobs=blobs, reader=used, keys=keys, roots=lambda: roots)
        yield DocumentDesk(pool, office, sealer, keys, seals, trust)


@dataclass
class Runner:
    """A loop in which the desk of a test module lives."""

    runner: asyncio.Runner
    desk: DocumentDesk

    def run(self, work: Any) -> Any:
        """Do something there."""
        return self.runner.run(work)
