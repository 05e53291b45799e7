"""What a use case may use: protocols only. `app.py` and its neighbours are where real parts are put behind them."""

from certsvc.services.keys import PayloadCipher, PrivateKey, Sealing, SealMaker, Timestamper
from certsvc.services.pages import PageDrawer, ReceiptPages
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
from certsvc.services.status_lists import StatusLists, StatusTurn

__all__ = [
    "Answers",
    "Approvals",
    "Blobs",
    "Cases",
    "CertificateSearch",
    "ClientRegister",
    "ExternalFiles",
    "FullViews",
    "HistoryReader",
    "Jobs",
    "Outcomes",
    "PageDrawer",
    "PayloadCipher",
    "PrivateKey",
    "ReceiptPages",
    "RecordReader",
    "RecordRegister",
    "Register",
    "RegisterReader",
    "ReportDesk",
    "ReportRegister",
    "SealMaker",
    "SealRegister",
    "Sealing",
    "SnapshotRegister",
    "StatusLists",
    "StatusTurn",
    "TakenJob",
    "Timestamper",
    "Walk",
]
