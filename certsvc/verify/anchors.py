"""What we trust: our roots, the token keys whose X.509 certificates lead to them, and what our CRLs say today. Public
facts, read from files."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from certsvc.domain.token import key_id
from certsvc.domain.trust import is_demonstration
from certsvc.errors import MalformedDer, SettingsError
from certsvc.x509_reader import read_crl, read_pem_certificate

MAX_FILE, MAX_CRL = 64 * 1024, 8 * 1024 * 1024
MAX_TOKEN_KEYS = 1000
FOLDER, CRLS = "anchors", "crl"
Crl = x509.CertificateRevocationList
Extension = TypeVar("Extension", bound=x509.ExtensionType)
TOKEN_KEYS = "token-keys"  # noqa: S105 - the name of a folder


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key of QR tokens and the time in which it signed; of one that is `compromised` no signature counts alone."""

    public_key: ec.EllipticCurvePublicKey
    not_before: datetime
    not_after: datetime
    compromised: bool = False


@dataclass(frozen=True, slots=True)
class Revoked:
    """What our newest CRL says of a certificate: from when on, and whether somebody else may have its key."""

    since: datetime
    compromised: bool


@dataclass(frozen=True, slots=True)
class Anchors:
    """Our roots, the first is the oldest; token keys by key id; several keys may share an id, all of them are tried.
    `crl_until` is when the newest CRL of each authority ends, by its subject (DER)."""

    roots: tuple[x509.Certificate, ...]
    token_keys: Mapping[bytes, tuple[TokenKey, ...]]
    is_demonstration: bool
    authorities: tuple[x509.Certificate, ...] = ()
    revoked: Mapping[tuple[bytes, int], Revoked] = field(default_factory=dict)
    crl_until: Mapping[bytes, datetime] = field(default_factory=dict)

    @property
    def root(self) -> x509.Certificate:
        """The oldest root."""
        return self.roots[0]

    def revocation(self, certificate: x509.Certificate) -> Revoked | None:
        """What our newest CRLs say of a certificate that one of our authorities issued, or of that authority."""
        found = self.revoked.get((certificate.issuer.public_bytes(), certificate.serial_number))
        above = next((issuer for issuer in self.authorities if issuer.subject == certificate.issuer), None)
        return found if found or above is None or above == certificate else self.revocation(above)

    def current(self) -> "Anchors":
        """Itself: anchors that do not change are their own source."""
        return self


class AnchorSource(Protocol):
    """Gives the anchors as they are now: every quarter brings a new token key."""

    def current(self) -> Anchors: ...


class AnchorFolder:
    """The anchors and CRLs in a folder of public facts, read anew when a file was replaced or came in."""

    def __init__(self, public: Path) -> None:
        self._public = public
        self._seen: tuple[int, ...] = ()
        self._anchors: Anchors | None = None

    def current(self) -> Anchors:
        """The anchors; three looks at the clock of a folder when nothing changed.

        Raises:
            SettingsError: see `parse_anchors`.
        """
        folders = [self._public / name for name in (FOLDER, f"{FOLDER}/{TOKEN_KEYS}", CRLS)]
        seen = tuple(path.stat().st_mtime_ns for path in folders if path.exists())
        if self._anchors is None or seen != self._seen:
            self._anchors, self._seen = parse_anchors(_read_folder(self._public)), seen
        return self._anchors


class AnchorFiles:
    """Anchors in memory, taken from what an authority publishes: what a lint trusts."""

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}
        self._anchors: Anchors | None = None

    def put(self, name: str, data: bytes) -> None:
        """Take a public fact; what is no anchor is passed over."""
        if name.startswith((f"{FOLDER}/", f"{CRLS}/")):
            self._files[name], self._anchors = data, None

    def current(self) -> Anchors:
        """The anchors taken so far.

        Raises:
            SettingsError: see `parse_anchors`.
        """
        self._anchors = self._anchors or parse_anchors(self._files)
        return self._anchors


def parse_anchors(files: Mapping[str, bytes]) -> Anchors:
    """Anchors from `anchors/root.pem`, `anchors/issuing.pem` and their next generations, `anchors/token-keys/*.pem` and
    `crl/*.crl`; what does not lead to a root is refused.

    Raises:
        SettingsError: a file is missing, is no X.509 certificate or CRL, or does not lead to a root.
    """
    roots = [_parse(files, name) for name in _generations(files, "root")]
    authorities = [_parse(files, name) for name in _generations(files, "issuing")]
    for name, issuing in zip(_generations(files, "issuing"), authorities, strict=True):
        _issuer(name, issuing, roots)
        if not _is_authority(issuing):
            raise _wrong(name, "不是签发机构的证书", "not an authority's certificate")
    crls = [*_crls(files, [*roots, *authorities])]
    revoked = _revoked(crls)
    keys: dict[bytes, tuple[TokenKey, ...]] = {}
    for name in sorted(name for name in files if name.startswith(f"{FOLDER}/{TOKEN_KEYS}/"))[:MAX_TOKEN_KEYS]:
        entry = _token_key(name, _parse(files, name), authorities, revoked)
        keys[key_id(entry.public_key)] = (*keys.get(key_id(entry.public_key), ()), entry)
    return Anchors(tuple(roots), keys, is_demonstration(authorities[0]), (*roots, *authorities), revoked, _until(crls))


