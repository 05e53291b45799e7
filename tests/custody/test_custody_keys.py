"""Key files: encrypted, for their owner alone, whole or not at all, never overwritten, never shown."""

import copy
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from shown import traceback_of

from certsvc.custody.file_keys import MAX_KEY_FILE
from certsvc.custody.keys import Algorithm, SoftwareKey, create_key, destroy_key, generate_key, open_key
from certsvc.custody.secret import make_secret_file, read_secret, write_private_file
from certsvc.errors import CustodyError

PASSPHRASE = "correct horse battery staple"
WRONG = "a wrong passphrase"
REFERENCE = "env:CERTSVC_TEST_PASSPHRASE"


@pytest.fixture(autouse=True)
def passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `REFERENCE` refers to."""
    monkeypatch.setenv("CERTSVC_TEST_PASSPHRASE", PASSPHRASE)


def public_bytes(key: Any) -> bytes:
    """A public key, to compare."""
    der: bytes = key.public_key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return der


@pytest.mark.parametrize("algorithm", ["p256", "rsa3072"])
def test_a_key_created_opens_again_and_signs_by_its_algorithm(algorithm: Algorithm, tmp_path: Path) -> None:
    uri = f"file:{tmp_path / 'a.key'}"
    made = create_key(uri, REFERENCE, algorithm)
    opened = open_key(uri, REFERENCE)
    public = opened.public_key
    assert public_bytes(made) == public_bytes(opened)
    if isinstance(public, ec.EllipticCurvePublicKey):
        assert algorithm == "p256" and public.curve.name == "secp256r1"
        public.verify(opened.sign(b"text"), b"text", ec.ECDSA(hashes.SHA256()))
    else:
        assert algorithm == "rsa3072" and isinstance(public, rsa.RSAPublicKey) and public.key_size == 3072
        public.verify(opened.sign(b"text"), b"text", padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.needs("openssl")
def test_openssl_reads_the_key_with_the_passphrase_and_not_without(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    create_key(f"file:{path}", REFERENCE)

    def read(password: str) -> int:
        command = ["openssl", "pkey", "-in", str(path), "-noout", "-passin", f"pass:{password}"]
        return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode

    assert read(PASSPHRASE) == 0
    assert read("wrong") != 0
    assert read("") != 0
    assert b"BEGIN ENCRYPTED " in path.read_bytes()


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    create_key(f"file:{path}", REFERENCE)
    assert path.stat().st_mode & 0o777 == 0o600
    for mode in (0o640, 0o604, 0o620, 0o601):
        path.chmod(mode)
        with pytest.raises(CustodyError, match="mode 0600"):
            open_key(f"file:{path}", REFERENCE)


def test_mode_0600_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        create_key(f"file:{tmp_path / 'a.key'}", REFERENCE)
    finally:
        os.umask(before)
    assert (tmp_path / "a.key").stat().st_mode & 0o777 == 0o600


def private_pem(key: Any, passphrase: bytes | None = PASSPHRASE.encode()) -> bytes:
    """A key as PKCS #8."""
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    pem: bytes = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    return pem


UNUSABLE: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "truncated": lambda: private_pem(ec.generate_private_key(ec.SECP256R1()))[:200],
    "garbage": lambda: os.urandom(300),
    "other-passphrase": lambda: private_pem(ec.generate_private_key(ec.SECP256R1()), b"other"),
    "not-encrypted": lambda: private_pem(ec.generate_private_key(ec.SECP256R1()), None),
    "other-curve": lambda: private_pem(ec.generate_private_key(ec.SECP256K1())),
    "larger-curve": lambda: private_pem(ec.generate_private_key(ec.SECP384R1())),
    "short-rsa": lambda: private_pem(rsa.generate_private_key(65537, 2048)),
    "ed25519": lambda: private_pem(ed25519.Ed25519PrivateKey.generate()),
    "dsa": lambda: private_pem(dsa.generate_private_key(2048)),
    "too-large": lambda: b"x" * (MAX_KEY_FILE + 1),
}


