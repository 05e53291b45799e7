"""What a use case may use: protocols only. `app.py` and its neighbours are where real parts are put behind them."""

from certsvc.services.keys import PayloadCipher, PrivateKey, Sealing, SealMaker, Timestamper
from certsvc.services.records import Cases, RecordReader, RecordRegister, SnapshotRegister
from certsvc.services.register import (
    Blobs,
    CertificateSearch,
    ExternalFiles,
    Register,
    RegisterReader,
    SealRegister,
    Walk,
)
from certsvc.services.requests import Answers, Approvals, ClientRegister, Jobs, Outcomes, TakenJob

__all__ = [
    "Answers",
    "Approvals",
    "Blobs",
    "Cases",
    "CertificateSearch",
    "ClientRegister",
    "ExternalFiles",
    "Jobs",
    "Outcomes",
    "PayloadCipher",
    "PrivateKey",
    "RecordReader",
    "RecordRegister",
    "Register",
    "RegisterReader",
    "SealMaker",
    "SealRegister",
    "Sealing",
    "SnapshotRegister",
    "TakenJob",
    "Timestamper",
    "Walk",
]
