"""Where flawed tokens are made: the keys, the good claims, and what a bad vector says."""

from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from qr_bytes import (
    Pairs,
    cose,
    kid_of,
    mapping,
    number,
    sig_structure,
    sign,
    to_digits,
)

Flaw = dict[str, Any]


@dataclass(frozen=True)
class Workshop:
    """Our key, somebody else's, and the encoded claims of a good token: within, before and after the quarter."""

    key: ec.EllipticCurvePrivateKey
    foreign: ec.EllipticCurvePrivateKey
    pairs: Pairs
    early: Pairs
    late: Pairs

    @property
    def kid(self) -> bytes:
        """Our key id."""
        return kid_of(self.key.public_key())

    @property
    def payload(self) -> bytes:
        """The good payload."""
        return mapping(self.pairs)

    def signature(self, payload: bytes | None = None) -> bytes:
        """Our signature over a payload."""
        return sign(self.key, sig_structure(self.payload if payload is None else payload))

    def token(self, payload: bytes) -> bytes:
        """A token of ours over this payload."""
        return cose(self.kid, payload, self.signature(payload))

    def having(self, key: int, value: bytes | None) -> bytes:
        """A token of ours in which one claim has another value, or is left out (None)."""
        changed = [(k, value if k == number(key) else v) for k, v in self.pairs]
        return self.token(mapping([(k, v) for k, v in changed if v is not None]))

    def keyed(self, key: int, written: bytes) -> bytes:
        """A token of ours in which the key of one claim is written another way."""
        return self.token(mapping([(written if k == number(key) else k, v) for k, v in self.pairs]))


def malformed(stage: str, because: str, flaw: str, digits: str, error: str = "malformed_token") -> Flaw:
    """A vector that no reader takes for a token: the stage, the error and the words that say why."""
    return {"flaw": flaw, "refused_at": stage, "error": error, "because": because, "digits": digits}


def unlike(stage: str, because: str, flaw: str, token: bytes) -> Flaw:
    """The same, with the token it was made from."""
    return {**malformed(stage, because, flaw, to_digits(token)), "cose_sign1": token.hex()}
