"""What certificates say of persons is encrypted at rest: AES-256-GCM, bound to the certificate it belongs to."""

import re
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
PREFIX = "data-"
LEAST_SECRET = 32
"""Bytes of a random text that a key is derived from; it is no passphrase that a person remembers."""


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

    To change to a new key, add the next file with a fresh random text of at least 32 bytes; the old ones stay until
    nothing is encrypted under them any more.

    Raises:
        CustodyError: a file that others may read, that has another name, or that is too short for a key.
    """
    if not _names(folder):
        make_secret_file(folder / f"{PREFIX}1")
    names = _names(folder)
    return AesPayloadCipher(names[-1], {name: AESGCM(_derive(folder / name)) for name in names})


def _names(folder: Path) -> list[str]:
    """The keys in the order of their numbers; unfinished files begin with a dot and are none."""
    names = [path.name for path in folder.glob(f"{PREFIX}*")]
    for name in names:
        if not re.fullmatch(r"[1-9][0-9]{0,5}", name.removeprefix(PREFIX), re.ASCII):
            raise CustodyError(
                f"{folder / name}：数据密钥的文件名应为 data-1、data-2……",
                f"{folder / name}: the files of data keys are called data-1, data-2 and so on.",
            )
    return sorted(names, key=lambda name: int(name.removeprefix(PREFIX)))


def _derive(path: Path) -> bytes:
    secret = read_secret(f"file:{path}")
    if len(secret) < LEAST_SECRET:
        del secret  # tracebacks may show local names
        raise CustodyError(
            f"{path} 不足 {LEAST_SECRET} 字节，不能作为数据密钥。",
            f"{path} has less than {LEAST_SECRET} bytes: too short for a data key.",
        )
    return HKDF(hashes.SHA256(), 32, salt=None, info=b"certsvc payload").derive(secret)
