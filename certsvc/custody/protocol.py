"""What a key is to the rest of the service, and what a backend of keys is to `custody.keys`."""

import hashlib
from typing import Literal, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from certsvc.errors import CustodyError

Algorithm = Literal["p256", "rsa3072"]
RSA_BITS = 3072
PREHASHED = Prehashed(hashes.SHA256())
"""What is signed is a SHA-256 digest, computed before."""

OurPublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


class NoSuchKey(CustodyError):
    """A key cannot be used

    There is none in this place: told apart so that a key can be looked for before one is made.
    """


class CustodyKey(Protocol):
    """A private key that never leaves its backend: `services.PrivateKey`, and whether it can be used now."""

    @property
    def public_key(self) -> PublicKeyTypes:
        """The public half."""

    def sign(self, data: bytes) -> bytes:
        """Sign `data` with SHA-256: ECDSA as DER, RSA as PKCS #1 v1.5. Raises `CustodyError`."""

    def sign_digest(self, digest: bytes) -> bytes:
        """The same signature, over data of which only the SHA-256 is known here. Raises `CustodyError`."""

    def check(self) -> None:
        """Raise `CustodyError` when the key cannot be used now. Signs nothing."""


class Backend(Protocol):
    """One kind of place where keys are kept; every backend is a module with these three functions."""

    def create_key(self, uri: str, secret: str, algorithm: Algorithm) -> CustodyKey:
        """The key at `uri`; where there is none, one is made."""

    def open_key(self, uri: str, secret: str) -> CustodyKey:
        """The key at `uri`. Raises `NoSuchKey` where there surely is none."""

    def destroy_key(self, uri: str, secret: str) -> None:
        """Destroy the key at `uri`; nothing happens where there is none."""


def our_kind(public: object, where: str) -> OurPublicKey:
    """`public` when it is of a kind we sign with: P-256, or RSA of 3072 bits or more.

    Raises:
        CustodyError: it is not; `where` says whose key it is.
    """
    if isinstance(public, ec.EllipticCurvePublicKey) and isinstance(public.curve, ec.SECP256R1):
        return public
    if isinstance(public, rsa.RSAPublicKey) and public.key_size >= RSA_BITS:
        return public
    raise CustodyError(
        f"{where} 既不是 P-256 密钥，也不是 {RSA_BITS} 位以上的 RSA 密钥。",
        f"{where} is neither a P-256 key nor an RSA key of at least {RSA_BITS} bits.",
    )


def require_digest(digest: bytes) -> bytes:
    """`digest` when it has the length of a SHA-256.

    Raises:
        CustodyError: it has another.
    """
    if len(digest) != hashlib.sha256().digest_size:
        raise CustodyError("要签的不是 SHA-256 摘要。", "What is to be signed is no SHA-256 digest.")
    return digest


def verified(public: OurPublicKey, digest: bytes, signature: bytes, where: str) -> bytes:
    """`signature` when it is one over data of this SHA-256: a device or service is believed only after this.

    Raises:
        CustodyError: it does not verify under `public`.
    """
    try:
        if isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, digest, ec.ECDSA(PREHASHED))
        else:
            public.verify(signature, digest, padding.PKCS1v15(), PREHASHED)
    except InvalidSignature:
        raise CustodyError(
            f"{where} 给出的签名与公钥不符，已弃用。",
            f"The signature from {where} does not verify under the key's public half; it was thrown away.",
        ) from None
    return signature
