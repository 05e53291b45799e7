"""What certificates say of persons is encrypted at rest: AES-256-GCM, bound to the certificate it belongs to."""

import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from certsvc.custody.secret import make_secret_file, read_secret
from certsvc.errors import CustodyError

NONCE = 12
DATA, LOOK_UP = "data", "lookup"
DATA_NAME = re.compile(rf"{DATA}-[1-9][0-9]{{0,5}}", re.ASCII)
LOOK_UP_NAME = re.compile(rf"{LOOK_UP}(-[1-9][0-9]{{0,5}})?", re.ASCII)
FINGERPRINT, PAYLOAD = b"certsvc fingerprint", b"certsvc payload"
"""What is derived from the text in a key's file."""
LEAST_SECRET = 32
"""Bytes of a random text that a key is derived from; it is no passphrase that a person remembers."""


@dataclass(frozen=True, slots=True)
class AesPayloadCipher:
    """`services.PayloadCipher`: writes with the newest key, reads with any it has. `fingerprints` tell its keys from
    others of the same names, and nothing else."""

    key_id: str
    look_up_id: str = field(repr=False)
    fingerprints: Mapping[str, bytes] = field(repr=False)
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

    def knows(self, key_id: str) -> bool:
        """Whether it has the data key of this name."""
        return key_id in self._keys

    def with_key(self, folder: Path, name: str) -> "AesPayloadCipher":
        """The same with one data key more, read from `folder`; it writes with it where it is the newer one.

        Raises:
            CustodyError: the key is missing, or its file is not to be used.
        """
        path = folder / name
        if not path.is_file():
            raise CustodyError(
                f"{path} 不在，而登记簿中有内容用它加密：请从备份放回。",
                f"{path} is missing, and content on record is encrypted with it: put it back from a backup.",
            )
        return replace(
            self,
            key_id=max(self.key_id, name, key=_number),
            fingerprints={**self.fingerprints, name: _derive(path, FINGERPRINT)},
            _keys={**self._keys, name: AESGCM(_derive(path, PAYLOAD))},
        )


class LivingPayloadCipher:
    """`services.PayloadCipher` for a process that lives on while contents move to the next data key beside it.

    Content under a key that it has not met has that key read from the folder. When it opens the content, it is the one
    on record: from then on it is written with, too. Look-up keys stay those of the start.
    """

    def __init__(self, folder: Path, cipher: AesPayloadCipher) -> None:
        self._folder, self._cipher = folder, cipher

    @property
    def key_id(self) -> str:
        """The id of the key that `encrypt` uses now."""
        return self._cipher.key_id

    @property
    def fingerprints(self) -> Mapping[str, bytes]:
        """What tells each key from another of the same id."""
        return self._cipher.fingerprints

    def encrypt(self, plain: bytes, context: bytes) -> bytes:
        """See `AesPayloadCipher.encrypt`."""
        return self._cipher.encrypt(plain, context)

    def decrypt(self, sealed: bytes, context: bytes, key_id: str) -> bytes:
        """The plain text.

        Raises:
            CustodyError: the key is missing (its file is named), another context, or an altered text.
        """
        cipher = self._cipher
        if not cipher.knows(key_id) and DATA_NAME.fullmatch(key_id):
            cipher = cipher.with_key(self._folder, key_id)
        plain = cipher.decrypt(sealed, context, key_id)
        self._cipher = cipher
        return plain

    def look_up(self, text: str) -> bytes:
        """See `AesPayloadCipher.look_up`."""
        return self._cipher.look_up(text)


