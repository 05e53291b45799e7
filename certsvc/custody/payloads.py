"""What certificates say of persons is encrypted at rest: AES-256-GCM, bound to the certificate it belongs to."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from certsvc.custody.secret import make_secret_file, read_secret
from certsvc.errors import CustodyError

NONCE = 12


@dataclass(frozen=True, slots=True)
class AesPayloadCipher:
    """`services.PayloadCipher`: writes with the newest key, reads with any it has."""

    key_id: str
    _keys: Mapping[str, AESGCM] = field(repr=False)

    def encrypt(self, plain: bytes, context: bytes) -> bytes:
        """Nonce ‖ ciphertext ‖ tag, bound to `context`."""
        nonce = secrets.token_bytes(NONCE)
        return nonce + self._keys[self.key_id].encrypt(nonce, plain, context)

    def decrypt(self, sealed: bytes, context: bytes, key_id: str) -> bytes:
        """The plain text.

        Raises:
            CustodyError: no such key, another context, or an altered text.
        """
        try:
            return self._keys[key_id].decrypt(sealed[:NONCE], sealed[NONCE:], context)
        except (KeyError, InvalidTag, ValueError):
            raise CustodyError(
                f"用数据密钥 {key_id} 解不开这份内容。", f"The data key {key_id} does not open this content."
            ) from None


def open_payload_cipher(folder: Path) -> AesPayloadCipher:
    """The data-encryption keys in `folder`, one file each (`data-1`, `data-2`, …); the first is made if none is there.

    Raises:
        CustodyError: a file that others may read.
    """
    make_secret_file(folder / "data-1")
    names = sorted((path.name for path in folder.glob("data-*")), key=lambda name: int(name.partition("-")[2]))
    keys = {name: AESGCM(_derive(folder / name)) for name in names}
    return AesPayloadCipher(names[-1], keys)


def _derive(path: Path) -> bytes:
    secret = read_secret(f"file:{path}")
    return HKDF(hashes.SHA256(), 32, salt=None, info=b"certsvc payload").derive(secret)
