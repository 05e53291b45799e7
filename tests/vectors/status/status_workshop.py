"""Where vectors of status lists are made: keys and X.509 certificates in memory, tokens and JWTs written by hand.

Certificates come from the product's profiles; tokens, lists and key files share no code with it.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from qr_bytes import (
    CTI,
    DETAIL,
    EXP,
    IAT,
    NULL,
    SUB,
    array,
    cose,
    kid_of,
    mapping,
    number,
    octets,
    sig_structure,
    text,
    to_digits,
)
from qr_bytes import sign as sign_token

from certsvc.authority.certificates import IssuingParty, Subject, load_profile, make_certificate
from certsvc.authority.crl import make_crl
from certsvc.custody.keys import SoftwareKey

URL = "https://licence.yunshan.test"
PREFIX = "HTTPS://LICENCE.YUNSHAN.TEST/Q/"
FOUNDED = datetime(2026, 9, 1, tzinfo=UTC)
QUARTER = datetime(2026, 9, 30, 16, tzinfo=UTC), datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC)
ISSUED = datetime(2026, 11, 24, 8, tzinfo=UTC)
MADE = datetime(2026, 11, 27, 4, tzinfo=UTC)
NOW = MADE + timedelta(seconds=42)
FULL = 524_288
NOTHING = 0xF


def seconds(instant: datetime) -> int:
    """Seconds since 1970."""
    return int(instant.timestamp())


def base64url(data: bytes) -> str:
    """Without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def as_json(value: object) -> bytes:
    """Members in order, nothing between them."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def jwk(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """The members of a P-256 key (RFC 7518 section 6.2.1)."""
    point = key.public_numbers()
    x, y = (base64url(each.to_bytes(32, "big")) for each in (point.x, point.y))
    return {"crv": "P-256", "kty": "EC", "x": x, "y": y}


def thumbprint(key: ec.EllipticCurvePublicKey) -> str:
    """RFC 7638."""
    return base64url(hashlib.sha256(as_json(jwk(key))).digest())


@dataclass(frozen=True)
class Party:
    """A key and its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def public(self) -> ec.EllipticCurvePublicKey:
        """The public half."""
        return self.key.public_key()

    @property
    def der(self) -> str:
        """The certificate as a header holds it."""
        return base64.b64encode(self.certificate.public_bytes(Encoding.DER)).decode()

    @property
    def pem(self) -> str:
        """The certificate as a file holds it."""
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def sign(self, data: bytes) -> bytes:
        """ES256: r‖s."""
        r, s = decode_dss_signature(self.key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


CHAIN = (("root", None), ("issuing", "root"))
SERVICES = ("token", "status", "status2", "list", "seal")


def make_authority() -> dict[str, Party]:
    """Everyone by name; `status2` is the next generation of `status`."""
    parties: dict[str, Party] = {}
    for name, above in (*CHAIN, *((each, "issuing") for each in SERVICES)):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = Subject(organisation="云山市电子证照", unit=name, common_name=name, demonstration=True)
        issuer = issuing(parties[above]) if above else None
        term = QUARTER if name == "token" else (FOUNDED, None)
        profile = load_profile(name.removesuffix("2"))
        certificate = make_certificate(profile, subject, SoftwareKey(key), issuer, *term)
        parties[name] = Party(key, certificate)
    return parties


def issuing(party: Party) -> IssuingParty:
    """As the product's makers of certificates and CRLs ask for it."""
    return IssuingParty(certificate=party.certificate, key=SoftwareKey(party.key))


@dataclass(frozen=True)
class Revoked:
    """One certificate that is revoked."""

    name: str
    since: datetime
    compromised: bool


def keys_file(parties: Mapping[str, Party], revoked: Revoked | None, made: datetime = MADE) -> dict[str, Any]:
    """Keys as a page has them and as a reader of X.509 has them; both run out a week after they were made."""
    files = {f"anchors/{name}.pem": parties[name].pem for name in ("root", "issuing")}
    files["anchors/token-keys/2026q4.pem"] = parties["token"].pem
    files["crl/root.crl"] = crl(parties, "root", made, None)
    files["crl/issuing.crl"] = crl(parties, "issuing", made, revoked)
    return {"verifier": verifier(parties, revoked, made), "anchors": files}


def crl(parties: Mapping[str, Party], name: str, made: datetime, revoked: Revoked | None) -> str:
    """A CRL (base64 of DER)."""
    entries = []
    if revoked is not None:
        serial = parties[revoked.name].certificate.serial_number
        builder = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(revoked.since)
        why = x509.ReasonFlags.key_compromise if revoked.compromised else x509.ReasonFlags.superseded
        entries.append(builder.add_extension(x509.CRLReason(why), critical=False).build())
    return base64.b64encode(make_crl(issuing(parties[name]), timedelta(days=7), made, entries)).decode()


def verifier(parties: Mapping[str, Party], revoked: Revoked | None, made: datetime) -> dict[str, Any]:
    """The claims of trust/verifier.json."""

    def entry(name: str, kid: str) -> dict[str, Any]:
        certificate = parties[name].certificate
        last, ours = certificate.not_valid_after_utc, revoked is not None and revoked.name == name
        if revoked is not None and ours and not revoked.compromised:
            last = revoked.since
        return {
            "kid": kid,
            "jwk": jwk(parties[name].public),
            "not_before": seconds(certificate.not_valid_before_utc),
            "not_after": seconds(last),
            "compromised": revoked is not None and ours and revoked.compromised,
        }

    return {
        "iss": "云山市电子证照",
        "iat": seconds(made),
        "exp": seconds(made + timedelta(days=7)),
        "sequence": seconds(made),
        "demonstration": True,
        "public_url": URL,
        "token_keys": [entry("token", kid_of(parties["token"].public).hex())],
        "status_keys": [entry(name, thumbprint(parties[name].public)) for name in ("status", "status2")],
        "list_keys": [entry("list", thumbprint(parties["list"].public))],
    }


@dataclass(frozen=True)
class Certificate:
    """What a token says; the kind is its type number, the list that of the quarter of `issued`."""

    kind: int = 101
    index: int = 345_678
    name: str | None = "云山市晨光食品有限公司"
    subject: str | None = "91441900MA51ABC088"
    ref: str = "a155f0e1d2c3b4a59687"
    issued: datetime = ISSUED
    expires: datetime | None = datetime(2031, 11, 23, 16, tzinfo=UTC)


@dataclass(frozen=True)
class Workshop:
    """Our authority and one that calls itself the same."""

    ours: Mapping[str, Party] = field(default_factory=make_authority)
    theirs: Mapping[str, Party] = field(default_factory=make_authority)

    def payload(self, said: Certificate) -> bytes:
        """The claims of a token."""
        pairs = [(number(SUB), text(said.subject))] if said.subject else []
        if said.expires:
            pairs.append((number(EXP), number(seconds(said.expires))))
        detail = array(number(said.kind), number(1), number(said.index), text(said.name) if said.name else NULL)
        pairs += [(number(IAT), number(seconds(said.issued))), (number(CTI), octets(bytes.fromhex(said.ref)))]
        return mapping([*pairs, (number(DETAIL), detail)])

    def qr(self, said: Certificate | None = None, signer: Party | None = None) -> str:
        """The address of a QR."""
        signer, payload = signer or self.ours["token"], self.payload(said or Certificate())
        return PREFIX + to_digits(cose(kid_of(signer.public), payload, sign_token(signer.key, sig_structure(payload))))

    def header(self, signer: Party | None = None, **changed: Any) -> dict[str, Any]:
        """The header of a list; a member that is changed to None is left out."""
        signer = signer or self.ours["status"]
        said = {
            "alg": "ES256",
            "kid": thumbprint(signer.public),
            "typ": "statuslist+jwt",
            "x5c": [signer.der, self.ours["issuing"].der],
        }
        return {key: value for key, value in (said | changed).items() if value is not None}

    def jwt(self, claims: Any, signer: Party | None = None, header: Any = None) -> str:
        """A compact JWS over these claims."""
        signer = signer or self.ours["status"]
        head, body = (base64url(as_json(part)) for part in (header or self.header(signer), claims))
        return f"{head}.{body}.{base64url(signer.sign(f'{head}.{body}'.encode()))}"


def packed(values: Mapping[int, int], size: int = FULL) -> bytes:
    """Entries, two to a byte, the lower half first; all others say nothing."""
    data = bytearray([NOTHING << 4 | NOTHING]) * size
    for index, value in values.items():
        low, high = data[index // 2] & 0xF, data[index // 2] >> 4
        data[index // 2] = value << 4 | low if index % 2 else high << 4 | value
    return bytes(data)


def claims(data: bytes, name: str = "101-2026q4", **changed: Any) -> dict[str, Any]:
    """The claims of a list; `lst` replaces what is compressed, a claim that is changed to None is left out."""
    lst = changed.pop("lst", None) or base64url(zlib.compress(data, 9))
    said = {
        "exp": seconds(MADE + timedelta(hours=24)),
        "iat": seconds(MADE),
        "sequence": 7,
        "status_list": {"aggregation_uri": f"{URL}/status", "bits": 4, "lst": lst},
        "sub": f"{URL}/status/{name}",
        "ttl": 60,
    }
    return {key: value for key, value in (said | changed).items() if value is not None}
