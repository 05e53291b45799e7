"""Later ceremonies: new generations while old documents stay valid; once; interrupted, they go on."""

import gc
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from ceremonies import NOW, hold, make_home, open_held, secret
from chosen import ONE_IN
from cryptography import x509
from linted import lint_certificate, lint_chain, lint_crl

from certsvc.authority.later import LaterPlan, hold_later, load_later_plan
from certsvc.errors import CeremonyError, CustodyError
from certsvc.verify.anchors import AnchorFolder

DAY = timedelta(days=1)
LATER = NOW + 30 * DAY
ROLLED = '"issuing", "timestamp", "ocsp", "list", "status", "receipt", "seal-*"'
ROLL = f"""\
id = "2027-issuing"
why = "签发密钥到期前更换"
by = "陈主管"
witness = "林副主管"
roll = [{ROLLED}]
"""
DRIVER = Path(__file__).with_name("troubled_later.py")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An authority with one seal and a token key."""
    home, plan = make_home(tmp_path)
    hold(home, plan)
    open_held(home).token_key(NOW)
    return home


def later(home: Path, text: str = ROLL) -> Path:
    """Hold a later ceremony; its transcript."""
    return hold_later(plan_of(home, text), home, secret(home), LATER)


def plan_of(home: Path, text: str = ROLL) -> LaterPlan:
    """The plan, through a file."""
    path = home.parent / "later.toml"
    path.write_text(text, encoding="utf-8")
    return load_later_plan(path)


def test_new_generations_stand_under_the_new_authority_and_the_old_ones_stay(home: Path) -> None:
    before = {name: open_held(home).certificate(name) for name in open_held(home).names}
    later(home)
    authority = open_held(home, LATER)
    made = set(authority.names) - before.keys()
    assert made == {"issuing.2", "timestamp.2", "ocsp.2", "list.2", "status.2", "receipt.2", "seal-fire.2"}
    for name in made:
        issuer = "root" if name == "issuing.2" else "issuing.2"
        assert authority.issuer_name(name) == issuer
        assert lint_certificate(authority.certificate(name)) == [], name
        assert lint_chain(authority.certificate(issuer), authority.certificate(name)) == [], name
    assert {name: authority.certificate(name) for name in before} == before
    assert authority.certificate("seal-fire.2").subject == before["seal-fire"].subject
    assert authority.certificate("seal-fire.2").public_key() != before["seal-fire"].public_key()
    assert authority.sealing("fire").certificate == authority.certificate("seal-fire.2")
    for name in ("root", "issuing", "issuing.2"):
        assert lint_crl((home / "public" / "crl" / f"{name}.crl").read_bytes()) == [], name


def test_validation_data_holds_the_chain_and_crls_that_are_needed_and_no_more(home: Path) -> None:
    later(home)
    authority = open_held(home, LATER)
    data = authority.validation_data("fire", LATER)
    names = {name for name in authority.names if encoded(authority.certificate(name)) in data.certificates}
    assert names == {"root", "issuing.2", "timestamp.2", "seal-fire.2"}
    assert [x509.load_der_x509_crl(crl).issuer for crl in data.crls] == [
        authority.certificate(name).subject for name in ("root", "issuing.2")
    ]


def encoded(certificate: x509.Certificate) -> bytes:
    """As it stands in validation data."""
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.DER)


def test_a_token_key_has_a_next_generation_within_its_quarter(home: Path) -> None:
    authority = open_held(home)
    first, _ = authority.token_key(NOW)
    hold_later(
        plan_of(
            home,
            ROLL.replace(f"[{ROLLED}]", '["token-2026q4"]'),
        ),
        home,
        secret(home),
        NOW,
    )
    second, _ = authority.token_key(NOW)
    assert first != second
    terms = [authority.certificate(name) for name in ("token-2026q4", "token-2026q4.2")]
    assert len({(term.not_valid_before_utc, term.not_valid_after_utc) for term in terms}) == 1
    anchors = AnchorFolder(home / "public").current()
    assert {first, second} == set(anchors.token_keys)


def test_a_new_root_is_an_anchor_beside_the_old_one(home: Path) -> None:
    later(home, ROLL.replace('"issuing"', '"root", "issuing"').replace("2027-issuing", "2027-root"))
    authority, anchors = open_held(home, LATER), AnchorFolder(home / "public").current()
    assert anchors.roots == (authority.certificate("root"), authority.certificate("root.2"))
    assert authority.issuer_name("issuing.2") == "root.2"
    assert lint_crl((home / "public" / "crl" / "root.2.crl").read_bytes()) == []


def test_the_root_signs_its_next_crl_for_a_year(home: Path) -> None:
    text = ROLL.replace(f"roll = [{ROLLED}]", "root_crl = true")
    transcript = later(home, text)
    crl = x509.load_der_x509_crl((home / "public" / "crl" / "root.crl").read_bytes())
    assert crl.next_update_utc is not None and crl.next_update_utc - LATER >= 365 * DAY
    assert "root.crl" in transcript.read_text("utf-8")


def test_an_issuing_authority_is_revoked_in_the_roots_crl(home: Path) -> None:
    later(home)
    text = ROLL.replace("2027-issuing", "2027-revoke").replace(
        f"roll = [{ROLLED}]",
        '[[revoke]]\nname = "issuing"\nreason = "superseded"\n',
    )
    transcript = later(home, text)
    authority = open_held(home, LATER)
    crl = x509.load_der_x509_crl(authority.facts.root_crl("root"))
    assert [entry.serial_number for entry in crl] == [authority.certificate("issuing").serial_number]
    assert "superseded" in transcript.read_text("utf-8")


def test_without_the_roots_key_no_issuing_authority_is_made_and_it_goes_on_when_it_is_back(home: Path) -> None:
    medium = home.parent / "medium"
    (home / "authority" / "offline").rename(medium)
    with pytest.raises(CustodyError, match=r"root\.key"):
        later(home)
    assert "issuing.2" not in open_held(home, LATER).names
    transcript = hold_later(plan_of(home), home, secret(home), LATER, medium)
    assert "issuing.2" in open_held(home, LATER).names
    assert not (home / "authority" / "offline").exists()
    assert transcript.exists()


@pytest.mark.long
def test_held_again_it_changes_nothing_and_another_plan_of_its_name_is_refused(home: Path) -> None:
    transcript = later(home)
    gc.collect()  # a key that nobody has any more gives back the uses it had taken
    before = {path: path.read_bytes() for path in (home / "authority").rglob("*") if path.is_file()}
    assert hold_later(plan_of(home), home, secret(home), LATER + 90 * DAY) == transcript
    assert before == {path: path.read_bytes() for path in (home / "authority").rglob("*") if path.is_file()}
    with pytest.raises(CeremonyError, match="by another plan"):
        later(home, ROLL.replace("到期前更换", "例行更换"))


REVOKE = ROLL + '[[revoke]]\nname = "issuing"\nreason = "key_compromise"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(ROLL.replace("林副主管", "陈主管"), "two persons", id="one-person-alone"),
        pytest.param(ROLL.replace("roll =", "rolls ="), "rolls", id="unknown-key"),
        pytest.param(ROLL[: ROLL.index("roll")], "nothing to do", id="nothing-to-do"),
        pytest.param(ROLL.replace('"2027-issuing"', '"../x"'), "id", id="id-that-leads-elsewhere"),
        pytest.param(ROLL.replace("seal-*", "seal-water"), "seal-water", id="no-such-key"),
        pytest.param(ROLL + '[[revoke]]\nname = "issuing"\nreason = "boredom"\n', "boredom", id="no-such-reason"),
        pytest.param(REVOKE + "effective = 2026-11-01T00:00:00\n", "timezone", id="date-without-a-zone"),
        pytest.param(REVOKE + "effective = 2099-01-01T00:00:00Z\n", "to come", id="compromised-in-time-to-come"),
    ],
)
def test_a_wrong_plan_is_refused_with_what_is_wrong(text: str, words: str, home: Path) -> None:
    with pytest.raises(CeremonyError, match=words):
        later(home, text)
    assert not (home / "authority" / "ceremonies").exists()


def test_the_transcript_names_everything_made_and_both_witnesses(home: Path) -> None:
    text = later(home).read_text("utf-8")
    for name in ("issuing.2", "timestamp.2", "ocsp.2", "list.2", "seal-fire.2"):
        assert f"\n  {name}\n" in text
    assert "陈主管" in text and "林副主管" in text and "签发密钥到期前更换" in text
    assert [line for line in text.splitlines() if len(line) > 120] == []


@pytest.mark.long(seconds=15)
def test_killed_at_any_step_on_disk_it_goes_on_with_the_same_names(home: Path) -> None:
    command = [sys.executable, str(DRIVER), str(home.parent), str(ONE_IN)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=170)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["steps"] > 20
