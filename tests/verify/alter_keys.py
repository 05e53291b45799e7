"""What somebody with another key can do, or with a certificate of ours that is none, no more or not yet a seal's."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cryptography import x509
from flaws import Bench, flaw
from pdf_bytes import contents, fill
from seal_workshop import FOOD, certificate_der

from certsvc.authority.certificates import IssuingParty, Profile, Subject, load_profile, make_certificate
from certsvc.authority.crl import make_crl
from certsvc.authority.timestamps import TokenMaker
from certsvc.custody.keys import generate_key
from certsvc.domain.seal import ValidationData
from certsvc.ids import Uscc
from certsvc.services import PrivateKey

MARKET = "market"
DAY, YEAR = timedelta(days=1), timedelta(days=365)


@dataclass(frozen=True)
class Credential:
    """`services.Sealing` with any certificate."""

    key: PrivateKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]


def _issuer(bench: Bench, *, foreign: bool = False) -> IssuingParty:
    keys = bench.workshop.lookalike if foreign else bench.workshop.ours
    return IssuingParty(certificate=keys.certificate("issuing"), key=keys.key("issuing"))


def _subject(common_name: str = "云山市市场监督管理局") -> Subject:
    return Subject(
        organisation="云山市市场监督管理局",
        uscc=Uscc("11441900007330010D"),
        unit="电子印章",
        common_name=common_name,
        demonstration=True,
    )


def _issued(bench: Bench, profile: Profile, at: datetime, *, by: IssuingParty | None = None) -> Credential:
    """A certificate of this profile that our issuing authority (or `by`) gave out at some time."""
    key, issuer = generate_key(), by or _issuer(bench)
    certificate = make_certificate(profile, _subject(), key, issuer, at)
    return Credential(key, certificate, bench.workshop.ours.sealing(MARKET).chain)


def _pressed(
    bench: Bench,
    credential: Credential,
    *,
    crls: tuple[bytes, ...] | None = None,
    extra: tuple[x509.Certificate, ...] = (),
) -> bytes:
    data = bench.workshop.ours.validation_data(MARKET, bench.workshop.now)
    own = tuple(map(certificate_der, (credential.certificate, *extra)))
    known = ValidationData(certificates=(*own, *data.certificates[1:]), crls=data.crls if crls is None else crls)
    return bench.workshop.press(bench.genuine, sealing=credential, validation_data=known)


def _ours(bench: Bench) -> Credential:
    found = bench.workshop.ours.sealing(MARKET)
    return Credential(found.key, found.certificate, found.chain)


def _crl(bench: Bench, at: datetime, lasts: timedelta, *serials: int, foreign: bool = False) -> bytes:
    revoked = [
        x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at - DAY).build() for serial in serials
    ]
    return make_crl(_issuer(bench, foreign=foreign), lasts, at, revoked)


def _root_crl(bench: Bench) -> bytes:
    return bench.workshop.ours.validation_data(MARKET, bench.workshop.now).crls[0]


@flaw("signer.not_our_anchor")
def a_lookalike_authority_of_the_same_names(bench: Bench) -> bytes:
    return bench.workshop.make(FOOD, 0, authority=bench.workshop.lookalike).pdf


@flaw("signer.not_our_anchor")
def our_page_sealed_by_a_lookalike(bench: Bench) -> bytes:
    workshop = bench.workshop
    return workshop.seal(bench.genuine.page, bench.genuine.face, authority=workshop.lookalike)


@flaw("signer.not_our_anchor")
def a_lookalike_that_brings_our_certificates_along(bench: Bench) -> bytes:
    found = bench.workshop.lookalike.sealing(MARKET)
    credential = Credential(found.key, found.certificate, found.chain)
    foreign_crl = bench.workshop.lookalike.validation_data(MARKET, bench.workshop.now).crls
    crls = (*bench.workshop.ours.validation_data(MARKET, bench.workshop.now).crls, *foreign_crl)
    return _pressed(bench, credential, crls=crls, extra=found.chain)


@flaw("signer.not_our_anchor")
def another_signer_who_issued_to_himself(bench: Bench) -> bytes:
    key = generate_key()
    certificate = make_certificate(load_profile("seal"), _subject(), key, None, bench.workshop.now - DAY)
    return _pressed(bench, Credential(key, certificate, (certificate,)))


@flaw("signature.not_its_key")
def another_key_under_our_certificate(bench: Bench) -> bytes:
    return _pressed(bench, replace(_ours(bench), key=generate_key()))


@flaw("signer.not_our_anchor")
def a_seal_that_a_seal_issued(bench: Bench) -> bytes:
    """A seal's certificate is no certification authority."""
    ours = _ours(bench)
    party = IssuingParty(certificate=ours.certificate, key=ours.key)
    forged = _issued(bench, load_profile("seal"), bench.workshop.now - DAY, by=party)
    chain = (ours.certificate, *ours.chain)
    crls = (
        *bench.workshop.ours.validation_data(MARKET, bench.workshop.now).crls,
        make_crl(party, YEAR, bench.workshop.now),
    )
    return _pressed(bench, Credential(forged.key, forged.certificate, chain), crls=crls, extra=(ours.certificate,))