def _generations(files: Mapping[str, bytes], base: str) -> list[str]:
    """The files of an authority's generations in their order; the first must be there."""
    found = [re.fullmatch(rf"{FOLDER}/{base}(?:\.([1-9][0-9]{{0,3}}))?\.pem", name) for name in files]
    numbers = sorted(int(match[1] or 1) for match in found if match)
    return [f"{FOLDER}/{base}.pem", *(f"{FOLDER}/{base}.{number}.pem" for number in numbers if number > 1)]


def _token_key(
    name: str,
    certificate: x509.Certificate,
    authorities: Sequence[x509.Certificate],
    revoked: Mapping[tuple[bytes, int], Revoked],
) -> TokenKey:
    _issuer(name, certificate, authorities)
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise _wrong(name, "不是 P-256 密钥", "not a P-256 key")
    if not _is_token_certificate(certificate):
        raise _wrong(name, "不是二维码签名密钥", "not a token key")
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    found = revoked.get((certificate.issuer.public_bytes(), certificate.serial_number))
    if found is None:
        return TokenKey(key, first, last)
    return TokenKey(key, first, last if found.compromised else min(last, found.since), found.compromised)


def _crls(files: Mapping[str, bytes], authorities: Sequence[x509.Certificate]) -> Iterator[Crl]:
    """The CRLs, each found to be signed by one of our authorities."""
    for name in sorted(name for name in files if name.startswith(f"{CRLS}/")):
        try:
            crl = read_crl(files[name])
        except MalformedDer:
            raise _wrong(name, "不是吊销列表", "it is no CRL") from None
        if not any(crl.issuer == issuer.subject and _signed(crl, issuer) for issuer in authorities):
            raise _wrong(name, "不是由我们的机构签发的", "none of our authorities signed it")
        yield crl


def _until(crls: Sequence[Crl]) -> dict[bytes, datetime]:
    found: dict[bytes, datetime] = {}
    for crl in crls:
        if (until := crl.next_update_utc) is not None:
            subject = crl.issuer.public_bytes()
            found[subject] = max(until, found.get(subject, until))
    return found


def _revoked(crls: Sequence[Crl]) -> dict[tuple[bytes, int], Revoked]:
    """What the CRLs say; an old one says too little, never too much, so its age is no matter here."""
    found = {}
    for crl in crls:
        for entry in crl:
            found[crl.issuer.public_bytes(), entry.serial_number] = Revoked(entry.revocation_date_utc, _stolen(entry))
    return found


def _signed(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    key = issuer.public_key()
    return isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey) and crl.is_signature_valid(key)


def _stolen(entry: x509.RevokedCertificate) -> bool:
    try:
        reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except x509.ExtensionNotFound:
        return False
    return reason in (x509.ReasonFlags.key_compromise, x509.ReasonFlags.ca_compromise)


def _read_folder(public: Path) -> dict[str, bytes]:
    folder = public / FOLDER
    try:
        paths = (*folder.glob("*.pem"), *folder.glob(f"{TOKEN_KEYS}/*.pem"), *(public / CRLS).glob("*.crl"))
        return {path.relative_to(public).as_posix(): _read(path) for path in paths}
    except OSError as error:
        raise _wrong(str(error.filename or folder), "读不了", "it cannot be read") from None


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_CRL if path.suffix == ".crl" else MAX_FILE)


def _parse(files: Mapping[str, bytes], name: str) -> x509.Certificate:
    if name not in files:
        raise SettingsError(
            f"缺少信任锚 {name}：这里还没有举行过密钥仪式（certsvc ceremony），或公开文件没有拷来。",
            f"The trust anchor {name} is missing: no key ceremony was held here (certsvc ceremony), or the public "
            "files were not copied.",
        )
    try:
        return read_pem_certificate(files[name])
    except MalformedDer:
        raise _wrong(name, "不是证书", "it is no X.509 certificate") from None


def _issuer(name: str, certificate: x509.Certificate, issuers: Sequence[x509.Certificate]) -> x509.Certificate:
    for issuer in issuers:
        try:
            certificate.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return issuer
    raise _wrong(name, "不是由我们的根签发的", "it does not lead to our root")


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
