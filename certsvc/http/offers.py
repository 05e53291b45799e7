"""What a result page offers a receipt of: what was just brought, if it can be brought once more."""

from dataclasses import dataclass

from certsvc.http.routes import Asked
from certsvc.verify.report import Report


@dataclass(frozen=True, slots=True)
class Offer:
    """The field of `POST /receipts` and what goes into it; nothing for a file, which was not kept."""

    by: str
    value: str


def offer_of(request: Asked, report: Report) -> Offer | None:
    """None for another day than today, for a receipt itself, and for what was found without paper or code."""
    if report.as_of is not None or report.receipt is not None:
        return None
    if report.source in ("file", "photo"):
        return Offer("file", "")
    field, name = ("qr", "digits") if report.source == "qr" else ("code", "code")
    value = request.path_params.get(name)
    return Offer(field, str(value)) if value and report.source == field else None
