"""Composition of the department API: what the office has, which is no key that seals."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from certsvc.access.service import Access
from certsvc.access.tokens import Tokens
from certsvc.authority.authority import Authority
from certsvc.authority.ceremony import read_authority
from certsvc.authority.founding import throw_away_authority
from certsvc.authority.seal_keys import SealKeys
from certsvc.catalog import load_catalog
from certsvc.custody.access_secret import open_access_secret
from certsvc.http.office.bundle import Office
from certsvc.http.pages import Pages
from certsvc.http.site import Site
from certsvc.http.village.bundle import Villages
from certsvc.issuance.batches.requests import BatchOffice
from certsvc.issuance.documents.service import DocumentOffice, DocumentProcesses
from certsvc.issuance.records.reporting import Recording
from certsvc.issuance.service import Issuing, silent_walk
from certsvc.issuing import join_issuing
from certsvc.render.evidence_pool import EvidencePictures
from certsvc.render.external_pool import ForeignPages
from certsvc.render.preview_pool import Previewer
from certsvc.settings import Settings
from certsvc.store.answers import PostgresAnswers
from certsvc.store.approvals import PostgresApprovals
from certsvc.store.batches import PostgresBatches
from certsvc.store.bell import DONE, open_bell
from certsvc.store.cases import PostgresCases
from certsvc.store.clients import PostgresClients
from certsvc.store.documents import PostgresDocuments
from certsvc.store.manifests import MANIFESTS, FileManifests
from certsvc.store.notices import PostgresNotices
from certsvc.store.outcomes import PostgresOutcomes
from certsvc.store.pool import Pool, open_pool
from certsvc.store.problem_reports import PostgresReports
from certsvc.store.record_snapshots import PostgresSnapshots
from certsvc.store.records import PostgresRecords
from certsvc.store.seals import PostgresSeals
from certsvc.store.search import PostgresSearch
from certsvc.store.webhooks import PostgresWebHooks
from certsvc.telling.hooks import HookDesk
from certsvc.verify.inspector import Inspector
from certsvc.villages import open_villages

NO_PASSPHRASE = "env:CERTSVC_NO_PASSPHRASE_IN_THE_OFFICE"  # noqa: S105 - a reference, and to nothing
"""The office is not told where the passphrase of the key files is."""

OFFICE_CONNECTIONS = 20
LISTS_AT_ONCE, LONGEST_END_OF_A_LIST = 2, 900.0
"""Of sources that list all they have: so many are applied at once, and each may take so many seconds."""

BATCHES_AT_ONCE = 6
"""Requests about batches at once: uploads ask for a connection again and again."""


def open_access(settings: Settings, clients: PostgresClients) -> Access:
    """Who calls the API at this address.

    Raises:
        CustodyError: the secret of access tokens cannot be made or read.
    """
    secret = open_access_secret(settings.home / "secrets")
    return Access(clients=clients, tokens=Tokens(settings.office_url, secret))


@dataclass(frozen=True, slots=True)
class _Opened:
    """What is open as long as the office is. `rehearsal` makes throw-away keys for seals on documents; `patient` is for
    lists of sources, `for_batches` for batches."""

    issuing: Issuing
    authority: Authority
    rehearsal: Authority
    pool: Pool
    patient: Pool
    for_batches: Pool
    outcomes: PostgresOutcomes
    reader: DocumentProcesses


@asynccontextmanager
async def open_office(
    settings: Settings, writer_uri: str, site: Site, pages: Pages, now: datetime
) -> AsyncIterator[Office]:
    """Everything the department API needs.

    Raises:
        CeremonyError: no ceremony was held here.
        CustodyError: a data key is missing.
        SettingsError: a network that web-hooks may lead into is malformed.
    """
    authority, catalog = read_authority(settings.home, NO_PASSPHRASE), load_catalog(settings.schemas)
    workers = settings.verify.workers
    async with (
        open_pool(writer_uri, most=OFFICE_CONNECTIONS) as pool,
        open_pool(writer_uri, seconds=LONGEST_END_OF_A_LIST, most=LISTS_AT_ONCE) as patient,
        open_pool(writer_uri, most=BATCHES_AT_ONCE) as for_batches,
        open_bell(writer_uri, DONE) as bell,
        Inspector(workers) as inspector,
        ForeignPages(workers) as foreign,
        DocumentProcesses() as reader,
        EvidencePictures(workers) as drawer,
        Previewer(settings.schemas, settings.public_url, settings.fonts.extra) as previews,
    ):
        parts = settings, catalog, authority, pool, inspector, silent_walk, now, foreign
        issuing = await join_issuing(*parts, keyless=True)
        outcomes = PostgresOutcomes(bell, pool)
        rehearsal = throw_away_authority(authority.plan, now, seals=())
        opened = _Opened(issuing, authority, rehearsal, pool, patient, for_batches, outcomes, reader)
        villages = await open_villages(settings, issuing, pool, site, pages, drawer, previews)
        yield _office(settings, opened, villages, site, pages)


def _office(settings: Settings, opened: _Opened, villages: Villages, site: Site, pages: Pages) -> Office:
    pool, issuing = opened.pool, opened.issuing
    return Office(
        issuing=issuing,
        access=open_access(settings, PostgresClients(pool)),
        answers=PostgresAnswers(pool),
        approvals=PostgresApprovals(pool),
        cases=PostgresCases(pool, issuing.area),
        recording=Recording(
            catalog=issuing.catalog,
            records=PostgresRecords(pool),
            snapshots=PostgresSnapshots(pool, opened.patient),
        ),
        reports=PostgresReports(pool),
        batches=BatchOffice(
            batches=PostgresBatches(opened.for_batches),
            issuing=issuing,
            manifests=FileManifests(settings.home / MANIFESTS),
        ),
        documents=_documents(settings, opened),
        certificates=opened.authority,
        search=PostgresSearch(pool),
        outcomes=opened.outcomes,
        notices=PostgresNotices(pool),
        webhooks=HookDesk(
            hooks=PostgresWebHooks(pool),
            cipher=issuing.cipher,
            networks=settings.webhooks.allowed(is_demonstration=opened.authority.is_demonstration),
        ),
        villages=villages,
        site=site,
        pages=pages,
        requests_per_minute=settings.office.requests_per_minute,
    )


def _documents(settings: Settings, opened: _Opened) -> DocumentOffice:
    return DocumentOffice(
        requests=PostgresDocuments(opened.pool),
        seals=PostgresSeals(opened.pool),
        blobs=opened.issuing.blobs,
        reader=opened.reader,
        outcomes=opened.outcomes,
        rehearsal_keys=opened.rehearsal,
        rehearsal_seals=SealKeys(opened.rehearsal),
        extra_fonts=settings.fonts.extra,
    )
