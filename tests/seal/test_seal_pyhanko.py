"""pyHanko on the sealed file: from the file and our root alone, offline, timestamp and revocation included."""

import asyncio
import io
from collections.abc import Iterable
from typing import Any

import pytest
from asn1crypto import pem, x509
from asn1crypto.crl import CertificateList
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.ades import ades_with_time_validation
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.policy_decl import (
    LocalKnowledge,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import CRLContainer
from sealed_set import NOW, SealedSet, Sheet

pytest_plugins = ["seal_fixtures"]

Both = tuple[SealedSet, SealedSet]


def root_of(sealed: SealedSet) -> x509.Certificate:
    """Our root as pyHanko takes it."""
    _, _, der = pem.unarmor(sealed.root.read_bytes())
    return x509.Certificate.load(der)


def every_sheet(both: Iterable[SealedSet]) -> list[tuple[Sheet, x509.Certificate]]:
    """Each sheet with the root it is to be trusted by."""
    return [(sheet, root_of(sealed)) for sealed in both for sheet in sealed.sheets]


@pytest.mark.long
def test_pyhanko_trusts_seal_and_timestamp_with_revocation_required(both: Both) -> None:
    for sheet, root in every_sheet(both):
        reader = PdfFileReader(io.BytesIO(sheet.sealed))
        (signature,) = reader.embedded_signatures
        settings = {"trust_roots": [root], "allow_fetching": False, "revocation_mode": "require"}
        context = DocumentSecurityStore.read_dss(reader).as_validation_context(settings)
        status = asyncio.run(
            async_validate_pdf_signature(signature, signer_validation_context=context, ts_validation_context=context)
        )
        assert status.bottom_line, status.summary()
        assert status.intact and status.valid and status.trusted and not status.revoked
        assert status.coverage is SignatureCoverageLevel.ENTIRE_FILE
        assert status.docmdp_ok and signature.docmdp_level is MDPPerm.NO_CHANGES
        stamp = status.timestamp_validity
        assert stamp is not None
        assert stamp.valid and stamp.trusted and stamp.timestamp == NOW


@pytest.mark.long
def test_ades_with_time_passes_from_the_file_alone(both: Both) -> None:
    for sheet, root in every_sheet(both):
        result = validate_with_time(sheet, root, crls=True)
        assert result.ades_subindic.standard_name == "OK", result.failure_msg
        assert result.best_signature_time == NOW


def test_ades_without_the_embedded_crls_does_not_pass(sealed: SealedSet) -> None:
    result = validate_with_time(sealed.sheets[0], root_of(sealed), crls=False)
    assert result.ades_subindic.standard_name != "OK"


def validate_with_time(sheet: Sheet, root: x509.Certificate, *, crls: bool) -> Any:
    """The process of ETSI EN 319 102-1 clause 5.5, with what the file holds; `crls=False` leaves its CRLs out."""
    reader = PdfFileReader(io.BytesIO(sheet.sealed))
    (signature,) = reader.embedded_signatures
    store = DocumentSecurityStore.read_dss(reader)
    lists = [CRLContainer(CertificateList.load(item.get_object().data)) for item in store.crls] if crls else []
    signature.compute_integrity_info()
    spec = SignatureValidationSpec(
        cert_validation_policy=CertValidationPolicySpec(
            trust_manager=SimpleTrustManager.build(trust_roots=[root]),
            revinfo_policy=CertRevTrustPolicy(REQUIRE_REVINFO),
        ),
        revinfo_gathering_policy=RevocationInfoGatheringSpec(online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY),
        local_knowledge=LocalKnowledge(known_crls=lists, known_certs=list(store.load_certs())),
    )
    return asyncio.run(
        ades_with_time_validation(
            signed_data=signature.signed_data,
            validation_spec=spec,
            raw_digest=signature.compute_digest(),
            extra_status_kwargs=signature.summarise_integrity_info(),
            status_cls=PdfSignatureStatus,
        )
    )
