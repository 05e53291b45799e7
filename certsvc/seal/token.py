"""Sign with ES256; sign a token with the key of the quarter."""

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from certsvc.domain.token import P256_ORDER, SIGNATURE_BYTES, Claims, assemble, encode_claims, signing_input
from certsvc.services import PrivateKey


def sign_token(claims: Claims, kid: bytes, key: PrivateKey) -> bytes:
    """The COSE_Sign1 over `claims`. `key` is a P-256 key."""
    payload = encode_claims(claims)
    return assemble(kid, payload, es256(signing_input(payload), key))


def es256(data: bytes, key: PrivateKey) -> bytes:
    """The signature as r‖s (RFC 9053 section 2.1, RFC 7518 section 3.4). `key` is a P-256 key.

    Of s and n − s the smaller is taken, so that what is signed has one spelling; the verifier refuses the other.
    """
    r, s = decode_dss_signature(key.sign(data))
    half = SIGNATURE_BYTES // 2
    return r.to_bytes(half, "big") + min(s, P256_ORDER - s).to_bytes(half, "big")
