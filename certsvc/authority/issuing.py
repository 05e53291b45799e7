"""Making X.509 certificates by name: whose they are, who signs them, and that key and certificate belong together."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.x509.oid import NameOID

from certsvc.authority.archive import Archive
from certsvc.authority.certificates import DEMONSTRATION, IssuingParty, Subject, load_profile, make_certificate
from certsvc.authority.crl import ROOT_CRL, make_crl, number_of, with_earlier
from certsvc.authority.names import (
    ISSUING,
    LIST,
    OCSP,
    RECEIPT,
    ROOT,
    STATUS,
    TIMESTAMP,
    base_name,
    generation,
    newest,
    profile_name,
)
from certsvc.authority.plan import Plan
from certsvc.authority.ring import KeyRing
from certsvc.domain.seal import Seal
from certsvc.domain.trust import uscc_of_organisation
from certsvc.errors import CeremonyError, CustodyError
from certsvc.ids import Uscc
from certsvc.services import PrivateKey

UNITS = {
    ROOT: "根证书",
    ISSUING: "签发证书",
    TIMESTAMP: "时间戳服务",
    OCSP: "证书状态服务",
    LIST: "信任列表",
    STATUS: "证照状态列表",
    RECEIPT: "查验回执",
}
TITLES = {
    ROOT: "Root",
    ISSUING: "Issuing",
    TIMESTAMP: "Timestamp",
    OCSP: "OCSP",
    LIST: "Trust List",
    STATUS: "Status List",
    RECEIPT: "Verification Receipt",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SealCredential:
    """`services.Sealing`: what stands behind one seal."""

    key: PrivateKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]


@dataclass(frozen=True, slots=True)
class NamedOwner:
    """`Owner`, read from a certificate: the next one of the same seal has the same subject."""

    owner: str
    owner_uscc: Uscc
    unit: str


def owner_by(seal: Seal) -> NamedOwner:
    """The owner of a new seal. Its OU says what it is for and names it: an owner has several, and whoever reads a
    signature is to tell them apart."""
    kind = "文件印章" if seal.is_for_documents else "电子印章"
    return NamedOwner(seal.owner, seal.owner_uscc, f"{kind} {seal.id}")


def owner_of(certificate: x509.Certificate) -> NamedOwner:
    """Whose seal a certificate is for."""
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    (identifier,) = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_IDENTIFIER)
    (unit,) = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    known = str(unit.value).removesuffix(DEMONSTRATION)
    return NamedOwner(str(name.value), uscc_of_organisation(str(identifier.value)), known)


def subject_of(plan: Plan, name: str, seal: NamedOwner | None, *, demonstration: bool) -> Subject:
    """The subject of the certificate with this name; `seal` says whose a seal's is."""
    kind = profile_name(name)
    if seal is not None:
        return Subject(
            organisation=seal.owner,
            uscc=seal.owner_uscc,
            unit=seal.unit,
            common_name=seal.owner,
            demonstration=demonstration,
        )
    if kind == "token":
        return Subject(organisation=plan.authority, unit="二维码签名", common_name=name, demonstration=demonstration)
    number = f" {generation(name)}" if generation(name) > 1 else ""
    return Subject(
        organisation=plan.authority,
        unit=UNITS[kind],
        common_name=f"{plan.authority} {TITLES[kind]}{number}",
        demonstration=demonstration,
    )


