"""An authority ready for use: keys, X.509 certificates, current revocation data, timestamps."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certsvc.authority.archive import Archive
from certsvc.authority.bound_seals import bound_seals
from certsvc.authority.certificates import BACKDATED
from certsvc.authority.clock import Clock
from certsvc.authority.crl import FOR_A_SEAL
from certsvc.authority.issuing import Issuer, SealCredential, owner_by, owner_of, subject_of
from certsvc.authority.ledger import Ledger
from certsvc.authority.names import (
    ISSUING,
    ROOT,
    SERVICES,
    TIMESTAMP,
    base_name,
    newest,
    next_generation,
    profile_name,
    seal_name,
    token_name,
)
from certsvc.authority.plan import Plan
from certsvc.authority.public_facts import PublicFacts
from certsvc.authority.ring import KeyRing
from certsvc.authority.shelf import Shelf
from certsvc.authority.timestamps import LocalTimestamper, TokenMaker
from certsvc.domain.calendar import quarter, start_of_quarter
from certsvc.domain.revocation import Reason, Revocation
from certsvc.domain.seal import Seal, ValidationData
from certsvc.domain.token import key_id
from certsvc.domain.trust import is_demonstration
from certsvc.errors import NotFound, SealRefused, TimestampUnavailable
from certsvc.ids import Uscc
from certsvc.services import PrivateKey, Timestamper

SURELY_NEXT_QUARTER = timedelta(days=93)
"""From the first day of a quarter: quarters have 90 to 92 days."""

IN_GOOD_TIME = timedelta(days=30)
"""So long before its end a service's certificate is followed by the next."""


