"""An authority, a look-alike, and what a forger can sign: for the tests of the trust list."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from certsvc.authority.certificates import IssuingParty, Subject, load_profile, make_certificate
from certsvc.authority.crl import make_crl
from certsvc.authority.trust_list import LIST, make_trust_files, own_anchor
from certsvc.custody.keys import Algorithm, generate_key
from certsvc.domain.recognition import Addresses, CoveredType, Scope, TrustedAuthority
from certsvc.services import PrivateKey

SERVICES = ("list", "seal", "timestamp", "token")
NOW = datetime(2027, 3, 2, 4, 5, 6, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=100)
KINDS = {"food-business": "11100000MB0143028R901", "drug-retail": "11100000MB0143028R903"}
FOOD = CoveredType(KINDS["food-business"], "food-business")
AUTHORITY = "云山市电子证照"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """`services.Sealing`: a key, its certificate, and those above."""

    key: PrivateKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]


@dataclass(frozen=True)
class Parties:
    """Everyone by name: root, issuing, list, seal, timestamp, token."""

    by_name: Mapping[str, Party]

    def __getitem__(self, name: str) -> Party:
        return self.by_name[name]

    @property
    def root(self) -> x509.Certificate:
        """The one thing a reader has beforehand."""
        return self["root"].certificate

    def crl(self, name: str, at: datetime = NOW, revoked: x509.Certificate | None = None) -> bytes:
        """The CRL of root or issuing authority."""
        entries = []
        if revoked is not None:
            builder = x509.RevokedCertificateBuilder().serial_number(revoked.serial_number)
            entries.append(builder.revocation_date(at - timedelta(days=2)).build())
        return make_crl(self.issuer(name), timedelta(days=7), at, entries)

    @property
    def crls(self) -> list[bytes]:
        """What a reader fetches beside the list."""
        return [self.crl("root"), self.crl("issuing")]

    def issuer(self, name: str) -> IssuingParty:
        """An authority that signs."""
        return IssuingParty(certificate=self[name].certificate, key=self[name].key)


@cache
def make_parties(who: str = "ours", *, demonstration: bool = False, algorithm: Algorithm = "p256") -> Parties:
    """Keys and certificates as a ceremony makes them; whoever they are for, the names in them are the same."""
    parties: dict[str, Party] = {}
    for name, above in [("root", None), ("issuing", "root"), *((each, "issuing") for each in SERVICES)]:
        key = generate_key(algorithm)
        subject = Subject(organisation=AUTHORITY, unit=name, common_name=name, demonstration=demonstration)
        issuer = IssuingParty(certificate=parties[above].certificate, key=parties[above].key) if above else None
        certificate = make_certificate(load_profile(name), subject, key, issuer, LONG_AGO)
        chain = (parties[above].certificate, *parties[above].chain) if above else ()
        parties[name] = Party(key=key, certificate=certificate, chain=chain)
    return Parties(parties)


def ours(parties: Parties) -> TrustedAuthority:
    """Our root as an anchor."""
    addresses = Addresses(crl=("http://yz.example/crl/root.crl",), tsa="http://yz.example/tsa")
    return own_anchor(parties.root, (AUTHORITY, "Yunshan Electronic Certificates"), "441900", KINDS, addresses)


def theirs() -> TrustedAuthority:
    """A recognised authority: food licences only, for a year."""
    root = make_parties("theirs").root
    first = NOW.date() - timedelta(days=10)
    scope = Scope(certificate_types=(FOOD,), first=first, last=first + timedelta(days=365))
    named = own_anchor(root, ("江海市电子证照", "Jianghai"), "329900", KINDS, Addresses())
    return replace(named, scopes=(scope,), ground_zh="互认协议（虚构）", ground_en="An agreement (made up)")


def genuine(parties: Parties, now: datetime = NOW) -> bytes:
    """The list as the product makes it."""
    return make_trust_files([ours(parties)], [theirs()], parties["list"], now)[LIST]


def claims_of(data: bytes) -> dict[str, Any]:
    """What a list says, its signature not looked at."""
    claims: dict[str, Any] = json.loads(unbase64(json.loads(data)["payload"]))
    return claims


def header_of(data: bytes) -> dict[str, Any]:
    """The protected header."""
    header: dict[str, Any] = json.loads(unbase64(json.loads(data)["protected"]))
    return header


def assemble(claims: Mapping[str, Any], header: Mapping[str, Any], sign: Any) -> bytes:
    """A JWS of any content; `sign` makes the signature over the signing input."""
    protected, payload = (base64url(json.dumps(part).encode()) for part in (header, claims))
    signature = base64url(sign(f"{protected}.{payload}".encode()))
    return json.dumps({"payload": payload, "protected": protected, "signature": signature}).encode()


def es256(key: PrivateKey) -> Any:
    """A signer that gives r ‖ s (RFC 7518 section 3.4)."""

    def sign(data: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(data))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return sign


def x5c(*certificates: x509.Certificate) -> list[str]:
    """Certificates as a header holds them (RFC 7515 section 4.1.6)."""
    return [base64.b64encode(each.public_bytes(Encoding.DER)).decode() for each in certificates]


def base64url(data: bytes) -> str:
    """Without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unbase64(text: str) -> bytes:
    """Back from `base64url`."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
