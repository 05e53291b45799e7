"""Certificate revocation lists (RFC 5280 section 5), signed on schedule."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from certsvc.authority.certificates import BACKDATED, IssuingParty
from certsvc.custody.delegate import as_issuer_key

ROOT_CRL = timedelta(days=366)
ISSUING_CRL = timedelta(days=7)
RENEW_AFTER = timedelta(hours=1)


def make_crl(
    issuer: IssuingParty, lasts: timedelta, now: datetime, revoked: Sequence[x509.RevokedCertificate] = ()
) -> bytes:
    """A DER CRL made at `now`; its number is that second, so it only grows (section 5.2.3).

    thisUpdate lies a little before: a request that began before the list was made, or a reader whose clock is slow, can
    use it too.
    """
    identifier = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(now - BACKDATED)
        .next_update(now + lasts)
        .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    for entry in revoked:
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(as_issuer_key(issuer.key), hashes.SHA256()).public_bytes(Encoding.DER)
