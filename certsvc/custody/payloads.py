"""What certificates say of persons is encrypted at rest: AES-256-GCM, bound to the certificate it belongs to."""

import hmac
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
LOOK_UP = "lookup"
LEAST_SECRET = 32
"""Bytes of a random text that a key is derived from; it is no passphrase that a person remembers."""


@dataclass(frozen=True, slots=True)
class AesPayloadCipher:
    """`services.PayloadCipher`: writes with the newest key, reads with any it has."""

    key_id: str
    _keys: Mapping[str, AESGCM] = field(repr=False)
    _look_up_key: bytes = field(repr=False)

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

    def look_up(self, text: str) -> bytes:
        """HMAC-SHA-256 under the look-up key: an encrypted code is found by it, and not guessed without the key."""
        return hmac.digest(self._look_up_key, text.encode("utf-8"), "sha256")


def open_payload_cipher(folder: Path) -> AesPayloadCipher:
    """The data-encryption keys in `folder`, one file each (`data-1`, `data-2`, …), and the look-up key `lookup`; the
    first and the look-up key are made if they are not there. Without the look-up key nobody is found by a code.

    To change to a new key, add the next file with a fresh random text of at least 32 bytes; the old ones stay until
    nothing is encrypted under them any more.

    Raises:
        CustodyError: a file that others may read, that has another name, or that is too short for a key.
    """
    if not _names(folder):
        make_secret_file(folder / f"{PREFIX}1")
    if not (folder / LOOK_UP).exists():
        make_secret_file(folder / LOOK_UP)
    names = _names(folder)
    keys = {name: AESGCM(_derive(folder / name, b"certsvc payload")) for name in names}
    return AesPayloadCipher(names[-1], keys, _derive(folder / LOOK_UP, b"certsvc look-up"))


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


def _derive(path: Path, purpose: bytes) -> bytes:
    secret = read_secret(f"file:{path}")
    if len(secret) < LEAST_SECRET:
        del secret  # tracebacks may show local names
        raise CustodyError(
            f"{path} 不足 {LEAST_SECRET} 字节，不能作为数据密钥。",
            f"{path} has less than {LEAST_SECRET} bytes: too short for a data key.",
        )
    return HKDF(hashes.SHA256(), 32, salt=None, info=purpose).derive(secret)
