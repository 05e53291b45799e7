"""What a use case may use: protocols only. `app.py` and its neighbours are where real parts are put behind them."""

from certsvc.services.accounts import AccountCredentials, Accounts, OpenIdRegister
from certsvc.services.keys import PayloadCipher, PrivateKey, Sealing, SealMaker, Timestamper
from certsvc.services.pages import PageDrawer, PreviewDrawer, ReceiptPages
from certsvc.services.problem_reports import ReportDesk, ReportRegister
from certsvc.services.records import Cases, RecordReader, RecordRegister, SnapshotRegister
from certsvc.services.register import (
    Blobs,
    CertificateSearch,
    ExternalFiles,
    HistoryReader,
    Register,
    RegisterReader,
    SealRegister,
    Walk,
)
from certsvc.services.requests import Answers, Approvals, ClientRegister, FullViews, Jobs, Outcomes, TakenJob
from certsvc.services.seal_authorisations import SealAuthorisations, SealBook, SealWaits
from certsvc.services.status_lists import StatusLists, StatusTurn
from certsvc.services.villages import EvidenceDrawer, EvidenceRegister, Organs, ProofRequests

__all__ = [
    "AccountCredentials",
    "Accounts",
    "Answers",
    "Approvals",
    "Blobs",
    "Cases",
    "CertificateSearch",
    "ClientRegister",
    "EvidenceDrawer",
    "EvidenceRegister",
    "ExternalFiles",
    "FullViews",
    "HistoryReader",
    "Jobs",
    "OpenIdRegister",
    "Organs",
    "Outcomes",
    "PageDrawer",
    "PayloadCipher",
    "PreviewDrawer",
    "PrivateKey",
    "ProofRequests",
    "ReceiptPages",
    "RecordReader",
    "RecordRegister",
    "Register",
    "RegisterReader",
    "ReportDesk",
    "ReportRegister",
    "SealAuthorisations",
    "SealBook",
    "SealMaker",
    "SealRegister",
    "SealWaits",
    "Sealing",
    "SnapshotRegister",
    "StatusLists",
    "StatusTurn",
    "TakenJob",
    "Timestamper",
    "Walk",
]
