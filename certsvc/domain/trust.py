"""What makers and verifiers of trust must agree on."""

from cryptography import x509

from certsvc.errors import InvalidIdentifier
from certsvc.ids import Uscc, parse_uscc

DEMONSTRATION_POLICY = "1.3.6.1.4.1.32473.118246390.1"
"""Certificate policy of a demonstration authority: specimen only, no legal effect. It stands in the X.509
certificates, so that it goes wherever the keys go. It lies under the enterprise number for examples (RFC 5612): 2.999
is for examples too, and an arc made of a UUID is free for all, but some readers of X.509 refuse either."""


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
