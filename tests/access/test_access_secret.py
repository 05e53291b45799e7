"""The secret of access tokens, and key pairs for trying things: made once, for us alone, and never overwritten."""

import multiprocessing
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from certsvc.custody.access_secret import open_access_secret
from certsvc.custody.client_keys import make_client_key
from certsvc.custody.payloads import open_payload_cipher
from certsvc.errors import CustodyError

FORM = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
FORK = multiprocessing.get_context("fork")


def test_the_secret_is_made_at_first_need_and_is_the_same_then(tmp_path: Path) -> None:
    secret = open_access_secret(tmp_path / "secrets")
    assert len(secret) == 32
    assert open_access_secret(tmp_path / "secrets") == secret
    assert stat.S_IMODE((tmp_path / "secrets" / "access").stat().st_mode) == 0o600
    assert secret not in (tmp_path / "secrets" / "access").read_bytes()


def test_taken_away_another_one_is_made(tmp_path: Path) -> None:
    secret = open_access_secret(tmp_path)
    (tmp_path / "access").unlink()
    assert open_access_secret(tmp_path) != secret


@pytest.mark.long
def test_many_that_need_it_at_once_have_the_same(tmp_path: Path) -> None:
    with FORK.Pool(8) as pool:
        assert len(set(pool.map(open_access_secret, [tmp_path / "secrets"] * 32, chunksize=1))) == 1


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    open_access_secret(tmp_path)
    (tmp_path / "access").chmod(0o640)
    with pytest.raises(CustodyError, match="0600"):
        open_access_secret(tmp_path)


def test_a_short_secret_is_refused_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / "access").write_bytes(b"hunter2")
    (tmp_path / "access").chmod(0o600)
    with pytest.raises(CustodyError, match="less than 32") as refused:
        open_access_secret(tmp_path)
    assert "hunter2" not in str(refused.value)


def test_it_stands_beside_the_data_keys_without_being_taken_for_one(tmp_path: Path) -> None:
    open_access_secret(tmp_path)
    assert open_payload_cipher(tmp_path, {}).key_id == "data-1"


def test_a_key_pair_is_made_once_and_its_public_half_read_again(tmp_path: Path) -> None:
    path = tmp_path / "mine.pem"
    public = make_client_key(path)
    assert make_client_key(path) == public
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    private = serialization.load_pem_private_key(path.read_bytes(), None)
    assert private.public_key() == public and isinstance(public.curve, ec.SECP256R1)


def no_key_of_ours(what: str) -> bytes:
    """What may lie in a file."""
    plain, locked = serialization.NoEncryption(), serialization.BestAvailableEncryption(b"x")
    if what == "rsa":
        return rsa.generate_private_key(65537, 2048).private_bytes(*FORM, plain)
    if what == "p384":
        return ec.generate_private_key(ec.SECP384R1()).private_bytes(*FORM, plain)
    if what == "locked":
        return ec.generate_private_key(ec.SECP256R1()).private_bytes(*FORM, locked)
    return what.encode()


@pytest.mark.parametrize("what", ["rsa", "p384", "locked", "dear diary", ""])
def test_a_file_that_is_no_such_key_is_left_as_it_is(tmp_path: Path, what: str) -> None:
    path, content = tmp_path / "mine.pem", no_key_of_ours(what)
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(CustodyError, match="name another file"):
        make_client_key(path)
    assert path.read_bytes() == content


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.pem"
    make_client_key(path)
    path.chmod(0o644)
    with pytest.raises(CustodyError, match="0600"):
        make_client_key(path)


def test_a_folder_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(CustodyError, match="Cannot write"):
        make_client_key(tmp_path / "nowhere" / "mine.pem")
