"""A ceremony whose keys lie with a remote signer: ordered beforehand, one credential for one key, for ever."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ceremonies import NOW, PLAN, hold, make_home, open_held, secret
from cryptography.hazmat.primitives.asymmetric import ec

from certsvc.authority.later import LaterPlan, hold_later
from certsvc.custody.secret import write_private_file
from certsvc.errors import CustodyError

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "custody"))
from remote_signer import RemoteSigner


@pytest.fixture
def signer(tmp_path: Path) -> Iterator[RemoteSigner]:
    """A remote signer with credentials of the names that keys have."""
    signer = RemoteSigner(tmp_path)
    for name in ("issuing", "seal-fire"):
        signer.order(name, ec.generate_private_key(ec.SECP256R1()))
    write_private_file(tmp_path / "token", signer.token.encode())
    yield signer
    signer.close()


def custody(signer: RemoteSigner, keys: str, credential: str) -> str:
    """A part of a plan: these keys lie under this credential."""
    uri = signer.uri("NAME").replace("NAME", credential)
    return f'[[custody]]\nkeys = [{keys}]\nuri = "{uri}"\nsecret = "file:{signer.folder / "token"}"\n'


def roll(home: Path) -> Path:
    """The next generation of the seal; its transcript."""
    return hold_later(LaterPlan("next", "被盗", "陈主管", "林副主管", ("seal-fire",)), home, secret(home), NOW)


def test_the_transcript_says_that_keys_were_ordered_beforehand_and_from_whom(
    signer: RemoteSigner, tmp_path: Path
) -> None:
    home, plan = make_home(tmp_path, PLAN + custody(signer, '"issuing", "seal-*"', "{name}"))
    text = hold(home, plan).read_text("utf-8")
    place = f"remote signer {signer.base.partition('/')[0]}, credentialID seal-fire\n"
    assert place in text
    assert text.count("ordered beforehand") == 2
    assert signer.token not in text and str(tmp_path) not in text


def test_a_credential_that_was_not_ordered_stops_the_ceremony_before_any_key_is_made(
    signer: RemoteSigner, tmp_path: Path
) -> None:
    del signer.credentials["seal-fire"]
    home, plan = make_home(tmp_path, PLAN + custody(signer, '"issuing", "seal-*"', "{name}"))
    with pytest.raises(CustodyError, match="order a credential"):
        hold(home, plan)
    assert not list(home.rglob("*.key"))


def test_two_keys_of_one_authority_are_never_the_same(signer: RemoteSigner, tmp_path: Path) -> None:
    signer.credentials["seal-fire"] = signer.credentials["issuing"]
    home, plan = make_home(tmp_path, PLAN + custody(signer, '"issuing", "seal-*"', "{name}"))
    with pytest.raises(CustodyError, match=r"seal-fire: .* key of issuing"):
        hold(home, plan)
    assert not list(home.rglob("*.key"))


def test_a_stolen_key_is_not_certified_again_under_its_next_name(signer: RemoteSigner, tmp_path: Path) -> None:
    home, plan = make_home(tmp_path, PLAN + custody(signer, '"seal-*"', "{name}"))
    hold(home, plan)
    signer.credentials["seal-fire.2"] = signer.credentials["seal-fire"]
    with pytest.raises(CustodyError, match="key of seal-fire"):
        roll(home)
    assert "seal-fire.2" not in open_held(home).names
    signer.order("seal-fire.2", ec.generate_private_key(ec.SECP256R1()))
    roll(home)
    authority = open_held(home)
    assert authority.certificate("seal-fire.2").public_key() != authority.certificate("seal-fire").public_key()


def test_one_credential_named_for_one_key_takes_no_next_generation(signer: RemoteSigner, tmp_path: Path) -> None:
    home, plan = make_home(tmp_path, PLAN + custody(signer, '"seal-fire"', "seal-fire"))
    hold(home, plan)
    with pytest.raises(CustodyError, match="order or make a new key"):
        roll(home)
    assert "seal-fire.2" not in open_held(home).names
