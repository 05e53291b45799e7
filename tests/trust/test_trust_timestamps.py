"""The timestamp service without HTTP: what is granted, what is rejected and how, and when there is no time."""

import hashlib
from collections.abc import Iterable
from datetime import timedelta, timezone
from typing import Any

import pytest
from asn1crypto import cms, core, tsp
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st
from timestamp_queries import DIGEST, FALSE, FLAWED, SHA256, SHA384, SHA512, imprint, query
from trust_pki import Pki, make_pki

from certsvc import der
from certsvc.authority.clock import SETTLED, Clock, Reading
from certsvc.authority.timestamp_request import Failure
from certsvc.authority.timestamp_responder import SYSTEM_CLOCK, TimestampResponder
from certsvc.authority.timestamps import POLICY, REQUEST, LocalTimestamper, PunctualTimestamper, TokenMaker
from certsvc.errors import CustodyError, TimestampUnavailable

SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """Certificates and keys."""
    return make_pki(tmp_path_factory.mktemp("trust"))


def maker(pki: Pki) -> TokenMaker:
    """A token maker of the test's own."""
    return TokenMaker(pki.keys["timestamp"], pki.certificates["timestamp"], (pki.certificates["issuing"],))


def clock(*, synchronised: bool = True, demonstration: bool = False, seen: Iterable[Reading] = ()) -> Clock:
    """A clock that reads as told; without a list it is good for ever."""
    readings = iter(seen)
    still = Reading(10 * SECOND, 5 * SECOND, synchronised)
    return Clock(unsafe_unsynchronised=demonstration, read=lambda: next(readings, still))


def responder(pki: Pki, **told: Any) -> TimestampResponder:
    """A responder with that clock."""
    return TimestampResponder(maker(pki), clock(**told))


class TimeStampResp(core.Sequence):  # type: ignore[misc]
    """RFC 3161 section 2.4.2; asn1crypto's own has no replies without a token."""

    _fields = [("status", tsp.PKIStatusInfo), ("time_stamp_token", cms.ContentInfo, {"optional": True})]  # noqa: RUF012


def read(reply: bytes) -> Any:
    """The reply as asn1crypto reads it."""
    return TimeStampResp.load(reply, strict=True)


def info_of(reply: bytes) -> Any:
    """The TSTInfo of a granted reply."""
    response = read(reply)
    assert response["status"]["status"].native == "granted"
    content = response["time_stamp_token"]["content"]["encap_content_info"]["content"]
    return tsp.TSTInfo.load(content.contents, strict=True)


@pytest.mark.parametrize(("algorithm", "size"), [(SHA256, 32), (SHA384, 48), (SHA512, 64)])
@pytest.mark.parametrize("parameters", [der.NULL, b""], ids=["null", "absent"])
def test_the_imprint_comes_back_as_it_was_sent(pki: Pki, algorithm: str, size: int, parameters: bytes) -> None:
    sent = imprint(algorithm, bytes(range(size)), parameters)
    info = info_of(responder(pki).respond(query(of=sent), pki.now).der)
    assert info["message_imprint"].dump() == sent
    assert info["gen_time"].native == pki.now


@pytest.mark.parametrize(
    "nonce",
    [
        pytest.param("0201 00", id="zero"),
        pytest.param("0208 1122334455667788", id="64-bits"),
        pytest.param("0204 80000000", id="negative-as-random-bytes-may-be"),
        pytest.param("028180 7f" + "11" * 127, id="128-octets"),
    ],
)
def test_the_nonce_comes_back_as_it_was_sent(pki: Pki, nonce: str) -> None:
    sent = bytes.fromhex(nonce)
    assert info_of(responder(pki).respond(query(sent), pki.now).der)["nonce"].dump() == sent


@pytest.mark.long
def test_a_reply_written_again_by_another_program_is_the_same(pki: Pki) -> None:
    for message in (query(der.integer(7), der.TRUE), query(), b""):
        reply = responder(pki, synchronised=False, demonstration=True).respond(message, pki.now).der
        assert read(reply).copy().dump(force=True) == reply


