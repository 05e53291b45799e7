"""Composition of the worker: what it has, which is the keys that issue and seal, and what it does."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from cryptography.hazmat.primitives.serialization import Encoding

from certsvc.authorities import open_keys, publish_trust
from certsvc.authority.authority import Authority
from certsvc.authority.seal_keys import SealKeys
from certsvc.batching import run_batches
from certsvc.domain.actor import Actor
from certsvc.domain.calendar import beijing_date
from certsvc.domain.document_seal import JOB as SEAL_DOCUMENT
from certsvc.domain.following import MAIL
from certsvc.ids import ref_from_bytes
from certsvc.issuance.approvals import carry_out
from certsvc.issuance.cases.issue import issue_part
from certsvc.issuance.cases.work import CaseWork
from certsvc.issuance.documents.sealing import carry_out_request
from certsvc.issuance.documents.service import DocumentProcesses, DocumentReader, DocumentSealer
from certsvc.issuance.issue import Handler as IssueHandler
from certsvc.issuance.issue import finish
from certsvc.issuance.records.sources import tell_freshness
from certsvc.issuance.seals import finish_seals
from certsvc.issuance.service import Issuing, silent_walk
from certsvc.issuance.village.tidying import tidy
from certsvc.issuing import open_issuing
from certsvc.jobs.queue import Handler, do_jobs
from certsvc.jobs.status_lists import StatusListWork
from certsvc.jobs.worker import Chore, work
from certsvc.listing import TrustWatch, status_list_work
from certsvc.log import open_log
from certsvc.mailing import open_mail_room
from certsvc.services import Approvals, Cases, PayloadCipher, ProofRequests, RecordRegister, SealRegister
from certsvc.settings import Settings
from certsvc.store.accounts import OldSignIns
from certsvc.store.answers import PostgresAnswers
from certsvc.store.approvals import CARRY_OUT, PostgresApprovals
from certsvc.store.bell import JOB, open_bell
from certsvc.store.blobs import BLOBS, FileBlobs
from certsvc.store.cases import ISSUE_PART, PostgresCases
from certsvc.store.clients import PostgresClients
from certsvc.store.deliveries import PostgresDeliveries
from certsvc.store.documents import PostgresDocuments
from certsvc.store.full_view import OldFullViews
from certsvc.store.jobs import JobQueue
from certsvc.store.notices import WEBHOOK, PostgresNotices
from certsvc.store.pool import Pool, open_pool
from certsvc.store.problem_reports import PostgresReports
from certsvc.store.proof_requests import PostgresProofRequests
from certsvc.store.records import PostgresRecords
from certsvc.store.register import FINISH
from certsvc.store.seals import PostgresSeals
from certsvc.store.takings import Takings
from certsvc.store.uploads import PostgresUploads
from certsvc.store.village_figures import PostgresVillageFigures
from certsvc.telling.deliver import Telling
from certsvc.telling.following import MailRoom
from certsvc.telling.sender import Sender
from certsvc.verify.anchors import AnchorFolder

Now = Callable[[], datetime]
WORKER = Actor(name="worker", scopes=frozenset({"issue:*"}))
SECOND, SOON, MINUTE, HOUR = timedelta(seconds=1), timedelta(seconds=5), timedelta(minutes=1), timedelta(hours=1)
JOBS_AT_ONCE, SENT_TO_AT_ONCE, MAILS_AT_ONCE, LONGEST_JOB = 3, 8, 2, 120.0
"""Jobs of one worker: while one waits for a reader of PDFs or the database, another renders; receivers of web-hooks
that it waits for, apart from those; mails to one server; seconds for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """What the worker has to do with."""

    settings: Settings
    authority: Authority
    issuing: Issuing
    seals: SealRegister
    approvals: Approvals
    cases: Cases
    telling: Telling
    documents: DocumentSealer
    records: RecordRegister
    answers: PostgresAnswers
    uploads: PostgresUploads
    full_views: OldFullViews
    clients: PostgresClients
    mail_room: MailRoom
    reports: PostgresReports
    lists: StatusListWork
    trust: TrustWatch
    proof_requests: ProofRequests
    sign_ins: OldSignIns
    figures: PostgresVillageFigures

    def chores(self) -> list[Chore]:
        """CRLs, lists of states and new keys every second (signed only when one is due), what waits every five;
        services, trust and tidying up every hour."""
        return [
            Chore("crls", SECOND, self._crls),
            Chore("seals", SOON, self._seals),
            Chore("waiting", SOON, self._waiting),
            Chore("services", HOUR, self._services),
            Chore("trust", HOUR, self._trust),
            Chore("new_keys", SECOND, self.trust.look),
            Chore("status_lists", SECOND, self.lists.keep),
            Chore("notices", SECOND, self.telling.settle),
            Chore("deliveries", HOUR, self.telling.tidy),
            Chore("followers", SECOND, self.mail_room.settle),
            Chore("following", HOUR, self.mail_room.tidy),
            Chore("sources", MINUTE, self._sources),
            Chore("late", MINUTE, self._late),
            Chore("reports", SOON, self._reports),
            Chore("report_words", HOUR, self._report_words),
            Chore("answers", HOUR, self.answers.purge),
            Chore("uploads", HOUR, self.uploads.purge),
            Chore("full_views", HOUR, self.full_views.purge),
            Chore("case_answers", HOUR, self._case_answers),
            Chore("proof_requests", HOUR, self._proof_requests),
            Chore("assertions", HOUR, self.clients.purge),
            Chore("sign_ins", HOUR, self.sign_ins.purge),
            Chore("village_figures", SOON, self.figures.fold),
        ]

    def handlers(self) -> Mapping[str, Handler]:
        """What the worker does when it is in the queue, by its kind."""
        return {
            FINISH: self._finish,
            CARRY_OUT: self._carry_out,
            ISSUE_PART: self._issue_part,
            SEAL_DOCUMENT: self._seal_document,
        }

    def senders(self) -> Mapping[str, Handler]:
        """What waits for others' machines: done apart, so that one that stalls holds up no seal."""
        return {WEBHOOK: self.telling.handle}

    def mailers(self) -> Mapping[str, Handler]:
        """What waits for the one server that carries mail: apart again, so that it holds up no web-hook."""
        return {MAIL: self.mail_room.send}

    async def _finish(self, key: str, now: datetime) -> None:
        ref = ref_from_bytes(bytes.fromhex(key))
        handler = IssueHandler(name=await self.issuing.register.orderer(ref), program=WORKER.name)
        await finish(self.issuing, handler, ref, now)

    async def _seal_document(self, key: str, now: datetime) -> None:
        await carry_out_request(self.documents, key, now)

    async def _issue_part(self, key: str, now: datetime) -> datetime | None:
        work = CaseWork(issuing=self.issuing, cases=self.cases, approvals=self.approvals)
        return await issue_part(work, key, now)

    async def _carry_out(self, key: str, now: datetime) -> None:
        await carry_out(self.issuing, self.approvals, key, now)

    async def _sources(self, now: datetime) -> None:
        await tell_freshness(self.records, now)

    async def _late(self, now: datetime) -> None:
        await self.cases.tell_late(beijing_date(now), now)

    async def _reports(self, now: datetime) -> None:
        await self.reports.tell_all(now)

    async def _report_words(self, now: datetime) -> None:
        await self.reports.erase(now - timedelta(days=self.settings.reports.keep_days), now)

    async def _case_answers(self, now: datetime) -> None:
        await self.cases.erase_contents(now - timedelta(days=self.settings.cases.keep_answers_days), now)

    async def _proof_requests(self, now: datetime) -> None:
        await tidy(self.proof_requests, now)

    async def _crls(self, now: datetime) -> None:
        self.authority.facts.renew(now)

    async def _services(self, now: datetime) -> None:
        self.authority.make_services(now)

    async def _trust(self, now: datetime) -> None:
        self.trust.publish(now)

    async def _seals(self, now: datetime) -> None:
        await finish_seals(self.seals, SealKeys(self.authority), now)

    async def _waiting(self, now: datetime) -> None:
        await self.issuing.register.hand_over(now)