@pytest.mark.long
@pytest.mark.parametrize("flaw", UNUSABLE)
def test_an_unusable_key_file_is_refused_and_left_as_it_is(flaw: str, tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    content = UNUSABLE[flaw]()
    write_private_file(path, content)
    for use in (open_key, create_key):
        with pytest.raises(CustodyError):
            use(f"file:{path}", REFERENCE)
    assert path.read_bytes() == content


@pytest.mark.parametrize("uri", ["", "file:", "a.key", "pkcs11:token=a", "http://host/key", "FILE:/a"])
def test_an_unknown_key_uri_is_refused(uri: str) -> None:
    with pytest.raises(CustodyError, match="URI"):
        open_key(uri, REFERENCE)


def test_a_key_that_is_not_there_and_a_folder_that_is_not_there_are_said(tmp_path: Path) -> None:
    with pytest.raises(CustodyError, match="Cannot read"):
        open_key(f"file:{tmp_path / 'none.key'}", REFERENCE)
    with pytest.raises(CustodyError, match="Cannot write"):
        create_key(f"file:{tmp_path / 'none' / 'a.key'}", REFERENCE)


def test_a_key_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    uri = f"file:{tmp_path / 'a.key'}"
    first = public_bytes(create_key(uri, REFERENCE))
    before = (tmp_path / "a.key").read_bytes()
    assert public_bytes(create_key(uri, REFERENCE)) == first
    assert public_bytes(create_key(uri, REFERENCE, "rsa3072")) == first
    assert not write_private_file(tmp_path / "a.key", b"other")
    assert (tmp_path / "a.key").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.key"]


def create_and_report(folder: str, barrier: Any, found: Any) -> None:
    """In a process of its own: create the key together with the others and say which one it is."""
    for number in range(20):
        barrier.wait(30)
        found.put((number, public_bytes(create_key(f"file:{folder}/{number}.key", REFERENCE))))


@pytest.mark.long
def test_processes_that_create_the_same_key_at_once_get_the_same_one(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, found = context.Barrier(3), context.Queue()
    workers = [context.Process(target=create_and_report, args=(str(tmp_path), barrier, found)) for _ in range(3)]
    for worker in workers:
        worker.start()
    reported = [found.get(timeout=60) for _ in range(60)]
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert len({number for number, _ in reported}) == 20
    assert len(set(reported)) == 20
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(f"{number}.key" for number in range(20))


KILLED = """
import os, signal, sys
from certsvc.custody.keys import create_key
left = int(sys.argv[2])
def count(event, arguments):
    global left
    if event in ("open", "os.link", "os.remove") and sys.argv[1] in str(arguments[0]):
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
sys.addaudithook(count)
create_key(f"file:{sys.argv[1]}/a.key", "env:CERTSVC_TEST_PASSPHRASE")
"""


@pytest.mark.long
def test_killed_while_it_is_created_a_key_is_whole_or_not_there(tmp_path: Path) -> None:
    seen = set()
    for step in range(20):
        folder = tmp_path / str(step)
        folder.mkdir()
        done = subprocess.run([sys.executable, "-c", KILLED, str(folder), str(step)], check=False, timeout=60)
        path = folder / "a.key"
        seen.add(path.exists())
        kept = public_bytes(open_key(f"file:{path}", REFERENCE)) if path.exists() else None
        again = public_bytes(create_key(f"file:{path}", REFERENCE))
        assert kept in (None, again)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
    assert done.returncode == 0 and step >= 3
    assert seen == {True, False}


def test_neither_key_nor_passphrase_is_ever_shown(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    key = create_key(f"file:{path}", REFERENCE)
    assert isinstance(key, SoftwareKey)
    inner = key._key
    assert isinstance(inner, ec.EllipticCurvePrivateKey)
    secrets = [PASSPHRASE, str(inner.private_numbers().private_value), f"{inner.private_numbers().private_value:x}"]
    shown = [repr(key), str(key), f"{key}", repr([key]), repr(copy.copy(key))]
    shown += [traceback_of(lambda: open_key(f"file:{path}", f"file:{wrong_secret(tmp_path)}"))]
    path.chmod(0o644)
    shown += [traceback_of(lambda: open_key(f"file:{path}", REFERENCE))]
    for text in shown:
        assert not any(secret in text for secret in [*secrets, "PRIVATE", WRONG])


def wrong_secret(folder: Path) -> Path:
    """A file with a passphrase that does not open the key."""
    path = folder / "wrong"
    write_private_file(path, WRONG.encode())
    return path


@pytest.mark.parametrize("weak", ["2718", "correct horse", "a" * 40, "abcabcabcabcabcabcabcabc"])
def test_a_weak_passphrase_makes_no_new_key_and_what_to_do_is_told(
    weak: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CERTSVC_TEST_PASSPHRASE", weak)
    uri = f"file:{tmp_path / 'a.key'}"
    shown = traceback_of(lambda: create_key(uri, REFERENCE))
    assert "openssl rand" in shown
    assert weak not in shown
    assert list(tmp_path.iterdir()) == []


def test_a_key_made_under_a_weak_passphrase_before_still_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CERTSVC_TEST_PASSPHRASE", "2718")
    write_private_file(tmp_path / "a.key", private_pem(ec.generate_private_key(ec.SECP256R1()), b"2718"))
    for use in (open_key, create_key):
        use(f"file:{tmp_path / 'a.key'}", REFERENCE).check()


def test_a_key_whose_file_is_gone_or_open_to_others_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    key = create_key(f"file:{path}", REFERENCE)
    key.check()
    path.chmod(0o644)
    with pytest.raises(CustodyError, match="mode 0600"):
        key.check()
    destroy_key(f"file:{path}", REFERENCE)
    with pytest.raises(CustodyError, match="Cannot read"):
        key.check()
    generate_key().check()


def test_a_key_is_destroyed_with_what_a_killed_process_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "seal-fire.key"
    create_key(f"file:{path}", REFERENCE)
    left = path.with_name(f".{path.name}.{'0f' * 8}")
    left.hardlink_to(path)  # killed between link and unlink
    other = tmp_path / ".seal-fire.key.2.0123456789abcdef"
    other.touch()
    destroy_key(f"file:{path}", REFERENCE)
    assert list(tmp_path.iterdir()) == [other]


def test_a_key_that_cannot_be_removed_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.key").mkdir()
    with pytest.raises(CustodyError, match="Cannot remove"):
        destroy_key(f"file:{tmp_path / 'a.key'}", REFERENCE)
    destroy_key(f"file:{tmp_path / 'none' / 'a.key'}", REFERENCE)


def test_a_key_cannot_be_pickled() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(generate_key())


@pytest.mark.parametrize("reference", ["", "secret-itself", "env:", "env:CERTSVC_NOT_SET", "plain:abc", "file:"])
def test_a_secret_comes_by_reference_only(reference: str) -> None:
    with pytest.raises(CustodyError):
        read_secret(reference)


def test_an_empty_secret_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_private_file(tmp_path / "empty", b"\n")
    monkeypatch.setenv("CERTSVC_EMPTY", "")
    for reference in (f"file:{tmp_path / 'empty'}", "env:CERTSVC_EMPTY"):
        with pytest.raises(CustodyError, match="not empty"):
            read_secret(reference)


def test_a_secret_is_read_without_its_final_newline_and_is_not_shown_when_others_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_private_file(path, wrong_secret(tmp_path).read_bytes() + b"\n")
    assert read_secret(f"file:{path}") == wrong_secret(tmp_path).read_bytes()
    path.chmod(0o644)
    assert WRONG not in traceback_of(lambda: read_secret(f"file:{path}"))
    path.chmod(0o600)
    path.write_bytes(WRONG.encode() * 1000)
    assert WRONG not in traceback_of(lambda: read_secret(f"file:{path}"))


def test_a_secret_file_is_made_once_with_enough_chance_in_it(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "passphrase"
    make_secret_file(path)
    first = path.read_bytes()
    make_secret_file(path)
    assert path.read_bytes() == first
    assert len(first) >= 43
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
