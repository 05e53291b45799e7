"""The public keys that a reader needs who builds no X.509 paths, such as a page in a browser: `trust/verifier.json`.

Signed like the trust list, so that any mirror may hand it out; the keys for lists are in it, so that who has one of
these files can check the next.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from certsvc.authority.authority import Authority
from certsvc.authority.certificates import BACKDATED
from certsvc.authority.jws import flattened, sign_compact
from certsvc.authority.names import LIST, ROOT, STATUS, profile_name
from certsvc.authority.trust_list import LIST_LASTS
from certsvc.domain.jwk import jwk_of, thumbprint
from certsvc.domain.status_list import KEYS_TYPE
from certsvc.domain.token import key_id

TOKEN = "token"  # noqa: S105 - a profile


def make_verifier_keys(authority: Authority, public_url: str, now: datetime) -> bytes:
    """The file, by the newest key for trust lists.

    Raises:
        NotFound: there is no such key.
        CustodyError: it cannot be used.
    """
    signer = authority.credential(authority.newest(LIST))
    (organisation,) = signer.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    said = {
        "iss": str(organisation.value),
        "iat": int((now - BACKDATED).timestamp()),
        "exp": int((now + LIST_LASTS).timestamp()),
        "sequence": int(now.timestamp()),
        "demonstration": authority.is_demonstration,
        "public_url": public_url,
        "token_keys": [*_keys(authority, TOKEN)],
        "status_keys": [*_keys(authority, STATUS)],
        "list_keys": [*_keys(authority, LIST)],
    }
    public = signer.certificate.public_key()
    kid = thumbprint(jwk_of(public)) if isinstance(public, ec.EllipticCurvePublicKey) else None
    return flattened(sign_compact(msgspec.json.encode(said), signer, KEYS_TYPE, kid))


def _keys(authority: Authority, profile: str) -> Iterator[dict[str, object]]:
    for name in sorted(name for name in authority.names if profile_name(name) == profile):
        public = authority.certificate(name).public_key()
        if not isinstance(public, ec.EllipticCurvePublicKey):
            continue  # a list's key of an earlier ceremony may be RSA: no browser is asked to take it
        members = jwk_of(public)
        yield {
            "kid": key_id(public).hex() if profile == TOKEN else thumbprint(members),
            "jwk": members,
            **_term(authority, name),
        }


def _term(authority: Authority, name: str) -> dict[str, object]:
    """When the key signed, with what was decided of it and of those above it."""
    certificate = authority.certificate(name)
    names = {name, *_above(authority, name)} if profile_name(name) != TOKEN else {name}
    revocations = [each for each in authority.revocations() if each.name in names]
    ends = [certificate.not_valid_after_utc, *(each.revoked_at for each in revocations)]
    compromised = any(each.reason.is_compromise for each in revocations)
    return {
        "not_before": _seconds(certificate.not_valid_before_utc),
        "not_after": _seconds(certificate.not_valid_after_utc if compromised else min(ends)),
        "compromised": compromised,
    }


def _above(authority: Authority, name: str) -> Iterator[str]:
    """The authorities over a certificate. Token keys are named here one by one, as our own reader has them; what else a
    stolen issuing key would make counts for nothing."""
    while profile_name(name) != ROOT:
        name = authority.issuer_name(name)
        yield name


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())
