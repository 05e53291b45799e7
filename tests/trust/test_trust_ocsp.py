"""The OCSP responder without HTTP: what it says, on what evidence, and what it says to nonsense."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.ocsp import OCSPCertStatus, OCSPRequestBuilder, OCSPResponseStatus, load_der_ocsp_response
from hypothesis import given, settings
from hypothesis import strategies as st
from ocsp_asked import SHA1, SHA256, SHA384, answered, ask, authority, responder
from ocsp_linted import lint_ocsp
from trust_pki import Pki, make_pki

from certsvc import der
from certsvc.authority.certificates import BACKDATED
from certsvc.authority.crl import ISSUING_CRL
from certsvc.authority.ocsp import CACHED, KEPT, LASTS, OcspResponder
from certsvc.errors import CustodyError, RevocationDataStale

HASHES = [SHA1, SHA256]
NONCE_OID = "1.3.6.1.5.5.7.48.1.2"


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    """An authority that the test may revoke with."""
    return make_pki(tmp_path / "trust")


@pytest.fixture(scope="module")
def kept_pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """An authority that nobody changes."""
    return make_pki(tmp_path_factory.mktemp("trust"))


@pytest.mark.parametrize("algorithm", HASHES, ids=lambda algorithm: algorithm.name)
def test_good_is_said_by_the_responder_with_its_certificate(kept_pki: Pki, algorithm: hashes.HashAlgorithm) -> None:
    pki = kept_pki
    response = answered(pki, ask(pki, algorithm=algorithm))
    assert response.response_status is OCSPResponseStatus.SUCCESSFUL
    assert response.certificate_status is OCSPCertStatus.GOOD
    assert response.serial_number == pki.certificates["seal"].serial_number
    assert response.hash_algorithm.name == algorithm.name
    own = pki.certificates["ocsp"]
    assert response.certificates == [own]
    assert response.responder_key_hash == x509.SubjectKeyIdentifier.from_public_key(own.public_key()).digest
    key = own.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(SHA256))
    assert own.extensions.get_extension_for_class(x509.OCSPNoCheck)
    assert list(response.extensions) == []


@pytest.mark.parametrize(
    "reason", [x509.ReasonFlags.key_compromise, x509.ReasonFlags.superseded, x509.ReasonFlags.certificate_hold, None]
)
def test_revoked_is_said_at_once_with_date_and_reason(pki: Pki, reason: x509.ReasonFlags | None) -> None:
    service, message = responder(pki), ask(pki)
    before = load_der_ocsp_response(service.respond(message, pki.now).der)
    pki.revoke(pki.certificates["seal"].serial_number, reason)
    after = load_der_ocsp_response(service.respond(message, pki.now).der)
    assert before.certificate_status is OCSPCertStatus.GOOD
    assert after.certificate_status is OCSPCertStatus.REVOKED
    assert after.revocation_time_utc == pki.now
    assert after.revocation_reason == reason
    other = load_der_ocsp_response(service.respond(ask(pki, "timestamp"), pki.now).der)
    assert other.certificate_status is OCSPCertStatus.GOOD


def test_unknown_is_said_of_a_serial_number_that_was_never_given_out(kept_pki: Pki) -> None:
    pki = kept_pki
    foreign = make_request(pki, serial=0x1234)
    answer = responder(pki).respond(foreign, pki.now)
    assert load_der_ocsp_response(answer.der).certificate_status is OCSPCertStatus.UNKNOWN
    assert answer.caching is None


def make_request(pki: Pki, serial: int, algorithm: hashes.HashAlgorithm = SHA256) -> bytes:
    """A request by serial number, with the issuer's hashes as another program computes them."""
    seal, issuing = pki.certificates["seal"], pki.certificates["issuing"]
    like = OCSPRequestBuilder().add_certificate(seal, issuing, algorithm).build()
    builder = OCSPRequestBuilder().add_certificate_by_hash(
        like.issuer_name_hash, like.issuer_key_hash, serial, algorithm
    )
    return builder.build().public_bytes(Encoding.DER)


@pytest.mark.parametrize("serial", [1, (1 << 159) - 1, 1 << 160, (1 << 2000) + 7], ids=["1", "20-octets", "21", "251"])
def test_any_serial_number_is_answered(kept_pki: Pki, serial: int) -> None:
    response = answered(kept_pki, make_request(kept_pki, serial))
    assert response.certificate_status is OCSPCertStatus.UNKNOWN
    assert response.serial_number == serial


