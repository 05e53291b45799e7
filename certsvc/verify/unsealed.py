"""PDFs without a seal of ours that bear a QR of ours: the picture of a paper, or a page that somebody else laid out.
The file proves nothing; the register speaks of the certificate that the QR names. It is never more than undetermined.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from certsvc.domain.certificate import Gathered
from certsvc.domain.external import EXTERNAL
from certsvc.errors import MalformedToken
from certsvc.verify.gather import make_report
from certsvc.verify.inspection import Inspection
from certsvc.verify.report import Check, Outcome, Report, Soundness
from certsvc.verify.scan import ask_of_token, claims_term
from certsvc.verify.service import Verifying
from certsvc.verify.token import check_token


async def unsealed_file(verifying: Verifying, inspection: Inspection, now: datetime) -> Report | None:
    """The report on such a file; nothing for any other."""
    if inspection.is_picture and len(inspection.qr_digits) > 1:
        codes = codes_of_ours(verifying, inspection.qr_digits)
        checks = [Check("signature", Outcome.UNKNOWN, "picture_only"), Check("photo", Outcome.UNKNOWN, "several_codes")]
        report = make_report(verifying.catalog, "file", Soundness.UNKNOWN, checks, None, now)
        return replace(report, codes=codes) if codes else None
    if len(inspection.qr_digits) != 1 or not (inspection.is_picture or _is_of_others(inspection)):
        return None
    try:
        token, signed = check_token(inspection.qr_digits[0], verifying.anchors)
    except MalformedToken:
        return None
    if signed.outcome is Outcome.FAILED:
        return None
    asked, checks = await ask_of_token(verifying, token, signed, now)
    what = _what_it_is(inspection, asked.gathered)
    if what is None:
        return None
    if verifying.hosts and not verifying.hosts.issuperset(inspection.qr_hosts):
        elsewhere = Check("photo", Outcome.FAILED, "other_host")  # whoever scans it is not answered by us
        return make_report(verifying.catalog, "file", Soundness.UNSOUND, (what, elsewhere), None, now)
    checks = [what, *checks]
    failed = any(check.outcome is Outcome.FAILED for check in checks)
    document = Soundness.UNSOUND if failed else Soundness.UNKNOWN
    term = claims_term(token.claims, now)
    return make_report(verifying.catalog, "file", document, checks, asked.gathered, now, document_term=term)


def codes_of_ours(verifying: Verifying, several: Iterable[str]) -> tuple[str, ...]:
    """Of the digits in a picture of several papers, the typed codes of those that we signed: which one is meant, nobody
    can tell."""
    codes = []
    for digits in several:
        try:
            token, signed = check_token(digits, verifying.anchors)
        except MalformedToken:
            continue
        if signed.outcome is not Outcome.FAILED:
            codes.append(token.claims.ref.typed_code)
    return tuple(dict.fromkeys(codes))


def _what_it_is(inspection: Inspection, gathered: Gathered | None) -> Check | None:
    """A page of a certificate that has no file of ours; else a picture; else nothing that is known here."""
    certificate = gathered.certificate if gathered else None
    if certificate and certificate.layout == EXTERNAL and not certificate.has_page and _is_of_others(inspection):
        return Check("signature", Outcome.UNKNOWN, "unsealed_elsewhere")
    return Check("signature", Outcome.UNKNOWN, "picture_only") if inspection.is_picture else None


def _is_of_others(inspection: Inspection) -> bool:
    """Whether nobody of ours sealed it, and nobody says so; somebody else may have signed it."""
    reasons = {check.reason for check in inspection.checks}
    return inspection.attachment is None and bool(reasons & {"no_seal", "not_our_anchor"}) and "altered" not in reasons
