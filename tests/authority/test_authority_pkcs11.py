"""A ceremony whose keys lie on a token: they issue, seal and sign CRLs without ever leaving it."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from ceremonies import NOW, PLAN, hold, make_home, open_held, secret
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from linted import lint_certificate, lint_chain, lint_crl
from softhsm import SoftToken

from certsvc.authority.crl import EACH_DAY
from certsvc.authority.later import LaterPlan, hold_later
from certsvc.authority.plan import Plan, load_plan
from certsvc.custody.keys import destroy_key, find_key
from certsvc.errors import CustodyError, KeyLimitReached
from certsvc.seal.evidence import require_evidence

pytestmark = pytest.mark.needs("softhsm")


def plan_with(token: SoftToken, more: str = "") -> str:
    """The usual plan, with the issuing key and the seals' on the token."""
    custody = f"""
[[custody]]
keys = ["issuing", "issuing.*", "seal-*"]
uri = "{token.uri("{name}")}"
secret = "{token.secret}"
{more}
"""
    return PLAN + custody


def test_keys_on_a_token_issue_and_seal_and_no_file_holds_them(token: SoftToken, tmp_path: Path) -> None:
    home, plan = make_home(tmp_path, plan_with(token))
    hold(home, plan)
    authority = open_held(home)
    require_evidence(authority.sealing("fire"), authority.validation_data("fire", NOW), NOW)
    data = b"what the seal signs"
    key = authority.key("seal-fire")
    assert isinstance(key.public_key, ec.EllipticCurvePublicKey)
    key.public_key.verify(key.sign(data), data, ec.ECDSA(hashes.SHA256()))
    assert {path.stem for path in (home / "authority" / "keys").iterdir()} == {
        "timestamp",
        "ocsp",
        "list",
        "status",
        "receipt",
    }
    assert lint_certificate(authority.certificate("seal-fire")) == []
    assert lint_chain(authority.certificate("issuing"), authority.certificate("seal-fire")) == []
    assert lint_crl((home / "public" / "crl" / "issuing.crl").read_bytes()) == []


def test_with_the_token_unplugged_crls_wait_and_with_it_back_they_are_signed(token: SoftToken, tmp_path: Path) -> None:
    home, plan = make_home(tmp_path, plan_with(token))
    hold(home, plan)
    authority = open_held(home)
    tomorrow = NOW + timedelta(days=2)
    token.unplug()
    with pytest.raises(CustodyError):
        authority.key("seal-fire").sign(b"text")
    still_good = authority.facts.crl("issuing", tomorrow, EACH_DAY)  # the published one serves on
    token.plug_in()
    renewed = authority.facts.crl("issuing", tomorrow, EACH_DAY)
    assert x509.load_der_x509_crl(renewed).last_update_utc > x509.load_der_x509_crl(still_good).last_update_utc


def test_a_limit_in_the_plan_holds_across_restarts(token: SoftToken, tmp_path: Path) -> None:
    home, plan = make_home(tmp_path, plan_with(token, '\n[[limits]]\nkeys = ["seal-*"]\nuses = 3\n'))
    hold(home, plan)
    for _ in range(3):
        open_held(home).key("seal-fire").sign(b"text")
    with pytest.raises(KeyLimitReached, match="3 times"):
        open_held(home).key("seal-fire").sign(b"text")


def test_a_backup_of_the_folder_seals_nothing_without_the_token(token: SoftToken, tmp_path: Path) -> None:
    home, plan = make_home(tmp_path, plan_with(token))
    hold(home, plan)
    stolen = tmp_path / "stolen"
    shutil.copytree(home, stolen)
    token.unplug()
    with pytest.raises(CustodyError):
        open_held(stolen).sealing("fire").key.sign(b"text")


def test_the_plan_says_where_keys_lie_and_never_a_secret(tmp_path: Path, token: SoftToken) -> None:
    _, file = make_home(tmp_path, plan_with(token))
    plan: Plan = load_plan(file)
    assert plan.custody[0].secret.startswith("file:")
    assert token.pin_file.read_text() not in file.read_text("utf-8")


def interrupted(*_: object, **__: object) -> None:
    """What a step is replaced by, so that a ceremony ends there."""
    raise KeyboardInterrupt


