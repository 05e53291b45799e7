"""`file:` keys: encrypted PKCS #8 in PEM (RFC 5958, RFC 7468), mode 0600."""

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from certsvc.custody.protocol import PREHASHED, RSA_BITS, Algorithm, NoSuchKey, our_kind, require_digest
from certsvc.custody.secret import read_private_file, read_secret, write_private_file
from certsvc.errors import CustodyError
from certsvc.files import leftovers, sync

MAX_KEY_FILE = 16 * 1024

# The library derives the file's key with PBKDF2 in 2,048 rounds and takes no other number. A slower derivation would
# win back some eight bits of a weak passphrase against whoever holds a stolen backup, and cost every start a tenth of
# a second a key. Refusing weak passphrases wins more and costs nothing: a long one is out of reach at any count.
LEAST_PASSPHRASE = 20
LEAST_DIFFERENT = 8


@dataclass(frozen=True, slots=True)
class SoftwareKey:
    """A key held in memory. It is parsed once: parsing costs a thousand times what signing does."""

    _key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = field(repr=False)
    _path: Path | None = None

    @property
    def public_key(self) -> PublicKeyTypes:
        """The public half."""
        return self._key.public_key()

    def sign(self, data: bytes) -> bytes:
        """Sign with SHA-256: ECDSA as DER, RSA as PKCS #1 v1.5."""
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return self._key.sign(data, ec.ECDSA(hashes.SHA256()))
        return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())

    def sign_digest(self, digest: bytes) -> bytes:
        """The same signature, over data of which only the SHA-256 is known here.

        Raises:
            CustodyError: that is no SHA-256.
        """
        require_digest(digest)
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return self._key.sign(digest, ec.ECDSA(PREHASHED))
        return self._key.sign(digest, padding.PKCS1v15(), PREHASHED)

    def check(self) -> None:
        """Whether the file it came from is still there for us alone; without it the next start would fail.

        Raises:
            CustodyError: the file is gone, or others may read it.
        """
        if self._path is not None:
            read_private_file(self._path, MAX_KEY_FILE)


def generate_key(algorithm: Algorithm = "p256") -> SoftwareKey:
    """A fresh key that is nowhere but in memory: throw-away keys for the lint, and what `create_key` stores."""
    return SoftwareKey(_generate(algorithm))


def create_key(uri: str, secret: str, algorithm: Algorithm = "p256") -> SoftwareKey:
    """The key at `uri`; where there is none, one is made, encrypted under the passphrase that `secret` refers to.

    Two processes that make it at once get the same key; one that is there is never overwritten.

    Raises:
        CustodyError: unusable or weak passphrase, no place to write, or a key that `open_key` refuses.
    """
    path = _file_path(uri)
    if not path.exists():
        key = _generate(algorithm)
        encryption = serialization.BestAvailableEncryption(_strong_passphrase(secret))
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        if write_private_file(path, pem):
            return SoftwareKey(key, path)
    return open_key(uri, secret)


def open_key(uri: str, secret: str) -> SoftwareKey:
    """Open the key at `uri` with the passphrase that `secret` refers to.

    Raises:
        NoSuchKey: there is no such file.
        CustodyError: others may read it, wrong passphrase, damaged, or no kind of ours.
    """
    path = _file_path(uri)
    if _is_missing(path):
        raise NoSuchKey(f"读不了 {path}：没有这个文件", f"Cannot read {path}: No such file")
    try:
        key = serialization.load_pem_private_key(read_private_file(path, MAX_KEY_FILE), read_secret(secret))
    except (ValueError, TypeError):
        raise CustodyError(
            f"{path} 打不开：口令不对，或文件已损坏。", f"{path} does not open: wrong passphrase, or damaged."
        ) from None
    our_kind(key.public_key(), str(path))
    assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    return SoftwareKey(key, path)


def destroy_key(uri: str, secret: str) -> None:
    """Remove the key file, and what a process that was killed while it wrote it left beside it; nothing happens where
    there is none. Backups of it must be destroyed by whoever keeps them.

    Raises:
        CustodyError: it cannot be removed.
    """
    path = _file_path(uri)
    try:
        for each in (path, *leftovers(path)):
            each.unlink(missing_ok=True)
        if path.parent.is_dir():
            sync(path.parent)
    except OSError as error:
        raise CustodyError(f"删不了 {path}：{error.strerror}", f"Cannot remove {path}: {error.strerror}") from None


def _generate(algorithm: Algorithm) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    if algorithm == "p256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, RSA_BITS)


def _strong_passphrase(secret: str) -> bytes:
    passphrase = read_secret(secret)
    if len(passphrase) < LEAST_PASSPHRASE or len(set(passphrase)) < LEAST_DIFFERENT:
        del passphrase  # tracebacks may show local names
        raise CustodyError(
            f"{secret} 的口令太弱：新密钥的口令至少 {LEAST_PASSPHRASE} 字节且不少于 {LEAST_DIFFERENT} 种字符；"
            "可用 openssl rand -base64 32 生成，写入权限为 600 的文件。",
            f"The passphrase {secret} is too weak for a new key: at least {LEAST_PASSPHRASE} bytes, {LEAST_DIFFERENT} "
            "of them different. Make one with openssl rand -base64 32, in a file of mode 0600.",
        )
    return passphrase


def _is_missing(path: Path) -> bool:
    """Whether there surely is no file: one that cannot be looked at may be there."""
    try:
        path.lstat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


def _file_path(uri: str) -> Path:
    path = uri.removeprefix("file:")
    if not path:
        raise CustodyError("密钥地址 file: 后缺路径。", "The key URI file: lacks a path.")
    return Path(path)