class Authority:
    """Keys in use. Opened from a ceremony's folder by `open_authority`, or thrown away after a lint."""

    def __init__(
        self,
        plan: Plan,
        archive: Archive,
        keys: KeyRing,
        shelf: Shelf,
        ledger: Ledger,
        timestamper: Timestamper | None = None,
    ) -> None:
        self._archive, self._keys, self._ledger = archive, keys, ledger
        self._issuer = Issuer(plan, archive, keys)
        self.facts = PublicFacts(archive, self._issuer, shelf, ledger)
        self._timestamper = timestamper
        self._local: tuple[str, Timestamper] | None = None
        self._clock: Clock | None = None
        self._quarters: dict[str, tuple[str, bytes, PrivateKey]] = {}
        self.plan = plan
        self.seals: Sequence[Seal] = tuple(seal.seal(demonstration=plan.demonstration) for seal in plan.seals)

    def take_seals(self, seals: Sequence[Seal]) -> None:
        """The seals on record rule over the plan's: of those whose key was made here."""
        self.seals = tuple(seal for seal in seals if seal_name(seal.id) in self.names)

    @property
    def is_demonstration(self) -> bool:
        """Read from the issuing certificate, so that no setting can change it."""
        return is_demonstration(self.certificate(ISSUING))

    @property
    def area(self) -> str:
        """The administrative area (GB/T 2260) in printed numbers."""
        return self.plan.area

    @property
    def timestamper(self) -> Timestamper:
        """Who gives the timestamps of seals: another service, if one was given, or the newest timestamp key here.

        Raises:
            TimestampUnavailable, CustodyError: see `token_maker`.
        """
        return self._timestamper or self._local_timestamper()

    def _local_timestamper(self) -> Timestamper:
        name = self.require_timestamp_key()
        if self._local is None or self._local[0] != name:
            self._clock = self._clock or Clock(unsafe_unsynchronised=self.is_demonstration)
            self._local = name, LocalTimestamper(self.token_maker(), self._clock)
        return self._local[1]

    def use_timestamper(self, timestamper: Timestamper) -> None:
        """Take the timestamps of seals from another service than the key here."""
        self._timestamper = timestamper

    def token_maker(self) -> TokenMaker:
        """Makes timestamps with the newest timestamp key.

        Raises:
            TimestampUnavailable: its certificate is revoked.
            CustodyError: it cannot be used.
        """
        name = self.require_timestamp_key()
        return TokenMaker(self.key(name), self.certificate(name), self._issuer.chain(name)[:-1])

    def require_timestamp_key(self) -> str:
        """The name of the newest timestamp key, which is not revoked.

        Raises:
            TimestampUnavailable: it is; nothing is sealed with it any more.
        """
        name = self.newest(TIMESTAMP)
        if self.is_revoked(name):
            raise TimestampUnavailable(
                f"时间戳证书 {name} 已吊销：请先换新钥。",
                f"The timestamp certificate {name} is revoked: make the next one.",
            )
        return name

    @property
    def names(self) -> Sequence[str]:
        """The names of all certificates that were made."""
        return tuple(self._archive.certificates())

    def newest(self, base: str) -> str:
        """The newest generation of a name.

        Raises:
            NotFound: there is none.
        """
        name = newest(self.names, base)
        if name is None:
            raise NotFound(f"没有名为 {base} 的证书。", f"There is no X.509 certificate called {base}.")
        return name

    def certificate(self, name: str) -> x509.Certificate:
        """The certificate of this name."""
        return self._archive.certificates()[name]

    def key(self, name: str) -> PrivateKey:
        """The key of this name, which is its certificate's.

        Raises:
            CustodyError: it cannot be opened.
            CeremonyError: it is not.
        """
        return self._issuer.key(name)

    def seal_for(self, type_id: str, organ: Uscc | None = None) -> Seal:
        """The first of the seals bound to a certificate type, its issuer's.

        Raises:
            SealRefused: no seal is.
        """
        return self.seals_for(type_id, organ)[0]

    def seals_for(self, type_id: str, organ: Uscc | None = None) -> tuple[Seal, ...]:
        """The seals bound to a certificate type; see `bound_seals`. Raises `SealRefused`."""
        return bound_seals(type_id, self.seals, self.plan, organ)

    def sealing(self, seal_id: str) -> SealCredential:
        """The newest key of a seal, its certificate and the chain up to the root."""
        return self.credential(self.newest(seal_name(seal_id)))

    def seal_certificates(self, seal_id: str) -> tuple[x509.Certificate, ...]:
        """The newest certificate of a seal and the chain up to the root. No key is opened for that.

        Raises:
            NotFound: none was made.
        """
        name = self.newest(seal_name(seal_id))
        return self.certificate(name), *self._issuer.chain(name)

    def is_seal_revoked(self, seal_id: str) -> bool:
        """Whether the newest certificate of a seal is revoked."""
        return self.is_revoked(self.newest(seal_name(seal_id)))

    def credential(self, name: str) -> SealCredential:
        """The key of this name, its certificate and the chain up to the root."""
        return SealCredential(key=self.key(name), certificate=self.certificate(name), chain=self._issuer.chain(name))

    def validation_data(self, seal_ids: str | Sequence[str], now: datetime) -> ValidationData:
        """Everything a validator needs for one seal or several: chains, and the newest CRL of each authority in them.
        The sealer refuses what is not current.

        Raises:
            RevocationDataStale: see `CrlKeeper.current`.
        """
        ids = (seal_ids,) if isinstance(seal_ids, str) else seal_ids
        leaves = [*(self.newest(seal_name(seal_id)) for seal_id in ids), self.newest(TIMESTAMP)]
        chains = [[leaf, *self._issuer.issuers(leaf)] for leaf in leaves]
        names = dict.fromkeys(name for chain in chains for name in chain)
        authorities = sorted((name for name in names if profile_name(name) in (ROOT, ISSUING)), key=profile_name)
        crls = [self.facts.crl(name, now, FOR_A_SEAL) for name in reversed(authorities)]
        certificates = tuple(self.certificate(name).public_bytes(Encoding.DER) for name in names)
        return ValidationData(certificates=certificates, crls=tuple(crls))

    def token_key(self, now: datetime) -> tuple[bytes, PrivateKey]:
        """Key id and key of the QR tokens of the quarter of `now`, published before it is first used.

        Raises:
            SealRefused: it was revoked, and no next one was made.
        """
        when = quarter(now)
        name = newest(self.names, token_name(when)) or token_name(when)
        if self.is_revoked(name):
            raise SealRefused(
                f"本季度的二维码密钥 {name} 已吊销：请先换新钥。",
                f"The token key {name} is revoked: make the next one.",
            )
        if self._quarters.get(when, ("",))[0] != name:
            key = self.make_token(name, now)
            self._quarters[when] = (name, key_id(key.public_key), key)
        _, kid, key = self._quarters[when]
        return kid, key

    def make_token(self, name: str, now: datetime) -> PrivateKey:
        """The token key of this name, made and certified if it is not there. Its certificate's term is the quarter."""
        first = start_of_quarter(now)
        last = start_of_quarter(first + SURELY_NEXT_QUARTER) - timedelta(seconds=1)
        self.make(name, now, since=first, until=last)
        return self.key(name)

    def make(
        self,
        name: str,
        now: datetime,
        seal: Seal | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> x509.Certificate:
        """The certificate of this name, with its key; made if it is not there, and published.

        `seal` is a new seal's; the next generation of a seal is for the owner of the one before, that of a token key
        for the same quarter.

        Raises:
            CustodyError: its key, or its issuer's, cannot be used.
        """
        known = self._archive.certificates().get(name)
        if known is None:
            latest = newest(self.names, base_name(name))
            before, kind = latest and self.certificate(latest), profile_name(name)
            owner = owner_by(seal) if seal else None
            if before and kind == "seal":
                owner = owner_of(before)
            if before and kind == "token":  # what was reserved before it was made gets its token from it, too
                since, until = before.not_valid_before_utc, before.not_valid_after_utc
            subject = subject_of(self.plan, name, owner, demonstration=self._says_demonstration(name))
            known = self._issuer.make(name, subject, since or now - BACKDATED, until)
        self.facts.publish_certificate(name)
        return known

    def _says_demonstration(self, name: str) -> bool:
        return self.plan.demonstration if profile_name(name) == ROOT else self.is_demonstration

    def make_services(self, now: datetime) -> None:
        """What serves trust beside seals: made where an earlier ceremony did not, and followed by its next generation
        in good time before it ends."""
        for base in SERVICES:
            name = newest(self.names, base) or base
            if self.make(name, now).not_valid_after_utc < now + IN_GOOD_TIME:
                self.make(next_generation(self.names, base), now)

    def require_new(self, revocation: Revocation) -> None:
        """See that `record` would take a revocation.

        Raises:
            NotFound, Conflict: it would not.
        """
        self._require_known(revocation.name)
        self._ledger.require_new(revocation)

    def record(self, revocation: Revocation) -> Revocation:
        """Put a revocation on record; the next CRL says it. A root's CRL is signed in a ceremony.

        Raises:
            NotFound: there is no such certificate.
            Conflict: see `Ledger.record`.
        """
        self._require_known(revocation.name)
        return self._ledger.record(revocation)

    def _require_known(self, name: str) -> None:
        if name not in self.names:
            raise NotFound(f"没有证书 {name}。", f"There is no X.509 certificate {name}.")

    def revocations(self) -> Sequence[Revocation]:
        """Everything that was decided."""
        return self._ledger.all()

    def issuer_name(self, name: str) -> str:
        """The name of the authority that signed a certificate."""
        return self._issuer.issuer_name(name)

    def destroy_key(self, name: str) -> None:
        """Destroy a private key; done again, nothing."""
        self._keys.destroy(name)

    def is_revoked(self, name: str) -> bool:
        """Whether its revocation was decided."""
        return any(each.name == name for each in self._ledger.all())

    def is_compromised(self, name: str) -> bool:
        """Whether it is on record that somebody else may have its key."""
        return any(each.name == name and each.reason.is_compromise for each in self._ledger.all())

    def is_destroyed(self, name: str) -> bool:
        """Whether its seal was destroyed: it has no next generation."""
        return any(each.name == name and each.reason is Reason.CESSATION_OF_OPERATION for each in self._ledger.all())
