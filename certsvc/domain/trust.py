"""What makers and verifiers of trust must agree on."""

from cryptography import x509

from certsvc.errors import InvalidIdentifier
from certsvc.ids import Uscc, parse_uscc

DEMONSTRATION_POLICY = "2.25.268473915180402893647203958119073405217"
"""Certificate policy of a demonstration authority: specimen only, no legal effect. It stands in the X.509
certificates, so that it goes wherever the keys go (an arc under 2.25 needs no registration: ITU-T X.667)."""


REGISTRATION = "NTRCN-"
"""Before a USCC in organizationIdentifier: a registration number of China (ETSI EN 319 412-1 section 5.1.4)."""


def organisation_identifier(uscc: Uscc) -> str:
    """How a USCC stands in the subject of a seal's X.509 certificate."""
    return REGISTRATION + uscc


def uscc_of_organisation(identifier: str) -> Uscc:
    """The USCC in an organizationIdentifier.

    Raises:
        InvalidIdentifier: it is no registration number of China, or no USCC.
    """
    if not identifier.startswith(REGISTRATION):
        raise InvalidIdentifier("证书主体中没有统一社会信用代码。", "The subject names no unified social credit code.")
    return parse_uscc(identifier.removeprefix(REGISTRATION))


def is_demonstration(certificate: x509.Certificate) -> bool:
    """Whether a certificate carries the demonstration policy."""
    try:
        policies = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
    except x509.ExtensionNotFound:
        return False
    return DEMONSTRATION_POLICY in {policy.policy_identifier.dotted_string for policy in policies}
