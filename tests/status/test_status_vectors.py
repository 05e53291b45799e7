"""The published vectors of status lists: with anchors and with verifier.json, each leads to what it says."""

import json
import subprocess
import sys
import tracemalloc
import zlib
from datetime import timedelta
from pathlib import Path

import pytest
from status_vectors import FOLDER, KEYS, Vector, anchors, instant, keys_file, list_of, published, vectors

from certsvc.domain.status_list import LIST_BYTES, ListedState, decompress
from certsvc.domain.token import parse_digits
from certsvc.errors import TrustListInvalid
from certsvc.verify.anchors import Anchors
from certsvc.verify.offline import check_offline, name_of_list, offline_json
from certsvc.verify.offline_keys import OfflineKeys, read_keys_file

GOOD, BAD = vectors("good"), vectors("bad")
ALL = {**{f"good/{name}": one for name, one in GOOD.items()}, **{f"bad/{name}": one for name, one in BAD.items()}}


@pytest.fixture(params=list(ALL))
def vector(request: pytest.FixtureRequest) -> Vector:
    return ALL[request.param]


def found(vector: Vector, keys: OfflineKeys | Anchors) -> Vector:
    """What a reader with these keys finds, as a vector says it."""
    said = offline_json(check_offline(vector["qr"], keys, list_of(vector), instant(vector["now"])))
    return {
        "verdict": said["verdict"],
        "token": said["token"]["outcome"],
        "token_reason": said["token"]["reason"],
        "term": said["term"],
        "state": said["state"],
        "list": said["list"]["reason"],
        "age_s": said["list"]["age_s"],
    }


def test_a_reader_of_x509_finds_what_the_vector_says(vector: Vector) -> None:
    assert found(vector, anchors(vector["keys"])) == vector["expected"]


def test_a_page_with_verifier_json_finds_the_same(vector: Vector) -> None:
    assert found(vector, published(vector["keys"])) == vector["expected"]


def test_no_flawed_vector_is_valid_and_none_names_a_state() -> None:
    assert {one["expected"]["verdict"] for one in BAD.values()} == {"undetermined", "not_valid"}
    assert {one["expected"]["state"] for one in BAD.values()} == {None}


def test_every_state_and_every_reason_has_a_vector() -> None:
    assert {one["expected"]["state"] for one in GOOD.values()} == {state.word for state in ListedState}
    text = (FOLDER / "README.md").read_text("utf-8")
    reasons = {one["expected"]["list"] for one in ALL.values()}
    table = text.partition("| `list` | what was wrong |")[2].partition("\n\n")[0]
    named = {line.split("`")[1] for line in table.splitlines()[2:]}
    assert named == reasons - {"read", "not_looked_at"} | {"list_too_large"}


def test_what_cannot_be_known_is_always_said() -> None:
    said = {
        name: offline_json(check_offline(one["qr"], anchors("ours"), list_of(one), instant(one["now"])))["cannot_know"]
        for name, one in GOOD.items()
    }
    assert said["valid"] == ["register", "since_list", "paper"]
    assert said["conditional"] == said["renewal-pending"] == ["register", "since_list", "condition", "paper"]
    assert said["no-statement"] == ["register", "state", "since_list", "paper"]
    without = GOOD["valid"] | {"list": None}
    report = check_offline(without["qr"], anchors("ours"), None, instant(without["now"]))
    assert offline_json(report)["cannot_know"] == ["register", "state", "paper"]


def test_a_list_larger_than_any_of_ours_is_not_looked_at() -> None:
    one = GOOD["valid"]
    large = (one["list"] + "A" * (1 << 20)).encode()
    report = check_offline(one["qr"], anchors("ours"), large, instant(one["now"]))
    assert report.listed is not None and report.listed.reason == "list_too_large"


@pytest.mark.long
def test_a_bomb_is_not_unpacked_further_than_a_list_is_long() -> None:
    bomb = zlib.compress(bytes(64 << 20), 9)
    tracemalloc.start()
    with pytest.raises(ValueError, match="too large"):
        decompress(bomb)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 4 * LIST_BYTES


def test_of_a_token_that_is_not_ours_nothing_is_shown() -> None:
    for name in ("token-of-a-stranger", "token-altered", "token-of-a-stolen-key", "qr-of-something-else"):
        one = BAD[name]
        said = offline_json(check_offline(one["qr"], anchors(one["keys"]), list_of(one), instant(one["now"])))
        assert said["claims"] is None and said["list"]["name"] is None, name


def test_the_name_of_a_list_is_that_of_the_quarter_in_china() -> None:
    token = parse_digits(GOOD["first-second-of-the-quarter"]["qr"].rpartition("/")[2])
    assert token.claims.issued_at.month == 9 and name_of_list(token.claims) == "101-2026q4"


# ---- the file of keys ----


def signed() -> bytes:
    return json.dumps(keys_file("verifier-jws")).encode()


def test_the_file_of_keys_is_read_as_it_was_signed() -> None:
    now = instant(GOOD["valid"]["now"])
    assert read_keys_file(signed(), anchors("ours"), now) == published("ours")


def test_a_file_of_keys_is_refused_when_altered_old_older_or_by_another_key() -> None:
    now = instant(GOOD["valid"]["now"])
    jws = dict(keys_file("verifier-jws"))
    altered = json.dumps(jws | {"payload": jws["payload"][:-4] + "AAAA"}).encode()
    header, payload, signature = GOOD["valid"]["list"].split(".")
    a_list = json.dumps({"protected": header, "payload": payload, "signature": signature}).encode()
    sequence = published("ours").sequence
    for data, when, least in (
        (altered, now, 0),
        (a_list, now, 0),
        (b"{}", now, 0),
        (signed(), now + timedelta(days=8), 0),
        (signed(), now, sequence + 1),
    ):
        with pytest.raises(TrustListInvalid):
            read_keys_file(data, anchors("ours"), when, least)


# ---- the generator ----


@pytest.mark.long
def test_the_generator_makes_the_same_vectors_with_other_keys(tmp_path: Path) -> None:
    command = [sys.executable, str(FOLDER / "make_status_vectors.py"), str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    for kind, committed in (("good", GOOD), ("bad", BAD)):
        made = {path.stem: json.loads(path.read_text("utf-8")) for path in (tmp_path / kind).glob("*.json")}
        assert {name: one["expected"] for name, one in made.items()} == {
            name: one["expected"] for name, one in committed.items()
        }
    assert {path.stem for path in (tmp_path / "keys").glob("*.json")} == {*KEYS, "verifier-jws"}
