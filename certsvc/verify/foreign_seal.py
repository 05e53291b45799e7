"""Files under signatures that are not ours: an honest account of them, and the name of the authority elsewhere that we
recognise, where one stands behind them. Nothing of it is ever valid here: we do not know their register.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
from cryptography.exceptions import InvalidSignature

from certsvc.domain.calendar import TermState, beijing_date
from certsvc.domain.recognition import CoveredType, TrustedAuthority, is_recognised
from certsvc.errors import CertsvcError, MalformedDer
from certsvc.ids import parse_certificate_identifier
from certsvc.verify.foreign_file import ForeignFile, ForeignSignature
from certsvc.verify.inspection import Inspection, Signer
from certsvc.verify.report import Check, Outcome, Report, Soundness, Verdict
from certsvc.verify.service import Verifying
from certsvc.x509_reader import read_certificate

IDENTIFIER_TYPE = 5
"""Where the type's code stands among the parts of a certificate identifier (GB/T 36904)."""


class _Described(msgspec.Struct, frozen=True):
    """What data attached to a certificate say of its type, wherever it was made."""

    identifier: str
    type: str = ""
    title: str = ""


def describe_foreign(verifying: Verifying, inspection: Inspection, now: datetime) -> ForeignFile | None:
    """The account of a file whose signatures are not under our anchors; None for any other file, and for one of ours
    with a broken seal."""
    signatures = inspection.foreign
    if not signatures or any(_is_ours(verifying, signer) for signer in inspection.signers):
        return None
    found = ForeignFile(signatures=signatures, namesake=_is_namesake(verifying, signatures))
    authority = _authority(verifying, signatures, now)
    if authority is None or not found.unchanged:
        return found
    described = _described(inspection.attachment)
    kind = _kind(described)
    covered = kind is not None and is_recognised(authority, kind, beijing_date(_sealed_at(signatures, now)))
    return replace(found, authority=authority, title=described.title if described else "", covered=covered)


def others(verifying: Verifying, now: datetime) -> tuple[bytes, ...]:
    """The roots of the recognised authorities (DER)."""
    known = () if verifying.recognised is None else verifying.recognised.at(now)
    return tuple(authority.certificate for authority in known)


def foreign_report(report: Report, foreign: ForeignFile | None) -> Report:
    """The report on a file with what is known of its foreign signatures. Under an authority that is recognised for it,
    the file is that and nothing more: genuine there, of unknown state."""
    if foreign is None:
        return report
    if foreign.authority is None:
        return replace(report, foreign=foreign)
    if not foreign.covered:
        reason = "not_for_this" if foreign.title else "kind_not_named"
        return replace(report, foreign=foreign, checks=(*report.checks, Check("recognised", Outcome.FAILED, reason)))
    return Report(
        asked_at=report.asked_at,
        source=report.source,
        document=Soundness.SOUND,
        status=None,
        status_age_s=None,
        term=TermState.UNKNOWN,
        verdict=Verdict.RECOGNISED_ELSEWHERE,
        checks=(
            Check("signature", Outcome.PASSED, "intact"),
            Check("recognised", Outcome.PASSED, "recognised_authority"),
        ),
        foreign=foreign,
    )


def _authority(verifying: Verifying, signatures: Sequence[ForeignSignature], now: datetime) -> TrustedAuthority | None:
    """The one recognised authority behind all signatures."""
    anchors = {one.anchor for one in signatures}
    if verifying.recognised is None or len(anchors) != 1 or None in anchors:
        return None
    return next((each for each in verifying.recognised.at(now) if each.sha256 in anchors), None)


def _sealed_at(signatures: Sequence[ForeignSignature], now: datetime) -> datetime:
    stamped = [one.stamped_at for one in signatures if one.stamped_at is not None]
    return datetime.fromtimestamp(max(stamped), UTC) if stamped else now


def _described(attachment: bytes | None) -> _Described | None:
    try:
        return msgspec.json.decode(attachment or b"", type=_Described)
    except msgspec.DecodeError:
        return None


def _kind(described: _Described | None) -> CoveredType | None:
    """The type by its code, with the id that it may have here."""
    if described is None:
        return None
    try:
        parts = parse_certificate_identifier(described.identifier).split(".")
        return CoveredType(parts[IDENTIFIER_TYPE], described.type or None)
    except (CertsvcError, IndexError):
        return None


def _is_ours(verifying: Verifying, signer: Signer) -> bool:
    """Whether the certificate beside a signature is really one that we issued."""
    try:
        certificate = read_certificate(signer.certificate)
    except MalformedDer:
        return False
    for authority in verifying.anchors.authorities:
        try:
            certificate.verify_directly_issued_by(authority)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return True
    return False


def _is_namesake(verifying: Verifying, signatures: Sequence[ForeignSignature]) -> bool:
    ours = {
        str(name.value)
        for authority in verifying.anchors.authorities
        for name in authority.subject
        if name.oid.dotted_string in ("2.5.4.3", "2.5.4.10")
    }
    return any(said in ours for one in signatures for said in (one.name, one.organisation, one.issuer) if said)
