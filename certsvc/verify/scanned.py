"""PDFs that are only the picture of a paper: without a seal the file proves nothing, but the QR in the picture is read,
and the register speaks of the certificate that it names. It is never more than undetermined.
"""

from datetime import datetime

from certsvc.errors import MalformedToken
from certsvc.verify.gather import ask_register, make_report
from certsvc.verify.inspection import Inspection
from certsvc.verify.report import Check, Outcome, Report, Soundness
from certsvc.verify.scan import check_claims, claims_term
from certsvc.verify.service import Verifying
from certsvc.verify.token import check_registered, check_token


async def scanned_file(verifying: Verifying, inspection: Inspection, now: datetime) -> Report | None:
    """The report on a PDF whose pages are pictures with one QR of ours; nothing for any other file."""
    if not inspection.is_picture or len(inspection.qr_digits) != 1:
        return None
    try:
        token, signed = check_token(inspection.qr_digits[0], verifying.anchors)
    except MalformedToken:
        return None
    if signed.outcome is Outcome.FAILED:
        return None
    picture = Check("signature", Outcome.UNKNOWN, "picture_only")
    asked = await ask_register(verifying.register, token.claims.ref, now)
    if signed.outcome is Outcome.UNKNOWN and asked.answered:
        signed = check_registered(token, asked.gathered.certificate.token_sha256 if asked.gathered else None)
    checks = [picture, signed, *([asked.check] if asked.check else [])]
    if asked.gathered is not None:
        checks.append(check_claims(token.claims, asked.gathered.certificate))
    failed = any(check.outcome is Outcome.FAILED for check in checks)
    document = Soundness.UNSOUND if failed else Soundness.UNKNOWN
    term = claims_term(token.claims, now)
    return make_report(verifying.catalog, "file", document, checks, asked.gathered, now, document_term=term)
