"""What an authority puts out about itself: trust anchors, X.509 certificates, and the CRLs of its authorities."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certsvc.authority.archive import Archive
from certsvc.authority.crl import EACH_DAY, CrlKeeper, crl_entry
from certsvc.authority.issuing import Issuer
from certsvc.authority.ledger import Ledger
from certsvc.authority.names import ISSUING, ROOT, profile_name
from certsvc.authority.shelf import Shelf
from certsvc.domain.revocation import Revocation
from certsvc.errors import RevocationDataStale
from certsvc.x509_reader import read_crl

AUTHORITIES = (ROOT, ISSUING)
"""The profiles of those that issue, and therefore have CRLs."""


class PublicFacts:
    """Puts out what the archive has and the ledger says. Done again, what says the same stays."""

    def __init__(self, archive: Archive, issuer: Issuer, shelf: Shelf, ledger: Ledger) -> None:
        self._archive, self._issuer, self._shelf, self._ledger = archive, issuer, shelf, ledger
        self._keepers: dict[str, CrlKeeper] = {}

    def publish(self, now: datetime, for_names: Collection[str] | None = None) -> None:
        """Put out everything.

        Raises:
            RevocationDataStale: see `renew`.
        """
        self.publish_certificates()
        self.renew(now, for_names)

    def publish_certificates(self) -> None:
        """Put out every certificate."""
        for name in tuple(self._archive.certificates()):
            self.publish_certificate(name)

    def publish_certificate(self, name: str) -> None:
        """Put out one certificate, where a reader looks for it."""
        certificate, kind = self._archive.certificates()[name], profile_name(name)
        pem, der = (certificate.public_bytes(form) for form in (Encoding.PEM, Encoding.DER))
        if kind in AUTHORITIES:
            self._shelf.put(f"anchors/{name}.pem", pem)
            self._shelf.put(f"ca/{name}.cer", der)
        if kind == "token":
            self._shelf.put(f"anchors/token-keys/{name.removeprefix('token-')}.pem", pem)
        if kind != ROOT:
            self._shelf.put(f"issued/{self._issuer.issuer_name(name)}/{certificate.serial_number:X}.cer", der)

    def renew(self, now: datetime, for_names: Collection[str] | None = None) -> None:
        """Sign the CRLs that are a day old or lack a revocation, and put out those that the roots signed. One whose key
        is not at hand does not hold up the others.

        Raises:
            RevocationDataStale: one is due, and its key is not at hand; with `for_names`, only if it is the CRL that
                speaks of one of these certificates.
        """
        concerned = None if for_names is None else {self._issuer.issuer_name(name) for name in for_names}
        troubles = []
        for name in tuple(self._archive.certificates()):
            if profile_name(name) in AUTHORITIES:
                try:
                    self.crl(name, now, EACH_DAY)
                except RevocationDataStale as error:
                    if concerned is None or name in concerned:
                        troubles.append(error)
        if troubles:
            raise troubles[0]

    def crl(self, name: str, now: datetime, at_most: timedelta) -> bytes:
        """The newest CRL of a root or an issuing authority, published; see `CrlKeeper.current`."""
        if profile_name(name) == ROOT:
            crl = self._archive.root_crl(name)
            self._shelf.put(_place(name), crl)
            return crl
        if name not in self._keepers:
            self._keepers[name] = CrlKeeper(
                _place(name), self._shelf, self._ledger, lambda: self._issuer.party(name), self._entries(name)
            )
        return self._keepers[name].current(now, at_most)

    def crl_until(self, name: str) -> datetime | None:
        """When the published CRL of a root or an issuing authority ends; None for others, or where there is none.

        Raises:
            MalformedDer: what is published is damaged.
        """
        data = self._shelf.get(_place(name)) if profile_name(name) in AUTHORITIES else None
        return None if data is None else read_crl(data).next_update_utc

    def root_crl(self, name: str) -> bytes:
        """The newest CRL that a root signed.

        Raises:
            CeremonyError: there is none, or it is damaged.
        """
        return self._archive.root_crl(name)

    def sign_root_crl(self, name: str, now: datetime) -> None:
        """Have a root sign its next CRL, in a ceremony.

        Raises:
            CustodyError: its key is not at hand.
        """
        self._issuer.sign_root_crl(name, now, self._entries(name)(now))

    def _entries(self, issuer: str) -> Callable[[datetime], Sequence[x509.RevokedCertificate]]:
        """Gives the revoked certificates of an issuer on a given day; of two revocations the compromise rules, of two
        compromises the one that began earlier."""

        def due(now: datetime) -> Sequence[x509.RevokedCertificate]:
            found = {}
            for each in sorted(self._ledger.all(), key=_weight):
                if each.revoked_at <= now and self._issuer.issuer_name(each.name) == issuer:
                    found[each.name] = crl_entry(self._archive.certificates()[each.name].serial_number, each)
            return list(found.values())

        return due


def _weight(revocation: Revocation) -> tuple[bool, float]:
    return revocation.reason.is_compromise, -revocation.effective.timestamp()


def _place(name: str) -> str:
    return f"crl/{name}.crl"
