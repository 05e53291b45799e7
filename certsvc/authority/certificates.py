"""X.509 certificates by profile. The profiles are data in `keys/profiles/`, with the clauses that rule them."""

import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from certsvc.custody.delegate import as_issuer_key
from certsvc.domain.trust import DEMONSTRATION_POLICY, organisation_identifier
from certsvc.ids import Uscc
from certsvc.services import PrivateKey

PROFILES = Path(__file__).resolve().parents[2] / "keys" / "profiles"
BACKDATED = timedelta(hours=1)
"""So that a reader whose clock is a little slow does not call a new certificate not yet valid."""

COMMON_NAME_BYTES = 64
"""What OpenSSL and the library here take; ub-common-name is 64 characters (RFC 5280 Appendix A)."""

USAGES = (
    "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign crl_sign "
    "encipher_only decipher_only"
).split()


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a kind of X.509 certificate contains."""

    days: int
    authority: bool
    key_usage: tuple[str, ...]
    extended_key_usage: tuple[str, ...]
    extended_key_usage_critical: bool
    path_length: int | None = None
    ocsp_address: bool = False
    ocsp_no_check: bool = False


@cache
def load_profile(name: str) -> Profile:
    """The profile `keys/profiles/<name>.toml`."""
    return msgspec.convert(tomllib.loads((PROFILES / f"{name}.toml").read_text("utf-8")), Profile)


DEMONSTRATION = " 演示 DEMONSTRATION"
"""What follows the unit in every name of a demonstration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuingParty:
    """Who signs a certificate, and where its CRL, its own certificate and its OCSP responder are found, if anywhere."""

    certificate: x509.Certificate
    key: PrivateKey
    crl: str | None = None
    ca: str | None = None
    ocsp: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Who a certificate is for. A demonstration authority says so in every name; `uscc` is that of a seal's owner."""

    organisation: str
    unit: str
    common_name: str
    demonstration: bool
    uscc: Uscc | None = None

    @property
    def name(self) -> x509.Name:
        """C=CN, O, organizationIdentifier, OU, CN; the last cut to what it has room for, O is always whole."""
        unit = self.unit + DEMONSTRATION if self.demonstration else self.unit
        parts = [
            (NameOID.COUNTRY_NAME, "CN"),
            (NameOID.ORGANIZATION_NAME, self.organisation),
            *([(NameOID.ORGANIZATION_IDENTIFIER, organisation_identifier(self.uscc))] if self.uscc else []),
            (NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
            (NameOID.COMMON_NAME, self.common_name.encode("utf-8")[:COMMON_NAME_BYTES].decode("utf-8", "ignore")),
        ]
        return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts])


def make_certificate(
    profile: Profile,
    subject: Subject,
    key: PrivateKey,
    issuer: IssuingParty | None,
    since: datetime,
    until: datetime | None = None,
) -> x509.Certificate:
    """An X.509 certificate by profile (RFC 5280); without an issuer it is self-signed, the root's.

    Its term begins at `since` and ends with the profile's days, at `until`, or with its issuer's, whatever is first.
    """
    signer = as_issuer_key(issuer.key if issuer else key)
    public = as_issuer_key(key).public_key()
    ends = [since + timedelta(days=profile.days)]
    ends += [until] if until else []
    ends += [issuer.certificate.not_valid_after_utc] if issuer else []
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject.name)
        .issuer_name(issuer.certificate.subject if issuer else subject.name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(min(ends))
    )
    for extension, critical in _extensions(profile, subject, public, issuer):
        builder = builder.add_extension(extension, critical)
    return builder.sign(signer, hashes.SHA256())


def _extensions(
    profile: Profile, subject: Subject, public: CertificatePublicKeyTypes, issuer: IssuingParty | None
) -> list[tuple[x509.ExtensionType, bool]]:
    usage = x509.KeyUsage(**{name: name in profile.key_usage for name in USAGES})
    found: list[tuple[x509.ExtensionType, bool]] = [(usage, True)]
    if profile.authority:
        found.append((x509.BasicConstraints(ca=True, path_length=profile.path_length), True))
    if profile.extended_key_usage:
        purposes = [x509.ObjectIdentifier(oid) for oid in profile.extended_key_usage]
        found.append((x509.ExtendedKeyUsage(purposes), profile.extended_key_usage_critical))
    found.append((x509.SubjectKeyIdentifier.from_public_key(public), False))
    if issuer:
        found += [(extension, False) for extension in _issuer_extensions(profile, issuer)]
    if profile.ocsp_no_check:
        found.append((x509.OCSPNoCheck(), False))
    if subject.demonstration:
        policy = x509.PolicyInformation(x509.ObjectIdentifier(DEMONSTRATION_POLICY), None)
        found.append((x509.CertificatePolicies([policy]), False))
    return found


def _issuer_extensions(profile: Profile, issuer: IssuingParty) -> list[x509.ExtensionType]:
    identifier = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    found: list[x509.ExtensionType] = [x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)]
    if issuer.crl:
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(issuer.crl)], None, None, None)
        found.append(x509.CRLDistributionPoints([point]))
    wanted = [
        (AuthorityInformationAccessOID.OCSP, issuer.ocsp if profile.ocsp_address else None),
        (AuthorityInformationAccessOID.CA_ISSUERS, issuer.ca),
    ]
    access = [x509.AccessDescription(how, x509.UniformResourceIdentifier(where)) for how, where in wanted if where]
    return [*found, x509.AuthorityInformationAccess(access)] if access else found
