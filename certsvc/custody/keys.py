"""Keys by URI, behind `services.PrivateKey`. Backends: `file:` (encrypted PKCS #8)."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from certsvc.custody.secret import read_private_file, read_secret, write_private_file
from certsvc.errors import CustodyError

Algorithm = Literal["p256", "rsa3072"]
RSA_BITS = 3072
MAX_KEY_FILE = 16 * 1024


@dataclass(frozen=True, slots=True)
class SoftwareKey:
    """A key held in memory. It is parsed once: parsing costs a thousand times what signing does."""

    _key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = field(repr=False)

    @property
    def public_key(self) -> PublicKeyTypes:
        """The public half."""
        return self._key.public_key()

    def sign(self, data: bytes) -> bytes:
        """Sign with SHA-256: ECDSA as DER, RSA as PKCS #1 v1.5."""
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return self._key.sign(data, ec.ECDSA(hashes.SHA256()))
        return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def generate_key(algorithm: Algorithm = "p256") -> SoftwareKey:
    """A fresh key that is nowhere but in memory: throw-away keys for the lint, and what `create_key` stores."""
    if algorithm == "p256":
        return SoftwareKey(ec.generate_private_key(ec.SECP256R1()))
    return SoftwareKey(rsa.generate_private_key(65537, RSA_BITS))


def create_key(uri: str, secret: str, algorithm: Algorithm = "p256") -> SoftwareKey:
    """The key at `uri`; where there is none, one is made, encrypted under the passphrase that `secret` refers to.

    Two processes that make it at once get the same key; one that is there is never overwritten.

    Raises:
        CustodyError: unknown scheme, unusable secret, no place to write, or a key that `open_key` refuses.
    """
    path = _file_path(uri)
    if not path.exists():
        key = generate_key(algorithm)
        encryption = serialization.BestAvailableEncryption(read_secret(secret))
        pem = key._key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        if write_private_file(path, pem):
            return key
    return open_key(uri, secret)


def open_key(uri: str, secret: str) -> SoftwareKey:
    """Open the key at `uri` with the passphrase that `secret` refers to.

    Raises:
        CustodyError: unknown scheme, no such key, others may read it, wrong passphrase, damaged, or no kind of ours.
    """
    path = _file_path(uri)
    try:
        key = serialization.load_pem_private_key(read_private_file(path, MAX_KEY_FILE), read_secret(secret))
    except (ValueError, TypeError):
        raise CustodyError(
            f"{path} 打不开：口令不对，或文件已损坏。", f"{path} does not open: wrong passphrase, or damaged."
        ) from None
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return SoftwareKey(key)
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= RSA_BITS:
        return SoftwareKey(key)
    raise CustodyError(
        f"{path} 既不是 P-256 密钥，也不是 3072 位以上的 RSA 密钥。",
        f"{path} is neither a P-256 key nor an RSA key of at least {RSA_BITS} bits.",
    )


def _file_path(uri: str) -> Path:
    scheme, _, path = uri.partition(":")
    if scheme != "file" or not path:
        raise CustodyError(f"不认识的密钥地址 {scheme}:，可用：file:", f"Unknown key URI {scheme}:, known: file:")
    return Path(path)
