"""What an authority has published about its certificates, read by whoever answers for it without its key.

CRLs are parsed once for each file; another file under the same name is seen at the next look.
"""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from certsvc.errors import MalformedDer, RevocationDataStale
from certsvc.x509_reader import read_crl

MAX_CRL = 64 * 1024 * 1024
LARGEST_SERIAL = 1 << 160
"""Serial numbers are positive and have at most 20 octets (RFC 5280 section 4.1.2.2)."""

FileIdentity = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Revoked:
    """An entry of a CRL; `reason` is absent where the list gives none (RFC 5280 section 5.3.1)."""

    at: datetime
    reason: x509.ReasonFlags | None


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A CRL that its issuer signed: its time, its number, and what it revokes by serial number."""

    this_update: datetime
    next_update: datetime
    number: int
    revoked: Mapping[int, Revoked]


class PublishedStatus:
    """Issued certificates and the CRL of one authority, in the folder of public facts."""

    def __init__(self, folder: Path, name: str, issuer: x509.Certificate) -> None:
        self._crl, self._issued, self._issuer = folder / "crl" / f"{name}.crl", folder / "issued" / name, issuer
        self._lock = threading.Lock()
        self._read: tuple[FileIdentity, RevocationList] | None = None

    def has_issued(self, serial: int) -> bool:
        """Whether the authority has made a certificate with this serial number."""
        return 0 < serial < LARGEST_SERIAL and (self._issued / f"{serial:X}.cer").is_file()

    def current(self, now: datetime) -> RevocationList:
        """The newest CRL.

        Raises:
            RevocationDataStale: it is missing, not the issuer's, older than one seen before, or not current at `now`.
        """
        with self._lock:
            found = self._newest()
        if not found.this_update <= now < found.next_update:
            raise self._stale("不在有效期内", "is not current")
        return found

    def _newest(self) -> RevocationList:
        try:
            if self._read is None or self._read[0] != _identity(self._crl.stat()):
                with self._crl.open("rb") as file:
                    self._read = (_identity(os.fstat(file.fileno())), self._parse(file.read(MAX_CRL)))
            return self._read[1]
        except OSError:
            raise self._stale("缺失", "is missing") from None

    def _parse(self, data: bytes) -> RevocationList:
        try:
            crl = read_crl(data)
            if not _is_from(crl, self._issuer):
                raise self._stale("不是它签的", "is not signed by it")
            found = _revocation_list(crl)
        except (MalformedDer, ValueError, x509.ExtensionNotFound):
            raise self._stale("读不出来", "cannot be read") from None
        if self._read is not None and found.number < self._read[1].number:
            raise self._stale("比先前的旧", "is older than the one before")
        return found

    def _stale(self, zh: str, en: str) -> RevocationDataStale:
        name = self._issuer.subject.rfc4514_string()
        return RevocationDataStale(f"{name} 的吊销列表{zh}。", f"The CRL of {name} {en}.")


def _identity(status: os.stat_result) -> FileIdentity:
    return status.st_mtime_ns, status.st_size, status.st_ino


def _is_from(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    key = issuer.public_key()
    if crl.issuer != issuer.subject or not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        return False
    return crl.is_signature_valid(key)


def _revocation_list(crl: x509.CertificateRevocationList) -> RevocationList:
    """A whole list: delta CRLs and those of a part say so in a critical extension (RFC 5280 section 5.2)."""
    if crl.next_update_utc is None or any(extension.critical for extension in crl.extensions):
        raise ValueError("no list of ours")
    return RevocationList(
        this_update=crl.last_update_utc,
        next_update=crl.next_update_utc,
        number=crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number,
        revoked={entry.serial_number: Revoked(entry.revocation_date_utc, _reason(entry)) for entry in crl},
    )


def _reason(entry: x509.RevokedCertificate) -> x509.ReasonFlags | None:
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except x509.ExtensionNotFound:
        return None