def open_telling(settings: Settings, authority: Authority, cipher: PayloadCipher, pool: Pool, now: Now) -> Telling:
    """What the worker tells others with.

    Raises:
        SettingsError: a network that web-hooks may lead into is malformed.
    """
    return Telling(
        notices=PostgresNotices(pool),
        deliveries=PostgresDeliveries(pool),
        cipher=cipher,
        sender=Sender(networks=settings.webhooks.allowed(is_demonstration=authority.is_demonstration)),
        clock=now,
    )


def document_sealer(settings: Settings, issuing: Issuing, pool: Pool, reader: DocumentReader) -> DocumentSealer:
    """What seals departments' own documents."""
    trust = AnchorFolder(settings.public)
    return DocumentSealer(
        requests=PostgresDocuments(pool),
        blobs=issuing.blobs,
        reader=reader,
        keys=issuing.keys,
        roots=lambda: [root.public_bytes(Encoding.DER) for root in trust.current().roots],
    )


def open_uploads(settings: Settings, pool: Pool) -> PostgresUploads:
    """What takes away files that were sent and not used."""
    kept = timedelta(days=settings.office.keep_uploads_days)
    return PostgresUploads(pool, FileBlobs(settings.home / BLOBS), kept)


@asynccontextmanager
async def open_worker(settings: Settings, uri: str, now: Now) -> AsyncIterator[Worker]:
    """Everything the worker has.

    Raises:
        CeremonyError: no ceremony was held here.
        SettingsError: see `open_telling`.
    """
    authority = open_keys(settings, now())
    async with (
        open_issuing(settings, uri, silent_walk, now(), authority) as bundle,
        open_pool(uri) as pool,
        DocumentProcesses() as reader,
    ):
        yield make_worker(settings, authority, bundle, pool, reader, now)


