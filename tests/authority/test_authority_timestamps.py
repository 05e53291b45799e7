"""Timestamp tokens: RFC 3161 to OpenSSL, and time that only grows."""

import hashlib
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms, tsp
from ceremonies import NOW, PLAN, make_home
from cryptography.hazmat.primitives.serialization import Encoding

from certsvc.authority.authority import Authority
from certsvc.authority.founding import throw_away_authority
from certsvc.authority.plan import load_plan
from certsvc.authority.timestamps import POLICY, REQUEST
from certsvc.errors import TimestampUnavailable

DIGEST = hashlib.sha256(b"a signature").digest()


def make(tmp_path: Path, algorithm: str = "p256") -> Authority:
    """An authority in memory."""
    _, plan = make_home(tmp_path, f'algorithm = "{algorithm}"\n{PLAN}')
    return throw_away_authority(load_plan(plan), NOW)


def info_of(token: bytes) -> Any:
    """The TSTInfo of a token."""
    content = cms.ContentInfo.load(token, strict=True)["content"]
    assert content["encap_content_info"]["content_type"].native == "tst_info"
    return tsp.TSTInfo.load(content["encap_content_info"]["content"].contents, strict=True)


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("algorithm", ["p256", "rsa3072"])
def test_openssl_verifies_a_token_and_refuses_it_for_another_digest_or_root(algorithm: str, tmp_path: Path) -> None:
    authority, other = make(tmp_path, algorithm), make(tmp_path)
    (tmp_path / "token").write_bytes(authority.timestamper.timestamp(DIGEST, NOW))
    for name, found in (("root", authority), ("other", other)):
        root = found.certificate("root")
        (tmp_path / name).write_bytes(root.public_bytes(Encoding.PEM))
    assert verify(tmp_path, DIGEST, "root") == 0
    assert verify(tmp_path, bytes(32), "root") != 0
    assert verify(tmp_path, DIGEST, "other") != 0


def verify(folder: Path, digest: bytes, root: str) -> int:
    """What `openssl ts -verify` ends with."""
    command = ["openssl", "ts", "-verify", "-digest", digest.hex(), "-token_in", "-in", str(folder / "token")]
    trust = ["-CAfile", str(folder / root), "-attime", str(int(NOW.timestamp()))]
    return subprocess.run([*command, *trust], capture_output=True, check=False, timeout=60).returncode


def test_a_token_says_its_time_in_whole_seconds_policy_digest_and_how_exact_it_is(tmp_path: Path) -> None:
    now = NOW + timedelta(microseconds=999_999)
    info = info_of(make(tmp_path).timestamper.timestamp(DIGEST, now)).native
    assert info["gen_time"] == NOW
    assert info["policy"] == POLICY
    assert info["message_imprint"] == {
        "hash_algorithm": {"algorithm": "sha256", "parameters": None},
        "hashed_message": DIGEST,
    }
    assert info["accuracy"]["seconds"] == REQUEST.total_seconds()
    assert not info["ordering"]


def test_no_two_tokens_have_the_same_serial_number(tmp_path: Path) -> None:
    timestamper = make(tmp_path).timestamper
    serials = {info_of(timestamper.timestamp(DIGEST, NOW))["serial_number"].native for _ in range(50)}
    assert len(serials) == 50
    assert min(serials) > 0


def test_a_clock_that_runs_backwards_gets_no_token(tmp_path: Path) -> None:
    timestamper = make(tmp_path).timestamper
    timestamper.timestamp(DIGEST, NOW)
    for behind in (REQUEST + timedelta(seconds=1), timedelta(days=400)):
        with pytest.raises(TimestampUnavailable, match="backwards"):
            timestamper.timestamp(DIGEST, NOW - behind)
    assert info_of(timestamper.timestamp(DIGEST, NOW)).native["gen_time"] == NOW


def test_requests_that_overtake_each_other_get_tokens_whose_time_never_falls(tmp_path: Path) -> None:
    timestamper = make(tmp_path).timestamper
    began = [0, 5, 3, 4, 9, 1, 9, 12, 0]
    times = [
        info_of(timestamper.timestamp(DIGEST, NOW + timedelta(seconds=seconds))).native["gen_time"] for seconds in began
    ]
    assert times == sorted(times)
    assert [(time - NOW).total_seconds() for time in times] == [0, 5, 5, 5, 9, 9, 9, 12, 12]


def test_the_time_is_utc_wherever_the_request_comes_from(tmp_path: Path) -> None:
    beijing = datetime.fromisoformat("2026-11-24T10:00:07+08:00")
    info = info_of(make(tmp_path).timestamper.timestamp(DIGEST, beijing)).native
    assert info["gen_time"] == datetime(2026, 11, 24, 2, 0, 7, tzinfo=UTC)