def roll(home: Path, *names: str) -> Path:
    """A later ceremony for the next generation of these; its transcript."""
    return hold_later(LaterPlan("next", "到期", "陈主管", "林副主管", names), home, secret(home), NOW)


def test_next_generations_of_keys_named_one_by_one_stay_on_the_token_and_under_their_limit(
    token: SoftToken, tmp_path: Path
) -> None:
    text = plan_with(token, '\n[[limits]]\nkeys = ["seal-fire"]\nuses = 2\n')
    home, plan = make_home(tmp_path, text.replace('["issuing", "issuing.*", "seal-*"]', '["issuing", "seal-fire"]'))
    hold(home, plan)
    roll(home, "issuing", "seal-fire")
    assert {path.stem for path in (home / "authority" / "keys").iterdir()} == {
        "timestamp",
        "ocsp",
        "list",
        "status",
        "receipt",
    }
    key = open_held(home).sealing("fire").key
    for name in ("issuing.2", "seal-fire.2"):
        found = find_key(token.uri(name), token.secret)
        assert found is not None and found.public_key == open_held(home).certificate(name).public_key()
    for _ in range(2):
        key.sign(b"text")
    with pytest.raises(KeyLimitReached, match="2 times"):
        key.sign(b"text")


def test_a_second_authority_does_not_take_over_the_keys_of_the_first(token: SoftToken, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    home, plan = make_home(first, plan_with(token))
    hold(home, plan)
    other_home, other_plan = make_home(second, plan_with(token))
    with pytest.raises(CustodyError) as raised:
        hold(other_home, other_plan)
    for label in ("issuing", "seal-fire"):
        assert f"token {token.label}, object {label}" in raised.value.en
    assert not (other_home / "authority").exists() and not list(other_home.rglob("*.key"))
    open_held(home).sealing("fire").key.sign(b"text")


def test_after_an_interrupted_founding_its_keys_are_named_and_once_deleted_it_starts_anew(
    token: SoftToken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, plan = make_home(tmp_path, plan_with(token))
    with monkeypatch.context() as patch:
        patch.setattr("certsvc.authority.issuing.Issuer.sign_root_crl", interrupted)
        with pytest.raises(KeyboardInterrupt):
            hold(home, plan)
    with pytest.raises(CustodyError, match="interrupted") as raised:
        hold(home, plan)
    for label in ("issuing", "seal-fire"):
        assert f"object {label}" in raised.value.en
        destroy_key(token.uri(label), token.secret)
    hold(home, plan)
    open_held(home).sealing("fire").key.sign(b"text")


def test_a_later_ceremony_interrupted_after_a_key_was_made_goes_on_with_it(
    token: SoftToken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, plan = make_home(tmp_path, plan_with(token))
    hold(home, plan)
    with monkeypatch.context() as patch:
        patch.setattr("certsvc.authority.issuing.make_certificate", interrupted)
        with pytest.raises(KeyboardInterrupt):
            roll(home, "seal-fire")
    made = find_key(token.uri("seal-fire.2"), token.secret)
    assert made is not None
    roll(home, "seal-fire")
    assert open_held(home).certificate("seal-fire.2").public_key() == made.public_key


def test_transcripts_say_where_each_key_lies_and_that_it_was_made_there(token: SoftToken, tmp_path: Path) -> None:
    home, plan = make_home(tmp_path, plan_with(token))
    texts = {"": hold(home, plan).read_text("utf-8"), ".2": roll(home, "timestamp", "seal-fire").read_text("utf-8")}
    for number, text in texts.items():
        seal, timestamp = (
            text[text.index(f"\n  {name}{number}\n") :].split("\n\n")[0] for name in ("seal-fire", "timestamp")
        )
        assert f"令牌 token {token.label}, object seal-fire{number}\n" in seal
        assert "文件 file\n" in timestamp
        assert all("generated there by this ceremony" in block for block in (seal, timestamp))
        assert token.pin_file.read_text() not in text and str(token.pin_file) not in text


def test_the_transcript_sends_nobody_to_a_folder_for_a_root_key_on_a_token(token: SoftToken, tmp_path: Path) -> None:
    home, plan = make_home(tmp_path, plan_with(token).replace('"issuing", ', '"root", "issuing", '))
    text = hold(home, plan).read_text("utf-8")
    assert "offline" not in text and f"token {token.label}, object root\n" in text
