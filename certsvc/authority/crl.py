"""Certificate revocation lists (RFC 5280 section 5), signed on schedule, and at once after a revocation."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from certsvc.authority.certificates import BACKDATED, IssuingParty
from certsvc.authority.ledger import Ledger
from certsvc.authority.shelf import Shelf
from certsvc.custody.delegate import as_issuer_key
from certsvc.domain.revocation import Revocation
from certsvc.errors import CustodyError, MalformedDer, RevocationDataStale
from certsvc.x509_reader import read_crl

ROOT_CRL = timedelta(days=366)
ISSUING_CRL = timedelta(days=7)
EACH_DAY = timedelta(days=1)
"""How old a CRL may become before the worker signs the next."""

FOR_A_SEAL = timedelta(hours=1)
"""How old it may be when a seal takes it along, where the issuing key is at hand."""


def make_crl(
    issuer: IssuingParty,
    lasts: timedelta,
    now: datetime,
    revoked: Sequence[x509.RevokedCertificate] = (),
    after: int = 0,
) -> bytes:
    """A DER CRL made at `now`; its number is that second, or one more than `after`: it only grows (section 5.2.3).

    thisUpdate lies a little before: a request that began before the list was made, or a reader whose clock is slow, can
    use it too.
    """
    identifier = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(now - BACKDATED)
        .next_update(now + lasts)
        .add_extension(x509.CRLNumber(max(int(now.timestamp()), after + 1)), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    for entry in revoked:
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(as_issuer_key(issuer.key), hashes.SHA256()).public_bytes(Encoding.DER)


def crl_entry(serial: int, revocation: Revocation) -> x509.RevokedCertificate:
    """The entry of a certificate; after a compromise with the invalidity date too (sections 5.3.1 and 5.3.2)."""
    builder = (
        x509.RevokedCertificateBuilder()
        .serial_number(serial)
        .revocation_date(revocation.revoked_at)
        .add_extension(x509.CRLReason(x509.ReasonFlags[revocation.reason.value]), critical=False)
    )
    if revocation.reason.is_compromise:
        builder = builder.add_extension(x509.InvalidityDate(revocation.effective), critical=False)
    return builder.build()


def with_earlier(
    entries: Sequence[x509.RevokedCertificate], earlier: x509.CertificateRevocationList | None
) -> list[x509.RevokedCertificate]:
    """Entries never disappear: those of the CRL before are kept, also when the ledger comes from an old backup."""
    serials = {entry.serial_number for entry in entries}
    kept = [entry for entry in earlier or () if entry.serial_number not in serials]
    return [*kept, *entries]


class CrlKeeper:
    """The CRL of one issuing authority, as it is published.

    `entries` gives what was decided and is due; `issuer` opens the key, and only when a new list is to be signed.
    """

    def __init__(
        self,
        place: str,
        shelf: Shelf,
        ledger: Ledger,
        issuer: Callable[[], IssuingParty],
        entries: Callable[[datetime], Sequence[x509.RevokedCertificate]],
    ) -> None:
        self._place, self._shelf, self._ledger = place, shelf, ledger
        self._issuer, self._entries = issuer, entries

    def current(self, now: datetime, at_most: timedelta) -> bytes:
        """The CRL, signed anew if it is older than `at_most` or lacks a revocation that is due.

        Where the key is not at hand, a list that is current and lacks nothing is as good.

        Raises:
            RevocationDataStale: it lacks something, or there is none, and the key is not at hand.
        """
        published = self._published()
        if published is not None and self._serves(published, now, at_most):
            return published.public_bytes(Encoding.DER)
        try:
            return self._sign(now, at_most)
        except CustodyError as error:
            if published is None or not self._serves(published, now, ISSUING_CRL):
                raise RevocationDataStale(
                    f"{self._place} 要重新签发，但签发密钥用不了：{error.zh}",
                    f"{self._place} must be signed anew, and the issuing key cannot be used: {error.en}",
                ) from None
            return published.public_bytes(Encoding.DER)

    def _sign(self, now: datetime, at_most: timedelta) -> bytes:
        issuer = self._issuer()
        with self._ledger.locked():
            published = self._published()
            if published is not None and self._serves(published, now, at_most):
                return published.public_bytes(Encoding.DER)
            ours = published if published is not None and _signed_by(published, issuer) else None
            revoked = with_earlier(self._entries(now), ours)
            crl = make_crl(issuer, ISSUING_CRL, now, revoked, 0 if ours is None else number_of(ours))
            self._shelf.put(self._place, crl)
            return crl

    def _published(self) -> x509.CertificateRevocationList | None:
        data = self._shelf.get(self._place)
        try:
            return None if data is None else read_crl(data)
        except MalformedDer:
            return None

    def _serves(self, crl: x509.CertificateRevocationList, now: datetime, at_most: timedelta) -> bool:
        made_at = crl.last_update_utc + BACKDATED
        if not crl.last_update_utc <= now < (crl.next_update_utc or now) or now - made_at > at_most:
            return False
        listed = {entry.serial_number: entry.revocation_date_utc for entry in crl}
        return all(
            listed.get(entry.serial_number) == entry.revocation_date_utc.replace(microsecond=0)
            for entry in self._entries(now)
        )


def number_of(crl: x509.CertificateRevocationList) -> int:
    """Its CRL number."""
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def _signed_by(crl: x509.CertificateRevocationList, issuer: IssuingParty) -> bool:
    key = issuer.key.public_key
    return crl.is_signature_valid(key)  # type: ignore[arg-type]  # an EC or RSA key: `as_issuer_key` refuses others
