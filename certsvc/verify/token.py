"""Whether a token is ours: its signature, before anything it says is believed."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from certsvc.domain.token import HALF_ORDER, SIGNATURE_BYTES, Token, parse_digits, signing_input
from certsvc.verify.anchors import TokenKey
from certsvc.verify.report import Check, Outcome, after_compromise

KIND = "token_signature"
HALF = SIGNATURE_BYTES // 2


class TokenKeys(Protocol):
    """Anchors, or whatever else knows the keys of tokens."""

    @property
    def token_keys(self) -> Mapping[bytes, tuple[TokenKey, ...]]:
        """By key id; several may share one, all of them are tried."""


def check_token(digits: str, anchors: TokenKeys) -> tuple[Token, Check]:
    """Take the digits of a QR apart and check who signed them (ES256, no other algorithm).

    The check fails with `unknown_key`, `signature_wrong` (also for the greater of the two values of s that ES256
    would accept: it is the same token, respelt by somebody) or `signed_outside_key_term`. It is unknown with
    `compromised_key` when somebody else may have signed it: then only `check_registered` can tell.

    Raises:
        MalformedToken, TokenTooLong: it is no token at all; see `parse_digits`.
    """
    token = parse_digits(digits)
    candidates = anchors.token_keys.get(token.kid, ())
    if not candidates:
        return token, Check(KIND, Outcome.FAILED, "unknown_key")
    covered = signing_input(token.payload)
    signers = [key for key in candidates if holds(token.signature, covered, key.public_key)]
    if not signers:
        return token, Check(KIND, Outcome.FAILED, "signature_wrong")
    issued_at = token.claims.issued_at
    signers = [key for key in signers if key.not_before <= issued_at <= key.not_after]
    if not signers:
        return token, Check(KIND, Outcome.FAILED, "signed_outside_key_term")
    if all(key.compromised for key in signers):
        return token, Check(KIND, Outcome.UNKNOWN, "compromised_key")
    return token, Check(KIND, Outcome.PASSED, "signed_by_us")


def check_registered(token: Token, registered: bytes | None) -> Check:
    """What becomes of a token of a compromised key: it counts only if it is the very one that is on record.

    `registered` is the SHA-256 of the certificate's own token in the register.
    """
    same = registered is not None and hmac.compare_digest(registered, hashlib.sha256(token.raw).digest())
    return Check(KIND, after_compromise(same), "compromised_key")


def holds(signature: bytes, covered: bytes, key: ec.EllipticCurvePublicKey) -> bool:
    """Whether a P-256 key made this signature with ES256, in the one spelling that ours have."""
    return int.from_bytes(signature[HALF:], "big") <= HALF_ORDER and is_es256(signature, covered, key)


def is_es256(signature: bytes, covered: bytes, key: ec.EllipticCurvePublicKey) -> bool:
    """Whether a P-256 key made this signature (r‖s, 64 bytes) with ES256, for which the greater s holds as well."""
    if len(signature) != SIGNATURE_BYTES:
        return False
    r, s = (int.from_bytes(half, "big") for half in (signature[:HALF], signature[HALF:]))
    try:
        key.verify(encode_dss_signature(r, s), covered, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True
