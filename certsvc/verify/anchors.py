"""What we trust: our root, and the token keys whose X.509 certificates lead to it. Public facts, read from files."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec

from certsvc.domain.token import key_id
from certsvc.domain.trust import is_demonstration
from certsvc.errors import SettingsError

MAX_FILE = 64 * 1024
MAX_TOKEN_KEYS = 1000
FOLDER = "anchors"
Extension = TypeVar("Extension", bound=x509.ExtensionType)
TOKEN_KEYS = "token-keys"  # noqa: S105 - the name of a folder


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

    def current(self) -> "Anchors":
        """Itself: anchors that do not change are their own source."""
        return self


class AnchorSource(Protocol):
    """Gives the anchors as they are now: every quarter brings a new token key."""

    def current(self) -> Anchors: ...


class AnchorFolder:
    """The anchors in a folder, read anew when one of its files was replaced or came in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: tuple[int, ...] = ()
        self._anchors: Anchors | None = None

    def current(self) -> Anchors:
        """The anchors; two looks at the clock of a folder when nothing changed.

        Raises:
            SettingsError: see `parse_anchors`.
        """
        seen = tuple(path.stat().st_mtime_ns for path in (self._folder, self._folder / TOKEN_KEYS) if path.exists())
        if self._anchors is None or seen != self._seen:
            self._anchors, self._seen = parse_anchors(_read_folder(self._folder)), seen
        return self._anchors


class AnchorFiles:
    """Anchors in memory, taken from what an authority publishes: what a lint trusts."""

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}
        self._anchors: Anchors | None = None

    def put(self, name: str, data: bytes) -> None:
        """Take a public fact; what is no anchor is passed over."""
        folder, _, rest = name.partition("/")
        if folder == FOLDER:
            self._files[rest], self._anchors = data, None

    def current(self) -> Anchors:
        """The anchors taken so far.

        Raises:
            SettingsError: see `parse_anchors`.
        """
        self._anchors = self._anchors or parse_anchors(self._files)
        return self._anchors


def parse_anchors(files: Mapping[str, bytes]) -> Anchors:
    """Anchors from `root.pem`, `issuing.pem` and `token-keys/*.pem`; what does not lead to the root is refused.

    Raises:
        SettingsError: a file is missing, is no X.509 certificate, or does not lead to the root.
    """
    root, issuing = _parse(files, "root.pem"), _parse(files, "issuing.pem")
    _require_issued("issuing.pem", issuing, root)
    if not _is_authority(issuing):
        raise _wrong("issuing.pem", "不是签发机构的证书", "not an authority's certificate")
    keys: dict[bytes, tuple[TokenKey, ...]] = {}
    for name in sorted(name for name in files if name.startswith(f"{TOKEN_KEYS}/"))[:MAX_TOKEN_KEYS]:
        certificate = _parse(files, name)
        _require_issued(name, certificate, issuing)
        key = certificate.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
            raise _wrong(name, "不是 P-256 密钥", "not a P-256 key")
        if not _is_token_certificate(certificate):
            raise _wrong(name, "不是二维码签名密钥", "not a token key")
        entry = TokenKey(key, certificate.not_valid_before_utc, certificate.not_valid_after_utc)
        keys[key_id(key)] = (*keys.get(key_id(key), ()), entry)
    return Anchors(root, keys, is_demonstration(issuing))


def _read_folder(folder: Path) -> dict[str, bytes]:
    try:
        paths = (*folder.glob("*.pem"), *folder.glob(f"{TOKEN_KEYS}/*.pem"))
        return {path.relative_to(folder).as_posix(): path.read_bytes()[:MAX_FILE] for path in paths}
    except OSError as error:
        raise _wrong(str(error.filename or folder), "读不了", "it cannot be read") from None


def _parse(files: Mapping[str, bytes], name: str) -> x509.Certificate:
    if name not in files:
        raise SettingsError(
            f"缺少信任锚 {name}：这里还没有举行过密钥仪式（certsvc ceremony），或公开文件没有拷来。",
            f"The trust anchor {name} is missing: no key ceremony was held here (certsvc ceremony), or the public "
            "files were not copied.",
        )
    try:
        return x509.load_pem_x509_certificate(files[name])
    except ValueError:
        raise _wrong(name, "不是证书", "it is no X.509 certificate") from None


def _require_issued(name: str, certificate: x509.Certificate, issuer: x509.Certificate) -> None:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        raise _wrong(name, "不是由我们的根签发的", "it does not lead to our root") from None


def _is_authority(certificate: x509.Certificate) -> bool:
    found = _extension(certificate, x509.BasicConstraints)
    return found is not None and found.ca


def _is_token_certificate(certificate: x509.Certificate) -> bool:
    """One key, one purpose: seals, authorities and timestamps have other usages or an extended one, tokens have none.
    We issued those too, so a mirror could put them here, and whoever holds a seal could then sign tokens."""
    usage = _extension(certificate, x509.KeyUsage)
    alone = usage is not None and usage.digital_signature and not (usage.content_commitment or usage.key_cert_sign)
    return alone and _extension(certificate, x509.ExtendedKeyUsage) is None and not _is_authority(certificate)


def _extension(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, ValueError):
        return None


def _wrong(name: str, zh: str, en: str) -> SettingsError:
    return SettingsError(f"信任锚 {name} 有误：{zh}。", f"The trust anchor {name} is wrong: {en}.")
