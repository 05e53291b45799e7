"""A ceremony whose keys lie on a token: they issue, seal and sign CRLs without ever leaving it."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from ceremonies import NOW, PLAN, hold, make_home, open_held
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from linted import lint_certificate, lint_chain, lint_crl
from softhsm import SoftToken

from certsvc.authority.crl import EACH_DAY
from certsvc.authority.plan import Plan, load_plan
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
    assert {path.stem for path in (home / "authority" / "keys").iterdir()} == {"timestamp", "ocsp", "list"}
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
