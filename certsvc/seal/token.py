"""Sign a token with the key of the quarter."""

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from certsvc.domain.token import P256_ORDER, SIGNATURE_BYTES, Claims, assemble, encode_claims, signing_input
from certsvc.services import PrivateKey


def sign_token(claims: Claims, kid: bytes, key: PrivateKey) -> bytes:
    """The COSE_Sign1 over `claims`: ES256, the signature as r‖s (RFC 9053 section 2.1). `key` is a P-256 key.

    Of s and n − s the smaller is taken, so that a token has one spelling; the verifier refuses the other.
    """
    payload = encode_claims(claims)
    r, s = decode_dss_signature(key.sign(signing_input(payload)))
    s = min(s, P256_ORDER - s)
    half = SIGNATURE_BYTES // 2
    return assemble(kid, payload, r.to_bytes(half, "big") + s.to_bytes(half, "big"))
