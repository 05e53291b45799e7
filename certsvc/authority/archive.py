"""What an authority has made, by name: X.509 certificates, and the CRLs that its roots signed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certsvc.errors import CeremonyError, MalformedDer
from certsvc.files import FOR_EVERYONE, WrittenOnce, create_file, replace_file
from certsvc.x509_reader import read_crl, read_pem_certificate


class Archive(Protocol):
    """Certificates by name. The one kept first under a name stays, so that making one again changes nothing."""

    def certificates(self) -> Mapping[str, x509.Certificate]:
        """All of them."""

    def keep(self, name: str, certificate: x509.Certificate) -> x509.Certificate:
        """Keep a certificate; the one that was kept first under its name."""

    def root_crl(self, name: str) -> bytes:
        """The newest CRL that a root signed. Raises `CeremonyError`: there is none."""

    def keep_root_crl(self, name: str, crl: bytes) -> None:
        """Keep a root's new CRL in the place of the one before."""


class FolderArchive:
    """Certificates as `certificates/<name>.pem` and CRLs as `<root>.crl` in the folder of an authority."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._certificates = WrittenOnce(folder / "certificates", ".pem", self._parse)

    def certificates(self) -> Mapping[str, x509.Certificate]:
        """All of them, those that came in since too.

        Raises:
            CeremonyError: one is damaged.
        """
        return self._certificates.values()

    def _parse(self, path: Path) -> x509.Certificate:
        try:
            return read_pem_certificate(path.read_bytes())
        except (OSError, MalformedDer) as error:
            raise damaged(self._folder, f"{path.stem}: {error}") from None

    def keep(self, name: str, certificate: x509.Certificate) -> x509.Certificate:
        """Keep a certificate durably; the one that was kept first under its name."""
        path = self._folder / "certificates" / f"{name}.pem"
        create_file(path, certificate.public_bytes(Encoding.PEM), FOR_EVERYONE)
        return self.certificates()[name]

    def root_crl(self, name: str) -> bytes:
        """The newest CRL that a root signed.

        Raises:
            CeremonyError: there is none, or it is damaged.
        """
        try:
            data = (self._folder / f"{name}.crl").read_bytes()
            read_crl(data)
        except (OSError, MalformedDer) as error:
            raise damaged(self._folder, f"{name}.crl: {error}") from None
        return data

    def keep_root_crl(self, name: str, crl: bytes) -> None:
        """Keep a root's new CRL durably."""
        replace_file(self._folder / f"{name}.crl", crl, FOR_EVERYONE)


class MemoryArchive:
    """What is thrown away after a lint."""

    def __init__(self) -> None:
        self._certificates: dict[str, x509.Certificate] = {}
        self._crls: dict[str, bytes] = {}

    def certificates(self) -> Mapping[str, x509.Certificate]:
        """All of them."""
        return self._certificates

    def keep(self, name: str, certificate: x509.Certificate) -> x509.Certificate:
        """Keep a certificate; the one that was kept first under its name."""
        return self._certificates.setdefault(name, certificate)

    def root_crl(self, name: str) -> bytes:
        """The newest CRL that a root signed."""
        return self._crls[name]

    def keep_root_crl(self, name: str, crl: bytes) -> None:
        """Keep a root's new CRL."""
        self._crls[name] = crl


def damaged(folder: Path, what: str) -> CeremonyError:
    """What a ceremony left cannot be read."""
    return CeremonyError(
        f"{folder} 已损坏（{what}）：请从备份恢复。", f"{folder} is damaged ({what}): restore it from a backup."
    )
