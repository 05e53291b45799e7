"""A small authority on disk: what the worker publishes, and the two keys that the trust role has."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certsvc.authority.certificates import BACKDATED, IssuingParty, Subject, load_profile, make_certificate
from certsvc.authority.crl import ISSUING_CRL, make_crl
from certsvc.custody.keys import create_key, generate_key
from certsvc.custody.secret import make_secret_file
from certsvc.files import FOR_EVERYONE, replace_file
from certsvc.services import PrivateKey

KEYS = ("ocsp", "timestamp")
GREAT = 1 << 40
"""CRL numbers count from here: more than the second that a list would have for its number."""


@dataclass
class Pki:
    """Root, issuing authority and services. `folder` is the trust role's home; the authorities' keys are not in it."""

    folder: Path
    url: str
    now: datetime
    keys: dict[str, PrivateKey] = field(default_factory=dict)
    certificates: dict[str, x509.Certificate] = field(default_factory=dict)
    revoked: list[x509.RevokedCertificate] = field(default_factory=list)
    number: int = 1

    @property
    def public(self) -> Path:
        """The folder of public facts."""
        return self.folder / "public"

    @property
    def secret(self) -> str:
        """The reference to the passphrase of the service keys."""
        return f"file:{self.folder / 'passphrase'}"

    def path(self, *names: str) -> Path:
        """A PEM file of these certificates."""
        path = self.folder / f"{'-'.join(names)}.pem"
        path.write_bytes(b"".join(self.certificates[name].public_bytes(Encoding.PEM) for name in names))
        return path

    def issue(self, name: str, profile: str, issuer: str | None = "issuing", days: int | None = None) -> None:
        """Make a certificate and publish it as the worker does."""
        key = self.keys.get(name) or self._key(name)
        subject = Subject(organisation="云山市电子证照", unit=name, common_name=name, demonstration=True)
        until = self.now + timedelta(days=days) if days is not None else None
        party = self._party(issuer) if issuer else None
        made = make_certificate(load_profile(profile), subject, key, party, self.now - BACKDATED, until)
        self.keys[name], self.certificates[name] = key, made
        encoded = made.public_bytes(Encoding.DER)
        if profile in ("root", "issuing"):
            replace_file(self.public / "ca" / f"{name}.cer", encoded, FOR_EVERYONE)
            replace_file(self.public / "anchors" / f"{name}.pem", made.public_bytes(Encoding.PEM), FOR_EVERYONE)
        if issuer:
            replace_file(self.public / "issued" / issuer / f"{made.serial_number:X}.cer", encoded, FOR_EVERYONE)

    def revoke(self, serial: int, reason: x509.ReasonFlags | None = x509.ReasonFlags.key_compromise) -> None:
        """Decide a revocation and publish the next CRL."""
        builder = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(self.now)
        if reason is not None:
            builder = builder.add_extension(x509.CRLReason(reason), critical=False)
        self.revoked.append(builder.build())
        self.publish_crl("issuing")

    def publish_crl(self, name: str, *, made: datetime | None = None, by: str | None = None) -> None:
        """Sign a CRL and publish it; `made` and `by` are for lists that are wrong."""
        self.number += 1
        revoked = self.revoked if name == "issuing" else []
        crl = make_crl(self._party(by or name), ISSUING_CRL, made or self.now, revoked, GREAT + self.number)
        replace_file(self.public / "crl" / f"{name}.crl", crl, FOR_EVERYONE)

    def _key(self, name: str) -> PrivateKey:
        return create_key(f"file:{self.folder / name}.key", self.secret) if name in KEYS else generate_key()

    def _party(self, name: str) -> IssuingParty:
        return IssuingParty(
            certificate=self.certificates[name],
            key=self.keys[name],
            crl=f"{self.url}/crl/{name}.crl",
            ca=f"{self.url}/ca/{name}.cer",
            ocsp=f"{self.url}/ocsp",
        )


def make_pki(folder: Path, url: str = "http://trust.example", now: datetime | None = None) -> Pki:
    """Root → issuing → seal, timestamp authority and OCSP responder, with current CRLs."""
    folder.mkdir(parents=True, exist_ok=True)
    make_secret_file(folder / "passphrase")
    pki = Pki(folder, url, now or datetime.now(UTC).replace(microsecond=0))
    pki.issue("root", "root", None)
    pki.issue("issuing", "issuing", "root")
    for name in ("seal", "timestamp", "ocsp"):
        pki.issue(name, name)
    pki.path("root")
    for name in ("issuing", "timestamp", "ocsp"):
        pki.path(name)
    for name in ("root", "issuing"):
        pki.publish_crl(name)
    return pki
