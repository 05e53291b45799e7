"""What a receipt records of a report: the verdict of that moment with everything behind it, never what was shown to be
checked."""

import hashlib
from dataclasses import dataclass

from certsvc.domain.receipt import SCHEMA, Asked, Maker, Page, Receipt, new_receipt_id
from certsvc.verify.json import report_json
from certsvc.verify.report import Report


@dataclass(frozen=True, slots=True)
class Brought:
    """What was brought: the digits of a QR, a typed code as it is printed, a file or a photo. `typed_code`
    is what is known of it beside the report."""

    by: str
    content: bytes
    typed_code: str | None = None


def receipt_of(report: Report, brought: Brought, page: Page, maker: Maker, purpose: str | None) -> Receipt:
    """The receipt of a report; `page` is what its page shows."""
    known = report.certificate.certificate.ref.typed_code if report.certificate else brought.typed_code
    return Receipt(
        schema=SCHEMA,
        id=new_receipt_id(),
        made_at=report.asked_at.isoformat(timespec="seconds"),
        by=maker,
        asked=Asked(
            by=brought.by,
            sha256=hashlib.sha256(brought.content).hexdigest(),
            size=len(brought.content) if brought.by in ("file", "photo") else None,
            typed_code=known,
        ),
        purpose=purpose,
        report=report_json(report),
        shown=page,
    )
