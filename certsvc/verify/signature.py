"""Judge one signature by pyHanko, from the file alone: who sealed, when, and whether that was in order."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.generic_cms import extract_certs_for_validation, extract_tst_data_iter
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import PdfSignatureStatus
from pyhanko_certvalidator import ValidationContext

from certsvc.domain.trust import uscc_of_organisation
from certsvc.verify.inspection import Signer
from certsvc.verify.report import Check, Outcome

CLOCKS_DIFFER = timedelta(minutes=5)
SEAL_USAGE = KeyUsageConstraints(
    key_usage={"digital_signature", "non_repudiation"},
    match_all_key_usages=True,
    extd_key_usage={"1.3.6.1.5.5.7.3.36"},
    explicit_extd_key_usage_required=True,
)


@dataclass(frozen=True, slots=True)
class Judged:
    """A signature with what was found of it; without `status` it could not be judged."""

    checks: tuple[Check, ...]
    status: PdfSignatureStatus | None = None

    @property
    def known_status(self) -> PdfSignatureStatus:
        """The status; raises `ValueError` without one."""
        if self.status is None:
            raise ValueError("not judged")
        return self.status


def judge(
    signature: EmbeddedPdfSignature, store: PdfFileReader, roots: Sequence[bytes], signer: Signer, now: datetime
) -> Judged:
    """The checks `signature`, `signer` and `revocation`, with the validation data that `store` finds."""
    try:
        moment = now if signer.sealed_at is None else datetime.fromtimestamp(signer.sealed_at, UTC)
        status = asyncio.run(validate(signature, context(store, roots, moment)))
    except Exception as error:  # hostile bytes raise anything; the name of the class is all that is kept
        return Judged((Check("signature", Outcome.UNKNOWN, f"could_not_run_{type(error).__name__}"),))
    checks = (
        _signature_check(status),
        _verdict("signer", status.trusted, "our_anchor", "not_our_anchor"),
        _verdict("revocation", status.trusted and not status.revoked, "not_revoked", "revoked_or_not_proven"),
    )
    return Judged(checks, status)


def _signature_check(status: PdfSignatureStatus) -> Check:
    """Two ways to be broken: other content than was sealed, or a signature not by the key of its certificate."""
    if status.intact and not status.valid:
        return Check("signature", Outcome.FAILED, "not_its_key")
    return _verdict("signature", status.intact, "intact", "altered")


def _verdict(kind: str, good: bool, passed: str, failed: str) -> Check:
    return Check(kind, Outcome.PASSED if good else Outcome.FAILED, passed if good else failed)


def signer_of(signature: EmbeddedPdfSignature) -> Signer:
    """Who put this seal on, as far as its signature says; what it does not say is None."""
    sealed_at, stamped_by = _timestamp_of(signature)
    try:
        certificate: bytes = signature.signer_cert.dump()
        subject: dict[str, Any] = signature.signer_cert.subject.native
    except Exception:
        return Signer(uscc=None, sealed_at=sealed_at, certificate=b"", timestamp_certificate=stamped_by)
    try:
        uscc = uscc_of_organisation(str(subject["organization_identifier"]))
    except Exception:
        uscc = None
    return Signer(uscc=uscc, sealed_at=sealed_at, certificate=certificate, timestamp_certificate=stamped_by)


def _timestamp_of(signature: EmbeddedPdfSignature) -> tuple[float | None, bytes | None]:
    try:
        token = next(iter(extract_tst_data_iter(signature.signer_info, signed=False)))
        stamped: datetime = token["encap_content_info"]["content"].parsed["gen_time"].native
        certificate: bytes = extract_certs_for_validation(token).signer_cert.dump()
        return stamped.timestamp(), certificate
    except Exception:
        return None, None


def context(store: PdfFileReader, roots: Sequence[bytes], moment: datetime) -> ValidationContext:
    """Only our roots, only the data in the file, at the time of the seal. Revocation must be proven, also where a
    certificate names no place for its CRL: in the library's milder modes such a one is not checked at all."""
    settings: dict[str, Any] = {
        "trust_roots": [asn1_x509.Certificate.load(root) for root in roots],
        "allow_fetching": False,
        "revocation_mode": "require",
        "moment": moment,
        "crls": [],
    }
    if "/DSS" in store.root:
        return DocumentSecurityStore.read_dss(store).as_validation_context(settings)
    return ValidationContext(**settings)


async def validate(signature: EmbeddedPdfSignature, context: ValidationContext) -> PdfSignatureStatus:
    """A seal as pyHanko judges it: signature, chain, timestamp and revocation; raises whatever hostile bytes raise."""
    return await async_validate_pdf_signature(
        signature,
        signer_validation_context=context,
        ts_validation_context=context,
        key_usage_settings=SEAL_USAGE,
    )


def check_timestamp(judged: Judged, now: datetime) -> Check:
    """The check `timestamp`: there is one, by a timestamp authority of ours, and its time is not still to come."""
    stamp = judged.known_status.timestamp_validity
    if stamp is None:
        return Check("timestamp", Outcome.FAILED, "no_timestamp")
    good = stamp.intact and stamp.valid and stamp.trusted and stamp.timestamp <= now + CLOCKS_DIFFER
    return _verdict("timestamp", good, "trusted", "not_trusted")
