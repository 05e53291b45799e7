"""An authority ready for use: keys, X.509 certificates, current revocation data, timestamps."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certsvc.authority.certificates import BACKDATED, IssuingParty, Subject, load_profile, make_certificate
from certsvc.authority.crl import ISSUING_CRL, RENEW_AFTER, ROOT_CRL, make_crl
from certsvc.authority.plan import Plan
from certsvc.authority.timestamps import TokenMaker
from certsvc.custody.keys import SoftwareKey, generate_key
from certsvc.domain.calendar import quarter, start_of_quarter
from certsvc.domain.seal import Seal, ValidationData
from certsvc.domain.token import key_id
from certsvc.domain.trust import is_demonstration
from certsvc.errors import SealRefused
from certsvc.services import PrivateKey

ROOT, ISSUING, TIMESTAMP = "root", "issuing", "timestamp"
SURELY_NEXT_QUARTER = timedelta(days=93)
"""From the first day of a quarter: quarters have 90 to 92 days."""

KeyMaker = Callable[[str], SoftwareKey]
"""Gives the key with this name: makes it on disk, opens it, or makes it in memory."""

Publisher = Callable[[str, bytes], None]
"""Puts a public fact where anyone may read it, under this name."""


def seal_name(seal_id: str) -> str:
    """The name of a seal's key and certificate."""
    return f"seal-{seal_id}"


def profile_name(name: str) -> str:
    """The profile of the certificate with this name: `seal` for `seal-market`."""
    return name.partition("-")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What a ceremony makes: keys and certificates by name, and the root's CRL."""

    keys: Mapping[str, SoftwareKey]
    certificates: Mapping[str, x509.Certificate]
    root_crl: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SealCredential:
    """`services.Sealing`: what stands behind one seal."""

    key: SoftwareKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]


def make_material(plan: Plan, make_key: KeyMaker, now: datetime) -> Material:
    """Make every key and certificate of `plan`: root → issuing → seals and timestamp authority."""
    keys, certificates = {}, {}

    def make(name: str, subject: Subject, issuer: IssuingParty | None) -> IssuingParty:
        keys[name] = make_key(name)
        profile = load_profile(profile_name(name))
        certificates[name] = make_certificate(profile, subject, keys[name], issuer, now - BACKDATED)
        return IssuingParty(certificate=certificates[name], key=keys[name], files=_files(plan, name))

    root = make(ROOT, _subject(plan, "根证书", f"{plan.authority} Root"), None)
    issuing = make(ISSUING, _subject(plan, "签发证书", f"{plan.authority} Issuing"), root)
    make(TIMESTAMP, _subject(plan, "时间戳服务", f"{plan.authority} Timestamp"), issuing)
    for seal in (planned.seal() for planned in plan.seals):
        make(seal_name(seal.id), _seal_subject(plan, seal), issuing)
    return Material(keys=keys, certificates=certificates, root_crl=make_crl(root, ROOT_CRL, now))


def _subject(plan: Plan, unit: str, common_name: str) -> Subject:
    return Subject(organisation=plan.authority, unit=unit, common_name=common_name, demonstration=plan.demonstration)


def _seal_subject(plan: Plan, seal: Seal) -> Subject:
    return Subject(
        organisation=seal.owner,
        uscc=seal.owner_uscc,
        unit="电子印章",
        common_name=seal.owner,
        demonstration=plan.demonstration,
    )


def _files(plan: Plan, name: str) -> str | None:
    """Plain http also where the service has https: who fetches a CRL in order to trust a certificate must not need
    to trust one before (RFC 5280 section 8); what is fetched is signed."""
    if not plan.public_url:
        return None
    address = re.sub(r"^https://([^:/]+)$", r"http://\1", plan.public_url)
    return f"{address}/trust/{name}"


