"""A file or photo after it was judged: the report, and what further questions about it rest on."""

from dataclasses import dataclass

from certsvc.verify.inspection import Inspection
from certsvc.verify.report import Report


@dataclass(frozen=True, slots=True)
class Examined:
    """`inspection` is what a worker found in a PDF, `digits` those of the one QR of ours that a photo shows."""

    report: Report
    inspection: Inspection | None = None
    digits: str | None = None