def test_unknown_is_said_of_another_authoritys_certificates(kept_pki: Pki, tmp_path: Path) -> None:
    other = make_pki(tmp_path / "other")
    response = answered(kept_pki, ask(other))
    assert response.certificate_status is OCSPCertStatus.UNKNOWN
    assert response.certificates == [kept_pki.certificates["ocsp"]]


def test_a_certificate_made_a_moment_ago_is_no_longer_unknown(pki: Pki) -> None:
    service = responder(pki)
    message = make_request(pki, 0x77)
    assert load_der_ocsp_response(service.respond(message, pki.now).der).certificate_status is OCSPCertStatus.UNKNOWN
    (pki.public / "issued" / "issuing" / "77.cer").write_bytes(b"")
    assert load_der_ocsp_response(service.respond(message, pki.now).der).certificate_status is OCSPCertStatus.GOOD


def test_each_authority_answers_for_its_own_with_its_own_key(pki: Pki) -> None:
    pki.issue("issuing.2", "issuing", "root")
    pki.publish_crl("issuing.2")
    for name in ("seal.2", "ocsp.2"):
        pki.issue(name, name.partition(".")[0], "issuing.2")
    both = OcspResponder([authority(pki), authority(pki, "issuing.2", "ocsp.2")], pki.public)
    for seal, issuer, own in (("seal", "issuing", "ocsp"), ("seal.2", "issuing.2", "ocsp.2")):
        response = load_der_ocsp_response(both.respond(ask(pki, seal, issuer), pki.now).der)
        assert response.certificate_status is OCSPCertStatus.GOOD
        assert response.certificates == [pki.certificates[own]]
    both.require_current(pki.now)
    (pki.public / "crl" / "issuing.2.crl").unlink()
    assert both.respond(ask(pki), pki.now).error is None
    assert both.respond(ask(pki, "seal.2", "issuing.2"), pki.now).error is OCSPResponseStatus.TRY_LATER
    with pytest.raises(RevocationDataStale):
        both.require_current(pki.now)


def test_an_answer_is_never_fresher_than_the_crl_behind_it(pki: Pki) -> None:
    service = responder(pki)
    for ago in (timedelta(0), ISSUING_CRL - timedelta(minutes=10)):
        pki.publish_crl("issuing", made=pki.now - ago)
        answer = service.respond(ask(pki), pki.now)
        response = load_der_ocsp_response(answer.der)
        crl_ends = pki.now - ago + ISSUING_CRL
        assert response.this_update_utc == pki.now - ago - BACKDATED
        assert response.next_update_utc == min(crl_ends, pki.now + LASTS)
        assert answer.caching is not None
        assert answer.caching.until == min(crl_ends, pki.now + CACHED)
        assert answer.caching.this_update == response.this_update_utc
        assert answer.caching.next_update == response.next_update_utc


def spoil_missing(pki: Pki) -> None:
    (pki.public / "crl" / "issuing.crl").unlink()


def spoil_expired(pki: Pki) -> None:
    pki.publish_crl("issuing", made=pki.now - ISSUING_CRL)


def spoil_future(pki: Pki) -> None:
    pki.publish_crl("issuing", made=pki.now + BACKDATED + timedelta(seconds=1))


def spoil_foreign(pki: Pki) -> None:
    """The root's list under the issuing authority's name."""
    pki.publish_crl("issuing", by="root")


def spoil_forged(pki: Pki) -> None:
    """The right name, another key."""
    own = pki.keys["issuing"]
    pki.keys["issuing"] = pki.keys["root"]
    pki.publish_crl("issuing")
    pki.keys["issuing"] = own


def spoil_garbage(pki: Pki) -> None:
    (pki.public / "crl" / "issuing.crl").write_bytes(b"garbage")


def spoil_cut(pki: Pki) -> None:
    path = pki.public / "crl" / "issuing.crl"
    path.write_bytes(path.read_bytes()[:-1])


SPOILT = [
    spoil_missing,
    spoil_expired,
    spoil_future,
    spoil_foreign,
    spoil_forged,
    spoil_garbage,
    spoil_cut,
]