def test_without_a_nonce_there_is_none(pki: Pki) -> None:
    assert info_of(responder(pki).respond(query(), pki.now).der)["nonce"].native is None


@pytest.mark.parametrize(("asked", "count"), [(der.TRUE, 2), (FALSE, 0), (b"", 0)], ids=["true", "false", "absent"])
def test_certificates_come_only_when_asked_for(pki: Pki, asked: bytes, count: int) -> None:
    token = read(responder(pki).respond(query(asked), pki.now).der)["time_stamp_token"]["content"]
    assert len(token["certificates"]) == count
    (signer,) = token["signer_infos"]
    named = {attribute["type"].native: attribute["values"] for attribute in signer["signed_attrs"]}
    (identifier,) = named["signing_certificate_v2"][0]["certs"]
    own = pki.certificates["timestamp"].public_bytes(Encoding.DER)
    assert identifier["cert_hash"].native == hashlib.sha256(own).digest()


def test_our_policy_may_be_asked_for(pki: Pki) -> None:
    reply = responder(pki).respond(query(der.object_identifier(POLICY)), pki.now)
    assert info_of(reply.der)["policy"].native == POLICY


@pytest.mark.parametrize("flaw", FLAWED)
def test_a_flawed_request_is_rejected_with_the_reason(pki: Pki, flaw: str) -> None:
    message, failure = FLAWED[flaw]
    reply = responder(pki).respond(message, pki.now)
    assert reply.failure is failure
    response = read(reply.der)
    status = response["status"]
    assert status["status"].native == "rejection"
    assert {name.removesuffix("s") for name in status["fail_info"].native} == {failure.name.lower()}
    chinese, english = (text.native for text in status["status_string"])
    assert not chinese.isascii() and english.isascii()
    assert response["time_stamp_token"].native is None