@flaw("signer.not_our_anchor")
def sealed_with_the_timestamp_authoritys_key(bench: Bench) -> bytes:
    return _pressed(bench, _issued(bench, load_profile("timestamp"), bench.workshop.now - DAY))


@flaw("signer.not_our_anchor")
def sealed_with_a_token_key(bench: Bench) -> bytes:
    return _pressed(bench, _issued(bench, load_profile("token"), bench.workshop.now - DAY))


@flaw("signer.not_our_anchor")
def sealed_with_a_mail_certificate(bench: Bench) -> bytes:
    mail = Profile(
        days=1095,
        authority=False,
        key_usage=("digital_signature", "content_commitment"),
        extended_key_usage=("1.3.6.1.5.5.7.3.4",),
        extended_key_usage_critical=False,
    )
    return _pressed(bench, _issued(bench, mail, bench.workshop.now - DAY))


@flaw("signer.not_our_anchor")
def an_expired_seal(bench: Bench) -> bytes:
    return _pressed(bench, _issued(bench, load_profile("seal"), bench.workshop.now - 4 * YEAR))


@flaw("signer.not_our_anchor")
def a_seal_not_yet_in_force(bench: Bench) -> bytes:
    return _pressed(bench, _issued(bench, load_profile("seal"), bench.workshop.now + 2 * DAY))


@flaw("revocation.revoked_or_not_proven")
def a_revoked_seal(bench: Bench) -> bytes:
    ours = _ours(bench)
    crl = _crl(bench, bench.workshop.now, YEAR, ours.certificate.serial_number)
    return _pressed(bench, ours, crls=(_root_crl(bench), crl))


@flaw("revocation.revoked_or_not_proven")
def a_seal_of_a_revoked_authority(bench: Bench) -> bytes:
    ours = _ours(bench)
    ours_all = bench.workshop.ours
    party = IssuingParty(certificate=ours_all.certificate("root"), key=ours_all.key("root"))
    entry = x509.RevokedCertificateBuilder().serial_number(ours.chain[0].serial_number)
    crl = make_crl(party, YEAR, bench.workshop.now, [entry.revocation_date(bench.workshop.now - DAY).build()])
    return _pressed(bench, ours, crls=(crl, _crl(bench, bench.workshop.now, YEAR)))


@flaw("revocation.revoked_or_not_proven")
def no_revocation_list_of_the_seals_issuer(bench: Bench) -> bytes:
    return _pressed(bench, _ours(bench), crls=(_root_crl(bench),))


@flaw("revocation.revoked_or_not_proven")
def no_revocation_list_of_the_root(bench: Bench) -> bytes:
    return _pressed(bench, _ours(bench), crls=(_crl(bench, bench.workshop.now, YEAR),))


@flaw("revocation.revoked_or_not_proven")
def no_revocation_list_at_all(bench: Bench) -> bytes:
    return _pressed(bench, _ours(bench), crls=())


@flaw("revocation.revoked_or_not_proven")
def a_revocation_list_that_was_stale_at_sealing(bench: Bench) -> bytes:
    stale = _crl(bench, bench.workshop.now - 10 * DAY, 7 * DAY)
    return _pressed(bench, _ours(bench), crls=(_root_crl(bench), stale))


@flaw("revocation.revoked_or_not_proven")
def a_revocation_list_from_after_the_sealing(bench: Bench) -> bytes:
    later = _crl(bench, bench.workshop.now + 10 * DAY, 7 * DAY)
    return _pressed(bench, _ours(bench), crls=(_root_crl(bench), later))


@flaw("revocation.revoked_or_not_proven")
def a_revocation_list_of_a_lookalike(bench: Bench) -> bytes:
    foreign = _crl(bench, bench.workshop.now, YEAR, foreign=True)
    return _pressed(bench, _ours(bench), crls=(_root_crl(bench), foreign))


@flaw("timestamp.not_trusted")
def a_timestamp_authority_out_of_its_term(bench: Bench) -> bytes:
    old = _issued(bench, load_profile("timestamp"), bench.workshop.now - 11 * YEAR)
    stamper = TokenMaker(old.key, old.certificate, old.chain[:-1])
    return bench.workshop.press(bench.genuine, timestamper=stamper)


@flaw("timestamp.not_trusted")
def a_time_that_is_still_to_come(bench: Bench) -> bytes:
    keys = bench.workshop.ours
    stamper = TokenMaker(keys.key("timestamp"), keys.certificate("timestamp"), _ours(bench).chain[:-1])
    return bench.workshop.press(bench.genuine, timestamper=stamper, at=bench.workshop.now + timedelta(hours=1))


@flaw("signature.altered")
def a_signature_over_the_page_alone(bench: Bench) -> bytes:
    """Our own signature, made for other bytes."""
    pressed = bench.workshop.press(bench.other)
    return fill(bench.workshop.press(bench.genuine), contents(pressed))


def an_older_seal(bench: Bench, page: bytes) -> bytes:
    """A page under the genuine seal that was in use before the present one; both are certified by our authority."""
    old = _issued(bench, load_profile("seal"), bench.workshop.now - YEAR)
    data = bench.workshop.ours.validation_data(MARKET, bench.workshop.now)
    known = ValidationData(certificates=(certificate_der(old.certificate), *data.certificates[1:]), crls=data.crls)
    return bench.workshop.press(bench.genuine, page=page, sealing=old, validation_data=known)
