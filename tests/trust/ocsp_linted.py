"""pkilint on OCSP responses, through its Python interface (its programs take a second each to start)."""

from pkilint import loader, pkix
from pkilint.pkix import extension, name, ocsp

ABOVE_NOTICE = {"WARNING", "ERROR", "FATAL"}


def lint_ocsp(der: bytes) -> list[str]:
    """What lint_ocsp_response finds above notice."""
    validator = ocsp.create_pkix_ocsp_response_validator_container(
        [
            ocsp.create_response_decoder(),
            pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
            pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
        ],
        [],
    )
    results = validator.validate(loader.load_ocsp_response(der, "response").root)
    return [
        f"{item.finding.severity.name} {item.finding.code} {result.node.path} {item.message or ''}"
        for result in results
        for item in result.finding_descriptions
        if item.finding.severity.name in ABOVE_NOTICE
    ]
