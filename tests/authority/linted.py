"""pkilint on X.509 certificates and CRLs, through its Python interface (its programs take a second each to start)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pkilint import loader, pkix, validation
from pkilint.bin import lint_pkix_signer_signee_cert_chain as chain_lint
from pkilint.pkix import certificate, crl, extension, name

ABOVE_NOTICE = {"WARNING", "ERROR", "FATAL"}


@dataclass(frozen=True, slots=True)
class Accepted:
    """Findings that we know of and leave as they are, and why."""

    findings: re.Pattern[str]
    reason: str


ACCEPTED = (
    Accepted(
        re.compile(r'ERROR pkix\.invalid_uri_syntax .*"http://localhost:\d+/(crl/\w+\.crl|ca/\w+\.cer|ocsp)"'),
        "The host of an address is to be a fully qualified domain name or an IP address (RFC 5280 section 4.2.1.6); "
        "localhost is neither. A demonstration without --public-url has no other name: its addresses lead to the "
        "machine it runs on, and nobody else is to follow them. A --public-url whose host has a dot makes none of it.",
    ),
)


def not_accepted(findings: Sequence[str], accepted: Sequence[Accepted] = ACCEPTED) -> list[str]:
    """The findings that are not listed with a reason."""
    return [line for line in findings if not any(each.findings.search(line) for each in accepted)]


def lint_certificate(found: x509.Certificate) -> list[str]:
    """What lint_pkix_cert finds above notice."""
    validator = certificate.create_pkix_certificate_validator_container(
        certificate.create_decoding_validators(name.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS),
        [
            certificate.create_issuer_validator_container([]),
            certificate.create_validity_validator_container(),
            certificate.create_subject_validator_container([]),
            certificate.create_extensions_validator_container([]),
            certificate.create_spki_validator_container([]),
        ],
    )
    return _above_notice(validator.validate(_load(found, "certificate", {}).root))


def lint_chain(issuer: x509.Certificate, subject: x509.Certificate) -> list[str]:
    """What lint_pkix_signer_signee_cert_chain finds above notice."""
    together: dict[str, Any] = {}
    for role, found in (("issuer", issuer), ("subject", subject)):
        together[role] = _load(found, role, together)
    decoders = chain_lint.create_decoder_validation_container()
    results = [
        *decoders.validate(together["issuer"].root),
        *decoders.validate(together["subject"].root),
        *chain_lint.create_issuer_validation_container().validate(together["issuer"].root),
        *chain_lint.create_subject_validation_container().validate(together["subject"].root),
    ]
    return _above_notice(results)


def lint_crl(der: bytes) -> list[str]:
    """What lint_crl with the PKIX profile finds above notice."""
    validator = crl.create_pkix_crl_validator_container(
        [
            pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
            pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
        ],
        [
            crl.create_issuer_validator_container([]),
            crl.create_validity_validator_container([]),
            crl.create_extensions_validator_container([]),
        ],
    )
    return _above_notice(validator.validate(loader.load_der_crl(der, "crl").root))


def _load(found: x509.Certificate, role: str, together: dict[str, Any]) -> Any:
    return loader.RFC5280CertificateDocumentLoader().load_der_document(
        found.public_bytes(Encoding.DER), role, role, together
    )


def _above_notice(results: list[validation.ValidationResult]) -> list[str]:
    return [
        f"{item.finding.severity.name} {item.finding.code} {result.node.path} {item.message or ''}"
        for result in results
        for item in result.finding_descriptions
        if item.finding.severity.name in ABOVE_NOTICE
    ]
