"""Sign a token with the key of the quarter."""

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from certsvc.domain.token import SIGNATURE_BYTES, Claims, assemble, encode_claims, signing_input
from certsvc.services import PrivateKey


def sign_token(claims: Claims, kid: bytes, key: PrivateKey) -> bytes:
    """The COSE_Sign1 over `claims`: ES256, the signature as r‖s (RFC 9053 section 2.1). `key` is a P-256 key."""
    payload = encode_claims(claims)
    r, s = decode_dss_signature(key.sign(signing_input(payload)))
    half = SIGNATURE_BYTES // 2
    return assemble(kid, payload, r.to_bytes(half, "big") + s.to_bytes(half, "big"))