class Authority:
    """Keys in use. Opened from a ceremony's folder by `open_authority`, or thrown away after a lint."""

    def __init__(self, plan: Plan, material: Material, token_keys: KeyMaker, publish: Publisher) -> None:
        self._plan = plan
        self._material = material
        self._token_keys = token_keys
        self._publish = publish
        self._issuing_crl: tuple[datetime, bytes] | None = None
        self._quarters: dict[str, SoftwareKey] = {}
        chain = (self._certificate(ISSUING),)
        self.timestamper = TokenMaker(material.keys[TIMESTAMP], self._certificate(TIMESTAMP), chain)
        self.seals = tuple(seal.seal() for seal in plan.seals)

    @property
    def is_demonstration(self) -> bool:
        """Read from the issuing certificate, so that no setting can change it."""
        return is_demonstration(self._certificate(ISSUING))

    @property
    def plan(self) -> Plan:
        """The plan it was made by."""
        return self._plan

    @property
    def area(self) -> str:
        """The administrative area (GB/T 2260) in printed numbers."""
        return self._plan.area

    def publish(self, now: datetime) -> None:
        """Put out the public facts: trust anchors, certificates, CRLs. Done again, it replaces them."""
        for name in (ROOT, ISSUING):
            certificate = self._certificate(name)
            self._publish(f"anchors/{name}.pem", certificate.public_bytes(Encoding.PEM))
            self._publish(f"{name}.cer", certificate.public_bytes(Encoding.DER))
        self._publish(f"{ROOT}.crl", self._material.root_crl)
        self._crl(now)

    def seal_for(self, type_id: str) -> Seal:
        """The seal bound to a certificate type.

        Raises:
            SealRefused: no seal is.
        """
        for seal in self.seals:
            if type_id in seal.certificate_types:
                return seal
        raise SealRefused(f"没有印章可用于 {type_id}。", f"No seal may stand under {type_id}.")

    def sealing(self, seal_id: str) -> SealCredential:
        """The key of a seal, its certificate and the chain up to the root."""
        name = seal_name(seal_id)
        chain = (self._certificate(ISSUING), self._certificate(ROOT))
        return SealCredential(key=self._material.keys[name], certificate=self._certificate(name), chain=chain)

    def validation_data(self, seal_id: str, now: datetime) -> ValidationData:
        """Everything a validator needs; the issuing authority's CRL is signed anew within the hour, the root's is the
        one it signed last. The sealer refuses what is not current."""
        names = (seal_name(seal_id), ISSUING, TIMESTAMP, ROOT)
        certificates = tuple(self._certificate(name).public_bytes(Encoding.DER) for name in names)
        return ValidationData(certificates=certificates, crls=(self._material.root_crl, self._crl(now)))

    def token_key(self, now: datetime) -> tuple[bytes, PrivateKey]:
        """Key id and key of the QR tokens of the quarter of `now`, published before it is first used.

        The term of its X.509 certificate is the quarter, so that made again for the same key it says the same.
        """
        name = f"token-{quarter(now)}"
        if name not in self._quarters:
            key = self._token_keys(name)
            self._publish(f"anchors/token-keys/{quarter(now)}.pem", self._token_certificate(name, key, now))
            self._quarters[name] = key
        key = self._quarters[name]
        return key_id(key.public_key), key

    def _token_certificate(self, name: str, key: SoftwareKey, now: datetime) -> bytes:
        subject = replace(_subject(self._plan, "二维码签名", name), demonstration=self.is_demonstration)
        first = start_of_quarter(now)
        last = start_of_quarter(first + SURELY_NEXT_QUARTER) - timedelta(seconds=1)
        since = max(first, self._certificate(ISSUING).not_valid_before_utc)
        certificate = make_certificate(load_profile(profile_name(name)), subject, key, self._issuer(), since, last)
        return certificate.public_bytes(Encoding.PEM)

    def _crl(self, now: datetime) -> bytes:
        if self._issuing_crl is None or now - self._issuing_crl[0] > RENEW_AFTER:
            crl = make_crl(self._issuer(), ISSUING_CRL, now)
            self._publish(f"{ISSUING}.crl", crl)
            self._issuing_crl = (now, crl)
        return self._issuing_crl[1]

    def _certificate(self, name: str) -> x509.Certificate:
        return self._material.certificates[name]

    def _issuer(self) -> IssuingParty:
        key = self._material.keys[ISSUING]
        return IssuingParty(certificate=self._certificate(ISSUING), key=key, files=_files(self._plan, ISSUING))


def throw_away_authority(plan: Plan, now: datetime, publish: Publisher = lambda _name, _data: None) -> Authority:
    """The same authority with keys that are only in memory: what the lint seals with."""
    material = make_material(plan, lambda _: generate_key(plan.algorithm), now)
    authority = Authority(plan, material, lambda _: generate_key("p256"), publish)
    authority.publish(now)
    return authority
