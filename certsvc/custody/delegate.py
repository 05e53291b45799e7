"""A key behind the face that the X.509 builders ask for, so that they sign with keys they cannot hold."""

from typing import Any, NoReturn

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

from certsvc.errors import CustodyError
from certsvc.services import PrivateKey


def as_issuer_key(key: PrivateKey) -> CertificateIssuerPrivateKeyTypes:
    """`key` as `cryptography` takes the key of an issuer; all it can do is sign with SHA-256.

    Raises:
        CustodyError: it is neither an EC nor an RSA key.
    """
    public = key.public_key
    if isinstance(public, ec.EllipticCurvePublicKey):
        return _EcKey(key, public)
    if isinstance(public, rsa.RSAPublicKey):
        return _RsaKey(key, public)
    raise CustodyError("签发者的密钥应为 EC 或 RSA。", "The key of an issuer is an EC or an RSA key.")


def _never() -> NoReturn:
    raise CustodyError("密钥只能用来签名。", "The key can be used to sign, and for nothing else.")


class _EcKey(ec.EllipticCurvePrivateKey):
    def __init__(self, key: PrivateKey, public: ec.EllipticCurvePublicKey) -> None:
        self._key, self._public = key, public

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._public

    @property
    def curve(self) -> ec.EllipticCurve:
        return self._public.curve

    @property
    def key_size(self) -> int:
        return self._public.key_size

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        if not isinstance(signature_algorithm.algorithm, hashes.SHA256):
            _never()
        return self._key.sign(bytes(data))

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> bytes:
        _never()

    def private_numbers(self) -> ec.EllipticCurvePrivateNumbers:
        _never()

    def private_bytes(self, *_: Any) -> bytes:
        _never()

    def __copy__(self) -> "_EcKey":
        return self

    def __deepcopy__(self, memo: dict[Any, Any]) -> "_EcKey":
        return self


class _RsaKey(rsa.RSAPrivateKey):
    def __init__(self, key: PrivateKey, public: rsa.RSAPublicKey) -> None:
        self._key, self._public = key, public

    def public_key(self) -> rsa.RSAPublicKey:
        return self._public

    @property
    def key_size(self) -> int:
        return self._public.key_size

    def sign(self, data: Any, padding_used: Any, algorithm: Any) -> bytes:
        if not (isinstance(padding_used, padding.PKCS1v15) and isinstance(algorithm, hashes.SHA256)):
            _never()
        return self._key.sign(bytes(data))

    def decrypt(self, *_: Any) -> bytes:
        _never()

    def private_numbers(self) -> rsa.RSAPrivateNumbers:
        _never()

    def private_bytes(self, *_: Any) -> bytes:
        _never()

    def __copy__(self) -> "_RsaKey":
        return self

    def __deepcopy__(self, memo: dict[Any, Any]) -> "_RsaKey":
        return self
