"""Services over the newest keys: each is opened by itself, and a lost key stops no other."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.ocsp import OCSPCertStatus, OCSPRequestBuilder, OCSPResponseStatus, load_der_ocsp_response
from timestamp_queries import query
from trust_app import ROOT

from certsvc.authorities import AGAIN, trust_services
from certsvc.authority.ceremony import hold_ceremony, open_authority
from certsvc.authority.later import LaterPlan, RevocationPlan, hold_later
from certsvc.custody.secret import make_secret_file
from certsvc.domain.revocation import Reason
from certsvc.errors import CustodyError, SettingsError, TimestampUnavailable, Unavailable
from certsvc.http.trust import TrustServices
from certsvc.log import open_log
from certsvc.settings import Settings, load_settings

PLAN = ROOT / "keys" / "ceremonies" / "demonstration.toml"
NOW = datetime.now(UTC).replace(microsecond=0)
READY = {"status": "ready"}


@pytest.fixture
def office(tmp_path: Path) -> Settings:
    """An authority after its first ceremony."""
    home = tmp_path / "home"
    settings = load_settings({"CERTSVC_HOME": str(home)})
    make_secret_file(home / "secrets" / "passphrase")
    hold_ceremony(PLAN, home, settings.secret, NOW, settings.public_url)
    open_authority(home, settings.secret, NOW)
    return settings


def key_file(office: Settings, name: str) -> Path:
    """Where a key lies."""
    return office.home / "authority" / "keys" / f"{name}.key"


def lose(office: Settings, name: str) -> Path:
    """The key is taken away; where to."""
    return key_file(office, name).rename(office.home / f"{name}.away")


def roll(office: Settings, *names: str) -> None:
    """A later ceremony makes the next generation."""
    plan = LaterPlan("next", "演练 rehearsal", "陈主管", "林副主管", names, (), False)
    hold_later(plan, office.home, office.secret, NOW)


def opened(office: Settings) -> TrustServices:
    """The services as a role has them."""
    return trust_services(office, NOW, open_log())


def status(office: Settings, services: TrustServices, now: datetime, name: str = "seal-market") -> object:
    """What OCSP says of a certificate."""
    authority = open_authority(office.home, office.secret, now)
    issuer = authority.certificate(authority.issuer_name(name))
    request = OCSPRequestBuilder().add_certificate(authority.certificate(name), issuer, SHA256()).build()
    answer = services.ocsp(now).respond(request.public_bytes(Encoding.DER), now)
    return answer.error or load_der_ocsp_response(answer.der).certificate_status


def stamps(services: TrustServices, now: datetime) -> bool:
    """Whether a timestamp can be had."""
    responder = services.timestamps(now)
    return responder is not None and responder.respond(query(), now).failure is None


def logged(capsys: pytest.CaptureFixture[str]) -> list[Mapping[str, str]]:
    """The lines since the last look."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_with_both_keys_both_services_answer(office: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    services = opened(office)
    assert services.require_ready(NOW).items() >= READY.items()
    assert stamps(services, NOW)
    assert status(office, services, NOW) is OCSPCertStatus.GOOD
    assert logged(capsys) == []


