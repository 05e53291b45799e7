"""Pages that somebody else laid out (`layout: external`). A sealed one shows what we never set, so its attached data is
compared with the register, and people compare the page. An unsealed one proves nothing by itself: that is said, and the
register speaks of the certificate that its QR names.
"""

from collections.abc import Iterator
from datetime import datetime

from certsvc.catalog import Catalog
from certsvc.domain.certificate import RegisteredCertificate, RegisteredDocument
from certsvc.domain.external import EXTERNAL
from certsvc.errors import MalformedToken, NotFound
from certsvc.verify.attached import Attached
from certsvc.verify.gather import Asked, ask_register, make_report
from certsvc.verify.inspection import Inspection
from certsvc.verify.report import Check, Outcome, Report, Soundness
from certsvc.verify.scan import check_claims, claims_term
from certsvc.verify.service import Verifying
from certsvc.verify.token import check_registered, check_token


def check_layout(attached: Attached | None, known: RegisteredDocument | None) -> Iterator[Check]:
    """Whether a file is laid out as it is on record: a page of others does not pass for one of ours, nor the reverse.
    Nothing of a file of ours that says so."""
    if attached is None:
        return
    if known is not None and (known.layout == EXTERNAL) != attached.is_external:
        yield Check("layout", Outcome.FAILED, "layout_differs")
    elif attached.is_external:
        yield Check("layout", Outcome.PASSED, "made_elsewhere")


def check_data(catalog: Catalog, attached: Attached | None, asked: Asked) -> Iterator[Check]:
    """Whether the data attached to a page of others is what the register has: nobody sees it on the page."""
    if attached is None or not attached.is_external or asked.gathered is None:
        return
    same = _says_the_same(catalog, attached, asked.gathered.certificate)
    yield Check("data_agrees", Outcome.PASSED if same else Outcome.FAILED, "same_data" if same else "other_data")


def _says_the_same(catalog: Catalog, attached: Attached, certificate: RegisteredCertificate) -> bool:
    try:
        kind = catalog.version(attached.type, attached.type_version)
    except NotFound:
        return False
    if kind.problems(attached.fields):
        return False
    issuer = (attached.issuer.name, attached.issuer.uscc)
    return (
        kind.public_view(attached.fields) == certificate.public_fields
        and attached.number == certificate.number
        and issuer == (certificate.issuer.name, certificate.issuer.uscc)
        and attached.days == certificate.term
    )


async def without_seal(verifying: Verifying, inspection: Inspection, now: datetime) -> Report | None:
    """The report on a file without a seal of ours whose one QR is that of a certificate which is laid out elsewhere and
    has no file of ours; nothing for any other file. It is never more than undetermined."""
    if len(inspection.qr_digits) != 1 or not _is_of_others(inspection):
        return None
    try:
        token, signed = check_token(inspection.qr_digits[0], verifying.anchors)
    except MalformedToken:
        return None
    if signed.outcome is Outcome.FAILED:
        return None
    asked = await ask_register(verifying.register, token.claims.ref, now)
    if asked.gathered is None or asked.check is None:
        return None
    certificate = asked.gathered.certificate
    if certificate.layout != EXTERNAL or certificate.has_page:
        return None
    if signed.outcome is Outcome.UNKNOWN:
        signed = check_registered(token, certificate.token_sha256)
    agrees = check_claims(token.claims, certificate)
    checks = (Check("signature", Outcome.UNKNOWN, "unsealed_elsewhere"), signed, asked.check, agrees)
    failed = any(check.outcome is Outcome.FAILED for check in checks)
    document = Soundness.UNSOUND if failed else Soundness.UNKNOWN
    term = claims_term(token.claims, now)
    return make_report(verifying.catalog, "file", document, checks, asked.gathered, now, document_term=term)


def _is_of_others(inspection: Inspection) -> bool:
    """Whether nobody of ours sealed it, and nobody says so; somebody else may have signed it."""
    reasons = {check.reason for check in inspection.checks}
    return inspection.attachment is None and bool(reasons & {"no_seal", "not_our_anchor"}) and "altered" not in reasons
