"""Keys, and what encrypts, as a use case may use them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from certsvc.domain.seal import Seal
from certsvc.domain.seal_acts import SealEvent


class PrivateKey(Protocol):
    """A private key that never leaves its backend. Opened by URI in `custody`."""

    @property
    def public_key(self) -> PublicKeyTypes:
        """The public half."""

    def sign(self, data: bytes) -> bytes:
        """Sign `data` with SHA-256: ECDSA as DER, RSA as PKCS #1 v1.5."""

    def sign_digest(self, digest: bytes) -> bytes:
        """The same signature, over data of which only the SHA-256 is known here. For seals that are for documents."""


class Timestamper(Protocol):
    """A timestamp authority (RFC 3161)."""

    def timestamp(self, digest: bytes, now: datetime) -> bytes:
        """A DER TimeStampToken over a SHA-256 digest. Raises `TimestampUnavailable`: never a weaker seal."""


class PayloadCipher(Protocol):
    """Encrypts what a certificate says about persons (AES-256-GCM); the key's id goes into the row."""

    @property
    def key_id(self) -> str:
        """The id of the key that `encrypt` uses now."""

    @property
    def fingerprints(self) -> Mapping[str, bytes]:
        """What tells each key from another of the same id: 32 bytes by id."""

    def encrypt(self, plain: bytes, context: bytes) -> bytes:
        """Ciphertext bound to `context` (the certificate's reference)."""

    def decrypt(self, sealed: bytes, context: bytes, key_id: str) -> bytes:
        """The plain text. Raises `CustodyError` for another context, an altered text or an unknown key."""

    def look_up(self, text: str) -> bytes:
        """A keyed hash of 32 bytes, always the same: what an encrypted code is found by."""


class Sealing(Protocol):
    """What stands behind one seal: its key, its X.509 certificate and the chain up to and including the root."""

    @property
    def key(self) -> PrivateKey: ...

    @property
    def certificate(self) -> x509.Certificate: ...

    @property
    def chain(self) -> tuple[x509.Certificate, ...]: ...


class SealMaker(Protocol):
    """What stands behind the making and destroying of seals: keys and X.509 certificates. Both are safe to repeat: a
    key that was made is found again, one that is gone stays gone."""

    def make(self, seal: Seal, now: datetime) -> x509.Certificate:
        """The seal's X.509 certificate, over a key made for it."""

    def destroy(self, seal_id: str, decision: SealEvent, now: datetime) -> None:
        """Destroy the seal's key, where one was made, and have its certificate revoked: `decision` says who, with
        whom, when and why."""