def open_payload_cipher(folder: Path, known: Mapping[str, bytes]) -> AesPayloadCipher:
    """The data-encryption keys in `folder`, one file each (`data-1`, `data-2`, …), and the look-up keys (`lookup`,
    `lookup-2`, …); the newest of each is used. `known` are the fingerprints of the keys that content on record was
    made with and that have not ended: each must be there. Where none is known, the first ones are made.

    Raises:
        CustodyError: a known key is missing or is another one; there is no key at all of a kind; or a file that others
            may read, that has another name, or that is too short for a key.
    """
    if not known:
        for base, first in ((DATA, f"{DATA}-1"), (LOOK_UP, LOOK_UP)):
            if not _names(folder, base):
                make_secret_file(folder / first)
    data, look_up = _names(folder, DATA), _names(folder, LOOK_UP)
    fingerprints = {name: _derive(folder / name, FINGERPRINT) for name in (*data, *look_up)}
    for name, fingerprint in known.items():
        if not hmac.compare_digest(fingerprints.get(name, b""), fingerprint):
            raise CustodyError(
                f"{folder / name} 不在，或不是登记簿中内容所用的那一把：请从备份放回；"
                f"确已丢失的，用 certsvc data-key lost。",
                f"{folder / name} is missing, or not the key that content on record was made with: put it back from a "
                "backup, or declare it lost with `certsvc data-key lost`.",
            )
    for base, names in ((DATA, data), (LOOK_UP, look_up)):
        if not names:
            raise _no_key(folder, base)
    keys = {name: AESGCM(_derive(folder / name, PAYLOAD)) for name in data}
    look_up_key = _derive(folder / look_up[-1], b"certsvc look-up")
    return AesPayloadCipher(data[-1], look_up[-1], fingerprints, keys, look_up_key)


def has_key(folder: Path, name: str, fingerprint: bytes) -> bool:
    """Whether the key with this fingerprint is in its file; also if others may read it, which does not make it lost.

    Raises:
        CustodyError: we may not read it.
    """
    path = folder / name
    try:
        secret = path.read_bytes()
    except PermissionError as error:
        raise CustodyError(f"读不了 {path}：{error.strerror}", f"Cannot read {path}: {error.strerror}") from None
    except OSError:
        return False
    return hmac.compare_digest(_derived(secret.rstrip(b"\n"), FINGERPRINT), fingerprint)


def make_next_key(folder: Path, base: str, beyond: str = "") -> str:
    """Make the next data key or look-up key, durably; its name. The old ones stay; `beyond` is one that is lost: its
    name is not taken again, and where there is a later one already, that serves.

    Raises:
        CustodyError: it cannot be written.
    """
    names = _names(folder, base)
    if beyond and names and _number(names[-1]) > _number(beyond):
        return names[-1]
    numbers = [_number(name) for name in (*names, beyond) if name]
    number = max(numbers, default=0) + 1
    name = f"{base}-{number}" if number > 1 or base == DATA else base
    make_secret_file(folder / name)
    return name


def _no_key(folder: Path, base: str) -> CustodyError:
    return CustodyError(
        f"{folder} 中没有 {base} 密钥：请从备份放回；宣布丢失时中断的，对该密钥再运行一次 certsvc data-key lost。",
        f"There is no {base} key in {folder}: put it back from a backup. If declaring it lost was interrupted, run "
        "`certsvc data-key lost` for it again.",
    )


def _names(folder: Path, base: str) -> list[str]:
    """The keys in the order of their numbers; unfinished files begin with a dot and are none."""
    names = [path.name for path in folder.glob(f"{base}*")]
    for name in names:
        if not (DATA_NAME.fullmatch(name) or LOOK_UP_NAME.fullmatch(name)):
            raise CustodyError(
                f"{folder / name}：数据密钥的文件名应为 data-1、data-2……，查找密钥的为 lookup、lookup-2……",
                f"{folder / name}: the files of data keys are called data-1, data-2 and so on, those of look-up keys "
                "lookup, lookup-2 and so on.",
            )
    return sorted(names, key=_number)


def _number(name: str) -> int:
    return int(name.partition("-")[2] or 1)


def _derive(path: Path, purpose: bytes) -> bytes:
    secret = read_secret(f"file:{path}")
    if len(secret) < LEAST_SECRET:
        del secret  # tracebacks may show local names
        raise CustodyError(
            f"{path} 不足 {LEAST_SECRET} 字节，不能作为数据密钥：请换上备份中的文件，或将它移走。",
            f"{path} has less than {LEAST_SECRET} bytes, too short for a data key: put the one from a backup in its "
            "place, or move it away.",
        )
    return _derived(secret, purpose)


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=None, info=purpose).derive(secret)