class Issuer:
    """Root and issuing authorities at work on an archive."""

    def __init__(self, plan: Plan, archive: Archive, keys: KeyRing) -> None:
        self._plan, self._archive, self._keys = plan, archive, keys
        self._public_keys: dict[str, PublicKeyTypes] = {}

    def make(self, name: str, subject: Subject, since: datetime, until: datetime | None = None) -> x509.Certificate:
        """The certificate of this name with its key, kept; the one kept before, if there is one.

        Roots sign themselves and the issuing authorities; the newest issuing authority signs everything else.

        Raises:
            CustodyError: its key, or its issuer's, cannot be used; or the key has a certificate under another name.
        """
        certificates = self._archive.certificates()
        if name in certificates:
            return certificates[name]
        issuer = self._issuer_for(name)
        since = max(since, issuer.certificate.not_valid_before_utc) if issuer else since
        profile = load_profile(profile_name(name))
        key = self._keys.make(name)
        _refuse_second_name(name, key.public_key, self._certified())
        return self._archive.keep(name, make_certificate(profile, subject, key, issuer, since, until))

    def require_makeable(self, names: Sequence[str]) -> None:
        """See before anything is made that each of these keys can be: that none lies there of unknown origin, that a
        remote signer has its own ready, and that each is a key by itself.

        Raises:
            CustodyError: it is not so.
        """
        known = dict(self._certified())
        for name, public_key in self._keys.ready([name for name in names if name not in known]).items():
            _refuse_second_name(name, public_key, known)
            known[name] = public_key

    def _certified(self) -> Mapping[str, PublicKeyTypes]:
        """Every key that has a certificate; each is decoded once, as certificates are written once."""
        for name, certificate in self._archive.certificates().items():
            if name not in self._public_keys:
                self._public_keys[name] = certificate.public_key()
        return self._public_keys

    def key(self, name: str) -> PrivateKey:
        """The key of this name.

        Raises:
            CustodyError: it cannot be opened.
            CeremonyError: it is not its certificate's.
        """
        key = self._keys.open(name)
        if self._archive.certificates()[name].public_key() != key.public_key:
            raise CeremonyError(
                f"{name} 的密钥与证书不配：请从备份恢复。",
                f"{name}: key and certificate do not belong together. Restore them from a backup.",
            )
        return key

    def party(self, name: str) -> IssuingParty:
        """An authority that signs, with the addresses that go into what it signs.

        Raises:
            CustodyError: its key cannot be used.
        """
        certificate, base = self._archive.certificates()[name], _plain(self._plan.public_url)
        if not base:
            return IssuingParty(certificate=certificate, key=self.key(name))
        return IssuingParty(
            certificate=certificate,
            key=self.key(name),
            crl=f"{base}/crl/{name}.crl",
            ca=f"{base}/ca/{name}.cer",
            ocsp=f"{base}/ocsp" if self._plan.ocsp else None,
        )

    def issuers(self, name: str) -> list[str]:
        """The names of the authorities above, up to the root."""
        above = self.issuer_name(name)
        return [] if above == name else [above, *self.issuers(above)]

    def chain(self, name: str) -> tuple[x509.Certificate, ...]:
        """The certificates of the authorities above, the root last."""
        return tuple(self._archive.certificates()[above] for above in self.issuers(name))

    def issuer_name(self, name: str) -> str:
        """The name of the authority that signed a certificate; a root's is its own.

        Raises:
            CeremonyError: none here did.
        """
        certificates = self._archive.certificates()
        issuer = certificates[name].issuer
        for other, certificate in certificates.items():
            if profile_name(other) in (ROOT, ISSUING) and certificate.subject == issuer:
                return other
        raise CeremonyError(f"{name} 的签发者不在这里。", f"The issuer of {name} is not here.")

    def sign_root_crl(self, name: str, now: datetime, revoked: Sequence[x509.RevokedCertificate]) -> None:
        """The next CRL of a root, good for a year; entries of the one before stay."""
        earlier = None
        if name in self._archive.certificates() and self._has_root_crl(name):
            earlier = x509.load_der_x509_crl(self._archive.root_crl(name))
        entries = with_earlier(revoked, earlier)
        crl = make_crl(self.party(name), ROOT_CRL, now, entries, 0 if earlier is None else number_of(earlier))
        self._archive.keep_root_crl(name, crl)

    def _has_root_crl(self, name: str) -> bool:
        try:
            self._archive.root_crl(name)
        except (CeremonyError, KeyError):
            return False
        return True

    def _issuer_for(self, name: str) -> IssuingParty | None:
        if base_name(name) == ROOT:
            return None
        above = newest(self._archive.certificates(), ROOT if base_name(name) == ISSUING else ISSUING)
        if above is None:
            raise CeremonyError(f"没有能签发 {name} 的机构。", f"There is no authority that could issue {name}.")
        return self.party(above)


def _refuse_second_name(name: str, public_key: PublicKeyTypes, known: Mapping[str, PublicKeyTypes]) -> None:
    """One key, one name: the next generation of a stolen key must be another key."""
    for other, certified in known.items():
        if other != name and certified == public_key:
            raise CustodyError(
                f"{name}：其位置上是 {other} 的密钥，不能再次认证。"
                "请申请或生成新密钥，并在计划的 custody 中为它写明位置。",
                f"{name}: what lies in its place is the key of {other}, which gets no second certificate. Order or "
                "make a new key, and give it a place of its own in the plan's custody.",
            )


def _plain(public_url: str) -> str:
    """Plain http also where the service has https: who fetches a CRL in order to trust a certificate must not need to
    trust one before (RFC 5280 section 8); what is fetched is signed."""
    return re.sub(r"^https://([^:/]+)$", r"http://\1", public_url)
