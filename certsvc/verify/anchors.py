"""What we trust: our root, and the token keys whose X.509 certificates lead to it. Public facts, read from files."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec

from certsvc.domain.token import key_id
from certsvc.domain.trust import is_demonstration
from certsvc.errors import SettingsError

MAX_FILE = 64 * 1024
MAX_TOKEN_KEYS = 1000


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key of QR tokens and the time in which it signed."""

    public_key: ec.EllipticCurvePublicKey
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class Anchors:
    """Our root, and token keys by key id; several keys may share an id, all of them are tried."""

    root: x509.Certificate
    token_keys: Mapping[bytes, tuple[TokenKey, ...]]
    is_demonstration: bool


def load_anchors(folder: Path) -> Anchors:
    """Read `root.pem`, `issuing.pem` and `token-keys/*.pem`; what does not lead to the root is refused.

    Raises:
        SettingsError: a file is missing, unreadable, or does not lead to the root.
    """
    root, issuing = _read(folder / "root.pem"), _read(folder / "issuing.pem")
    _require_issued(folder / "issuing.pem", issuing, root)
    keys: dict[bytes, tuple[TokenKey, ...]] = {}
    for path in sorted((folder / "token-keys").glob("*.pem"))[:MAX_TOKEN_KEYS]:
        certificate = _read(path)
        _require_issued(path, certificate, issuing)
        key = certificate.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
            raise _wrong(path, "不是 P-256 密钥", "not a P-256 key")
        entry = TokenKey(key, certificate.not_valid_before_utc, certificate.not_valid_after_utc)
        keys[key_id(key)] = (*keys.get(key_id(key), ()), entry)
    return Anchors(root, keys, is_demonstration(issuing))


def _read(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes()[:MAX_FILE])
    except (OSError, ValueError):
        raise _wrong(path, "读不了，或不是证书", "it cannot be read, or is no X.509 certificate") from None


def _require_issued(path: Path, certificate: x509.Certificate, issuer: x509.Certificate) -> None:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        raise _wrong(path, "不是由我们的根签发的", "it does not lead to our root") from None


def _wrong(path: Path, zh: str, en: str) -> SettingsError:
    return SettingsError(f"信任锚 {path} 有误：{zh}。", f"The trust anchor {path} is wrong: {en}.")