@pytest.mark.parametrize("seen_before", [False, True], ids=["at-once", "after-a-good-one"])
@pytest.mark.parametrize("spoil", SPOILT, ids=lambda spoil: spoil.__name__.removeprefix("spoil_"))
def test_without_a_current_crl_of_the_issuer_nothing_is_good(pki: Pki, spoil: object, seen_before: bool) -> None:
    service = responder(pki)
    if seen_before:
        assert service.respond(ask(pki), pki.now).error is None
    assert callable(spoil)
    spoil(pki)
    answer = service.respond(ask(pki), pki.now)
    assert answer.error is OCSPResponseStatus.TRY_LATER
    assert load_der_ocsp_response(answer.der).response_status is OCSPResponseStatus.TRY_LATER
    with pytest.raises(RevocationDataStale):
        service.require_current(pki.now)
    pki.publish_crl("issuing")
    assert service.respond(ask(pki), pki.now).error is None


def test_an_older_crl_put_back_does_not_make_good_what_is_revoked(pki: Pki) -> None:
    service = responder(pki)
    older = (pki.public / "crl" / "issuing.crl").read_bytes()
    pki.revoke(pki.certificates["seal"].serial_number)
    assert service.respond(ask(pki), pki.now).error is None
    (pki.public / "crl" / "issuing.crl").write_bytes(older)
    assert service.respond(ask(pki), pki.now).error is OCSPResponseStatus.TRY_LATER


def test_answers_for_everyone_are_kept_for_a_minute_and_no_longer_than_their_crl(pki: Pki) -> None:
    service = responder(pki)
    first = service.respond(ask(pki), pki.now)
    assert service.respond(ask(pki), pki.now + KEPT / 2) is first
    assert service.respond(ask(pki), pki.now + KEPT) is not first
    assert service.respond(ask(pki, nonce=b"1"), pki.now).der != service.respond(ask(pki, nonce=b"1"), pki.now).der
    second = service.respond(ask(pki), pki.now + KEPT)
    pki.publish_crl("issuing")
    assert service.respond(ask(pki), pki.now + KEPT) is not second


@pytest.mark.parametrize("size", [1, 16, 32, 128])
def test_a_nonce_comes_back_and_its_answer_is_for_its_asker_alone(kept_pki: Pki, size: int) -> None:
    nonce = bytes(range(size))
    answer = responder(kept_pki).respond(ask(kept_pki, nonce=nonce), kept_pki.now)
    found = load_der_ocsp_response(answer.der).extensions.get_extension_for_class(x509.OCSPNonce).value
    assert found.nonce == nonce
    assert answer.caching is None


def test_a_nonce_in_the_form_of_rfc_2560_is_taken_too(kept_pki: Pki) -> None:
    """Raw octets that are no OCTET STRING."""
    response = answered(kept_pki, request_with(extension(NONCE_OID, b"12345678")))
    assert response.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == b"12345678"


def request_with(*extensions: bytes, entries: int = 1) -> bytes:
    """An OCSPRequest (RFC 6960 section 4.1.1) of these request extensions."""
    cert_id = der.sequence(
        der.sequence(der.object_identifier("1.3.14.3.2.26"), der.NULL),
        der.octet_string(bytes(20)),
        der.octet_string(bytes(20)),
        der.integer(5),
    )
    asked = der.sequence(*[der.sequence(cert_id)] * entries)
    tail = der.explicit(2, der.sequence(*extensions)) if extensions else b""
    return der.sequence(der.sequence(asked, tail))


def extension(oid: str, value: bytes, *, critical: bool = False) -> bytes:
    """An Extension (RFC 5280 section 4.1)."""
    return der.sequence(der.object_identifier(oid), der.TRUE if critical else b"", der.octet_string(value))


def nonce_of(size: int) -> bytes:
    return extension(NONCE_OID, der.octet_string(bytes(size)))


def deep() -> bytes:
    """SEQUENCEs in each other, as many as a request has room for."""
    nested = b""
    while len(nested) < 4000:
        nested = der.sequence(nested)
    return nested


