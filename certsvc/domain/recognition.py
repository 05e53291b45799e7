"""Trust for others: whose certificates are recognised, of which types and when (跨区域互认, 跨城通办)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

LIST_SIGNING = "0.4.0.2231.3.0"
"""Purpose of the key that signs a trust list: id-tsl-kp-tslSigning (ETSI TS 119 612 section 5.7.1)."""

LIST_TYPE = "trust-list+jwt"
"""Explicit type of the JWS (RFC 8725 section 3.11): nothing else that is signed can be taken for a list."""


@dataclass(frozen=True, slots=True)
class CoveredType:
    """A certificate type by its code (GB/T 36904); with an `id`, only that one of ours among those of this code."""

    code: str
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Certificate types, and the first and last calendar date (Asia/Shanghai) of their recognition; the last may be
    open."""

    certificate_types: tuple[CoveredType, ...]
    first: date
    last: date | None = None

    def covers(self, kind: CoveredType, on: date) -> bool:
        """Whether this type is recognised on this date."""
        named = any(each.code == kind.code and each.id in (None, kind.id) for each in self.certificate_types)
        return named and self.first <= on and (self.last is None or on <= self.last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the services of an authority are: CRLs, certificates of its authorities, OCSP, timestamps, practice
    statement."""

    crl: tuple[str, ...] = ()
    ca: tuple[str, ...] = ()
    ocsp: str | None = None
    tsa: str | None = None
    practice: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedAuthority:
    """An authority, ours or another region's: its root certificate (DER, and its SHA-256 in hex) and what it is trusted
    for.

    `area` is its administrative area (GB/T 2260); `ground_zh` and `ground_en` say by which rule it is recognised.
    """

    name_zh: str
    name_en: str
    area: str
    certificate: bytes
    sha256: str
    scopes: tuple[Scope, ...]
    ground_zh: str = ""
    ground_en: str = ""
    addresses: Addresses = Addresses()


def is_recognised(authority: TrustedAuthority, kind: CoveredType, on: date) -> bool:
    """Whether certificates of this type by this authority are recognised on this date."""
    return any(scope.covers(kind, on) for scope in authority.scopes)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustList:
    """What a trust list says: our own anchors, and the authorities of other regions that we recognise.

    The names are those of its claims: `iss` is who made it, `iat` when, `exp` when the next one must be there (seconds
    since 1970, RFC 7519). `sequence` only grows: a list with a smaller one than the last that was read is an old one.
    """

    iss: str
    iat: int
    exp: int
    sequence: int
    demonstration: bool
    anchors: tuple[TrustedAuthority, ...]
    recognised: tuple[TrustedAuthority, ...]

    def trusted_for(self, kind: CoveredType, on: date) -> Sequence[TrustedAuthority]:
        """The authorities whose certificates of this type are to be taken on this date, ours first."""
        return [each for each in (*self.anchors, *self.recognised) if is_recognised(each, kind, on)]