@pytest.mark.long
@settings(max_examples=200, deadline=None)
@given(st.data())
def test_an_altered_request_is_answered_whatever_it_is(pki: Pki, data: st.DataObject) -> None:
    message = bytearray(query(der.object_identifier(POLICY), der.integer(7), der.TRUE))
    for _ in range(data.draw(st.integers(1, 3))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    reply = responder(pki).respond(bytes(message), pki.now)
    assert (read(reply.der)["status"]["status"].native == "granted") is (reply.failure is None)


@given(message=st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_random_bytes_are_rejected(pki: Pki, message: bytes) -> None:
    assert responder(pki).respond(message, pki.now).failure is Failure.BAD_DATA_FORMAT


def test_a_clock_that_is_not_synchronised_gives_no_token(pki: Pki) -> None:
    reply = responder(pki, synchronised=False).respond(query(), pki.now)
    assert reply.failure is Failure.TIME_NOT_AVAILABLE
    assert read(reply.der)["status"]["fail_info"].native == {"time_not_available"}


def test_a_demonstration_says_that_its_time_is_the_system_clocks(pki: Pki) -> None:
    reply = responder(pki, synchronised=False, demonstration=True).respond(query(), pki.now)
    (text,) = read(reply.der)["status"]["status_string"]
    assert text.native == SYSTEM_CLOCK == "system clock 系统时钟"
    assert info_of(reply.der)["gen_time"].native == pki.now
    kept = responder(pki, demonstration=True).respond(query(), pki.now)
    assert read(kept.der)["status"]["status_string"].native is None


@pytest.mark.parametrize("demonstration", [False, True])
@pytest.mark.parametrize("leap", [-3600, -3, 3, 3600])
def test_after_a_jump_there_is_no_token_until_the_clock_has_settled(pki: Pki, leap: int, demonstration: bool) -> None:
    settled = int(SETTLED.total_seconds())
    boots = [0, 10, 20, 20 + settled - 1, 20 + settled, 200]
    seen = [Reading((1000 + boot + (leap if boot >= 20 else 0)) * SECOND, boot * SECOND, True) for boot in boots]
    service = responder(pki, seen=seen, demonstration=demonstration)
    failures = [service.respond(query(), pki.now).failure for _ in boots]
    assert failures == [None, None, Failure.TIME_NOT_AVAILABLE, Failure.TIME_NOT_AVAILABLE, None, None]


def test_time_that_runs_backwards_is_no_time(pki: Pki) -> None:
    service = responder(pki)
    assert service.respond(query(), pki.now).failure is None
    assert service.respond(query(), pki.now - timedelta(days=1)).failure is Failure.TIME_NOT_AVAILABLE


def test_a_key_that_fails_is_a_failure_of_the_system_and_its_trouble_stays_here(pki: Pki) -> None:
    class Broken:
        public_key = pki.keys["timestamp"].public_key

        def sign(self, data: bytes) -> bytes:
            raise CustodyError("令牌 /dev/slot7 不在", "the token in /dev/slot7 is gone")

        sign_digest = sign

    broken = TokenMaker(Broken(), pki.certificates["timestamp"], (pki.certificates["issuing"],))
    reply = TimestampResponder(broken, clock()).respond(query(), pki.now)
    assert reply.failure is Failure.SYSTEM_FAILURE
    assert b"slot7" not in reply.der


def test_serial_numbers_differ_and_time_never_falls(pki: Pki) -> None:
    service = responder(pki)
    moments = [pki.now + timedelta(seconds=seconds) for seconds in (0, 9, 4, 9, 5, 20)]
    infos = [info_of(service.respond(query(), moment).der).native for moment in moments]
    assert len({info["serial_number"] for info in infos}) == len(infos)
    times = [info["gen_time"] for info in infos]
    assert times == sorted(times)


def test_seals_in_this_process_stand_under_the_same_guard(pki: Pki) -> None:
    def token(**told: Any) -> bytes:
        return LocalTimestamper(maker(pki), clock(**told)).timestamp(DIGEST, pki.now)

    content = cms.ContentInfo.load(token(), strict=True)["content"]
    assert len(content["certificates"]) == 2
    with pytest.raises(TimestampUnavailable, match="not synchronised"):
        token(synchronised=False)
    assert token(synchronised=False, demonstration=True)
    jumping = clock(seen=[Reading(0, 0, True), Reading(9 * SECOND, SECOND, True)], demonstration=True)
    timestamper = LocalTimestamper(maker(pki), jumping)
    timestamper.timestamp(DIGEST, pki.now)
    with pytest.raises(TimestampUnavailable, match="jumped"):
        timestamper.timestamp(DIGEST, pki.now)


@pytest.mark.parametrize("way", [-1, 1], ids=["behind", "ahead"])
def test_a_time_further_from_the_clock_than_the_token_says_is_not_put_under_a_seal(pki: Pki, way: int) -> None:
    def token(apart: timedelta) -> bytes:
        local = LocalTimestamper(maker(pki), clock())
        return PunctualTimestamper(local, lambda: pki.now - way * apart).timestamp(DIGEST, pki.now)

    content = cms.ContentInfo.load(token(REQUEST), strict=True)["content"]["encap_content_info"]["content"]
    info = tsp.TSTInfo.load(content.contents, strict=True)
    assert (info["gen_time"].native, info["accuracy"]["seconds"].native) == (pki.now, REQUEST.total_seconds())
    with pytest.raises(TimestampUnavailable, match="more than 60 s from the clock"):
        token(REQUEST + timedelta(milliseconds=1))


def test_the_time_is_an_instant_in_whole_seconds(pki: Pki) -> None:
    beijing = pki.now.astimezone(timezone(timedelta(hours=8))).replace(microsecond=999_999)
    encoded = info_of(responder(pki).respond(query(), beijing).der)["gen_time"].contents
    assert encoded == f"{pki.now:%Y%m%d%H%M%S}Z".encode()


def test_a_certificate_out_of_its_term_gives_no_token(pki: Pki) -> None:
    own = pki.certificates["timestamp"]
    for moment in (own.not_valid_before_utc - timedelta(seconds=1), own.not_valid_after_utc + timedelta(seconds=1)):
        assert responder(pki).respond(query(), moment).failure is Failure.TIME_NOT_AVAILABLE
        with pytest.raises(TimestampUnavailable, match="not in its term"):
            LocalTimestamper(maker(pki), clock()).timestamp(DIGEST, moment)
