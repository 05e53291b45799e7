"""What makers and verifiers of trust must agree on."""

from cryptography import x509

DEMONSTRATION_POLICY = "2.25.268473915180402893647203958119073405217"
"""Certificate policy of a demonstration authority: specimen only, no legal effect. It stands in the X.509
certificates, so that it goes wherever the keys go (an arc under 2.25 needs no registration: ITU-T X.667)."""


def is_demonstration(certificate: x509.Certificate) -> bool:
    """Whether a certificate carries the demonstration policy."""
    try:
        policies = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
    except x509.ExtensionNotFound:
        return False
    return DEMONSTRATION_POLICY in {policy.policy_identifier.dotted_string for policy in policies}