@pytest.mark.long
def test_a_lost_timestamp_key_stops_timestamps_alone_until_it_is_back(
    office: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    away = lose(office, "timestamp")
    services = opened(office)
    for seconds in range(20):
        now = NOW + timedelta(seconds=seconds)
        assert not stamps(services, now)
        assert status(office, services, now) is OCSPCertStatus.GOOD
    with pytest.raises(Unavailable, match="The timestamp key cannot be used") as caught:
        services.require_ready(NOW)
    assert "OCSP" not in str(caught.value)
    (line,) = logged(capsys)
    assert (line["event"], line["level"], line["key"], line["code"]) == (
        "key_out_of_order",
        "error",
        "timestamp",
        "key_unusable",
    )
    assert "timestamp.key" in line["en"] and "timestamp.key" in line["zh"]
    assert 'roll = ["timestamp"]' in line["do_en"] and "keys/LOSS.md" in line["do_zh"]
    assert (office.home / "secrets" / "passphrase").read_text().strip() not in json.dumps(line)
    away.rename(key_file(office, "timestamp"))
    assert stamps(services, NOW + 2 * timedelta(seconds=20))
    assert [(line["event"], line["key"]) for line in logged(capsys)] == [("key_in_order", "timestamp")]


@pytest.mark.long
def test_a_lost_ocsp_key_stops_ocsp_alone_until_it_is_back(
    office: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    away = lose(office, "ocsp")
    services = opened(office)
    for seconds in range(20):
        now = NOW + timedelta(seconds=seconds)
        assert status(office, services, now) is OCSPResponseStatus.TRY_LATER
        assert stamps(services, now)
    assert services.ocsp(NOW).respond(b"nonsense", NOW).error is OCSPResponseStatus.MALFORMED_REQUEST
    with pytest.raises(Unavailable, match="The OCSP key cannot be used"):
        services.require_ready(NOW)
    (line,) = logged(capsys)
    assert (line["event"], line["key"]) == ("key_out_of_order", "ocsp")
    away.rename(key_file(office, "ocsp"))
    assert status(office, services, NOW + 2 * timedelta(seconds=20)) is OCSPCertStatus.GOOD
    assert [(line["event"], line["key"]) for line in logged(capsys)] == [("key_in_order", "ocsp")]


def test_a_lost_key_is_said_when_the_role_starts(office: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("timestamp", "ocsp"):
        lose(office, name)
    opened(office)
    assert {line["key"] for line in logged(capsys)} == {"timestamp", "ocsp"}


def test_health_names_everything_that_is_out_of_order(office: Settings) -> None:
    for name in ("timestamp", "ocsp"):
        lose(office, name)
    with pytest.raises(Unavailable, match=r"timestamp key cannot.*OCSP key cannot"):
        opened(office).require_ready(NOW)


@pytest.mark.long
@pytest.mark.parametrize("name", ["timestamp", "ocsp"])
def test_the_next_generation_of_a_lost_key_is_taken_up_at_once(office: Settings, name: str) -> None:
    lose(office, name)
    services = opened(office)
    with pytest.raises(Unavailable):
        services.require_ready(NOW)
    roll(office, name)
    assert services.require_ready(NOW).items() >= READY.items()


def test_a_key_that_is_lost_while_its_next_generation_is_made_stops_its_service_alone(office: Settings) -> None:
    services = opened(office)
    assert stamps(services, NOW)
    roll(office, "timestamp")
    away = lose(office, "timestamp.2")
    assert not stamps(services, NOW)
    assert status(office, services, NOW) is OCSPCertStatus.GOOD
    away.rename(key_file(office, "timestamp.2"))
    assert stamps(services, NOW + AGAIN)


def test_another_key_under_the_name_is_not_used_and_the_right_one_is_when_it_is_back(office: Settings) -> None:
    away = lose(office, "timestamp")
    key_file(office, "timestamp").write_bytes(key_file(office, "list").read_bytes())
    os.chmod(key_file(office, "timestamp"), 0o600)
    services = opened(office)
    assert not stamps(services, NOW)
    away.rename(key_file(office, "timestamp"))
    assert stamps(services, NOW + AGAIN)


def test_an_authority_whose_responder_has_no_key_gets_try_later_and_no_other_answers_for_it(office: Settings) -> None:
    roll(office, "issuing", "ocsp", "seal-market")
    away = lose(office, "ocsp")
    services = opened(office)
    assert status(office, services, NOW, "seal-market.2") is OCSPCertStatus.GOOD
    assert status(office, services, NOW, "seal-market") is OCSPResponseStatus.TRY_LATER
    same = services.ocsp(NOW)
    assert services.ocsp(NOW + AGAIN) is same  # nothing came back: what it keeps in memory stays
    away.rename(key_file(office, "ocsp"))
    assert status(office, services, NOW + 2 * AGAIN, "seal-market") is OCSPCertStatus.GOOD


def test_a_file_of_clients_that_cannot_be_used_is_said_at_the_start(office: Settings) -> None:
    clients = office.home / "clients"
    named = {"CERTSVC_HOME": str(office.home), "CERTSVC_TIMESTAMP_CLIENTS": f"file:{clients}"}
    with pytest.raises(CustodyError, match="clients"):
        opened(load_settings(named))
    clients.touch(0o600)
    clients.write_text("registry no-digest\n")
    with pytest.raises(SettingsError, match="Line 1"):
        opened(load_settings(named))


def test_under_a_revoked_certificate_no_timestamp_is_given_until_the_next_is_made(office: Settings) -> None:
    services = opened(office)
    assert services.timestamps(NOW) is not None
    revoke = (RevocationPlan("timestamp", Reason.KEY_COMPROMISE),)
    hold_later(LaterPlan("stolen", "失窃", "陈主管", "林副主管", (), revoke), office.home, office.secret, NOW)
    assert services.timestamps(NOW) is None
    with pytest.raises(TimestampUnavailable, match="is revoked"):
        _ = open_authority(office.home, office.secret, NOW).timestamper
    roll(office, "timestamp")
    assert services.timestamps(NOW + AGAIN) is not None
    open_authority(office.home, office.secret, NOW).timestamper.timestamp(bytes(32), NOW)


def test_who_seals_for_long_takes_the_next_timestamp_key_without_a_restart(office: Settings) -> None:
    authority = open_authority(office.home, office.secret, NOW)
    first = authority.timestamper
    assert authority.timestamper is first
    roll(office, "timestamp")
    assert authority.timestamper is not first