WELL = request_with()
MALFORMED = {
    "empty": b"",
    "text": b"GET / HTTP/1.1",
    "zeros": bytes(4096),
    "nested-sequences": deep(),
    "nested-sequences-in-an-extension": request_with(deep()),
    "indefinite-length": b"\x30\x80" + WELL[2:] + b"\0\0",
    "length-of-2^32": b"\x30\x85\x01\x00\x00\x00\x00" + WELL[2:],
    "non-minimal-length": b"\x30\x81" + WELL[1:],
    "cut-off": WELL[:-1],
    "trailing-byte": WELL + b"\0",
    "two-requests": WELL * 2,
    "no-certificate": request_with(entries=0),
    "two-certificates": request_with(entries=2),
    "nonce-of-0-octets": request_with(nonce_of(0)),
    "nonce-of-129-octets": request_with(nonce_of(129)),
    "two-nonces": request_with(nonce_of(8), nonce_of(8)),
    "unknown-critical-extension": request_with(extension("1.2.3.4", der.NULL, critical=True)),
    "name-hash-too-short": WELL.replace(der.octet_string(bytes(20)), der.octet_string(bytes(19)) + b"", 1),
    "negative-serial-number": WELL.replace(b"\x02\x01\x05", b"\x02\x01\xff"),
}


@pytest.mark.parametrize("flaw", MALFORMED)
def test_a_flawed_request_is_malformed(kept_pki: Pki, flaw: str) -> None:
    answer = responder(kept_pki).respond(MALFORMED[flaw], kept_pki.now)
    assert answer.error is OCSPResponseStatus.MALFORMED_REQUEST
    assert answer.der == bytes.fromhex("30030a0101")


def test_the_requests_from_which_the_flaws_are_made_are_answered(kept_pki: Pki) -> None:
    for message in (WELL, request_with(nonce_of(128)), request_with(extension("1.2.3.4", der.NULL))):
        assert answered(kept_pki, message).certificate_status is OCSPCertStatus.UNKNOWN


def test_a_certid_with_another_hash_is_not_for_us(kept_pki: Pki) -> None:
    answer = responder(kept_pki).respond(ask(kept_pki, algorithm=SHA384), kept_pki.now)
    assert answer.error is OCSPResponseStatus.UNAUTHORIZED


@pytest.mark.long
@settings(max_examples=200, deadline=None)
@given(st.data())
def test_an_altered_request_is_answered_whatever_it_is(kept_pki: Pki, data: st.DataObject) -> None:
    message = bytearray(ask(kept_pki, nonce=b"12345678"))
    for _ in range(data.draw(st.integers(1, 3))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    load_der_ocsp_response(responder(kept_pki).respond(bytes(message), kept_pki.now).der)


@settings(max_examples=200, deadline=None)
@given(message=st.binary(max_size=200))
def test_random_bytes_are_malformed(kept_pki: Pki, message: bytes) -> None:
    answer = responder(kept_pki).respond(message, kept_pki.now)
    assert answer.error is OCSPResponseStatus.MALFORMED_REQUEST


def test_trouble_with_our_own_key_or_certificate_is_an_internal_error(pki: Pki) -> None:
    class Broken:
        public_key = pki.keys["ocsp"].public_key

        def sign(self, data: bytes) -> bytes:
            raise CustodyError("令牌不在", "the token is gone")

        sign_digest = sign

    broken = OcspResponder([replace(authority(pki), key=Broken())], pki.public)
    assert broken.respond(ask(pki), pki.now).error is OCSPResponseStatus.INTERNAL_ERROR
    later = pki.certificates["ocsp"].not_valid_after_utc
    pki.publish_crl("issuing", made=later)
    service = responder(pki)
    for message in (ask(pki), make_request(pki, 0x1234), WELL):
        assert service.respond(message, later).error is OCSPResponseStatus.INTERNAL_ERROR
    with pytest.raises(CustodyError, match="not in its term"):
        service.require_current(later)


def test_pkilint_finds_nothing_above_notice(pki: Pki) -> None:
    service = responder(pki)
    pki.revoke(pki.certificates["timestamp"].serial_number)
    for algorithm in HASHES:
        for nonce in (None, bytes(32)):
            messages = [ask(pki, name, algorithm=algorithm, nonce=nonce) for name in ("seal", "timestamp")]
            for message in (*messages, make_request(pki, 7, algorithm)):
                assert lint_ocsp(service.respond(message, pki.now).der) == []


def test_the_linter_finds_a_term_that_ends_before_it_begins(kept_pki: Pki) -> None:
    encoded = responder(kept_pki).respond(ask(kept_pki), kept_pki.now).der
    ends = f"{kept_pki.now + LASTS:%Y%m%d%H%M%S}Z".encode()
    before = f"{kept_pki.now - timedelta(days=9):%Y%m%d%H%M%S}Z".encode()
    assert lint_ocsp(encoded.replace(ends, before)) != []
