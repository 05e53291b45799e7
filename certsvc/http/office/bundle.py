"""What the department API needs, put together by `departments.py`."""

from dataclasses import dataclass

from certsvc.access.service import Access
from certsvc.http.csc.credentials import SealCertificates
from certsvc.http.pages import Pages
from certsvc.http.site import Site
from certsvc.http.village.bundle import Villages
from certsvc.issuance.batches.requests import BatchOffice
from certsvc.issuance.documents.service import DocumentOffice
from certsvc.issuance.records.reporting import Recording
from certsvc.issuance.service import Issuing
from certsvc.services import Answers, Approvals, Cases, CertificateSearch, Outcomes, ReportRegister
from certsvc.telling.hooks import HookDesk
from certsvc.telling.parts import Notices


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """`issuing` has no keys: what needs one is done by a worker, and waited for by way of `outcomes`. `access` knows
    who calls."""

    issuing: Issuing
    access: Access
    answers: Answers
    approvals: Approvals
    cases: Cases
    recording: Recording
    reports: ReportRegister
    batches: BatchOffice
    documents: DocumentOffice
    certificates: SealCertificates
    search: CertificateSearch
    outcomes: Outcomes
    notices: Notices
    webhooks: HookDesk
    villages: Villages
    site: Site
    pages: Pages
    requests_per_minute: int