def make_worker(
    settings: Settings, authority: Authority, issuing: Issuing, pool: Pool, reader: DocumentReader, now: Now
) -> Worker:
    """The worker over parts that are open.

    Raises:
        SettingsError: see `open_telling`.
    """
    return Worker(
        settings=settings,
        authority=authority,
        issuing=issuing,
        seals=PostgresSeals(pool),
        approvals=PostgresApprovals(pool),
        cases=PostgresCases(pool, issuing.area),
        telling=open_telling(settings, authority, issuing.cipher, pool, now),
        documents=document_sealer(settings, issuing, pool, reader),
        records=PostgresRecords(pool),
        answers=PostgresAnswers(pool),
        uploads=open_uploads(settings, pool),
        full_views=OldFullViews(pool),
        clients=PostgresClients(pool),
        mail_room=open_mail_room(
            settings, issuing.catalog, issuing.cipher, pool, now, is_demonstration=authority.is_demonstration
        ),
        reports=PostgresReports(pool),
        lists=status_list_work(settings, authority, issuing.catalog, pool),
        trust=TrustWatch(authority, partial(publish_trust, settings, authority, issuing.catalog)),
        proof_requests=PostgresProofRequests(pool),
        sign_ins=OldSignIns(pool),
        figures=PostgresVillageFigures(pool),
    )


async def do_everything(worker: Worker, uri: str, stop: asyncio.Event, now: Now) -> None:
    """Chores, jobs and batches, until told to stop."""
    log, most = open_log(), JOBS_AT_ONCE + SENT_TO_AT_ONCE + MAILS_AT_ONCE
    async with (
        open_pool(uri, seconds=LONGEST_JOB, most=most) as connections,
        open_pool(uri, most=1) as for_beginnings,
        open_bell(uri, JOB) as bell,
    ):
        takings = Takings(for_beginnings)
        jobs, sending = JobQueue(connections, takings), JobQueue(connections)
        await asyncio.gather(
            work(worker.chores(), now, stop, log),
            do_jobs(jobs, worker.handlers(), bell, now, stop, log, at_once=JOBS_AT_ONCE),
            do_jobs(sending, worker.senders(), bell, now, stop, log, at_once=SENT_TO_AT_ONCE),
            do_jobs(sending, worker.mailers(), bell, now, stop, log, at_once=MAILS_AT_ONCE),
            run_batches(worker.settings, worker.issuing, uri, takings, stop, log),
        )
