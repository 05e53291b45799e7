"""Where a result page leads when something is wrong: the form of a report, with what was checked handed on."""

from urllib.parse import urlencode

from certsvc.http.language import CODES
from certsvc.http.routes import Asked
from certsvc.verify.report import Report

FORM, SCAN = "/reports/new", "/Q/"
WAYS = ("qr", "code", "file")


def report_address(request: Asked, report: Report, file_sha256: str | None) -> str:
    """The address of the form. It hands on the code of the certificate, or else the digits of the QR or the SHA-256 of
    the file; and what this page says, which the form shows as a claim."""
    path, asked = request.scope["path"], request.query_params.get("lang")
    handed: dict[str, str] = {"by": report.source} if report.source in WAYS else {}
    if report.certificate is not None:
        handed["code"] = report.certificate.certificate.ref.typed_code
    elif path.startswith(SCAN):
        handed["qr"] = path.removeprefix(SCAN)
    if file_sha256 is not None:
        handed["file"] = file_sha256
    handed |= {"said": report.verdict.value, "at": report.asked_at.isoformat(timespec="seconds")}
    if asked in CODES:
        handed["lang"] = str(asked)
    return f"{FORM}?{urlencode(handed)}"
