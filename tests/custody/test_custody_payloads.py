"""Payloads at rest: bound to their certificate, unaltered, and readable after the key was changed."""

import multiprocessing
from pathlib import Path
from typing import Any

import pytest

from certsvc.custody.payloads import LivingPayloadCipher, has_key, make_next_key, open_payload_cipher
from certsvc.custody.secret import make_secret_file, write_private_file
from certsvc.errors import CustodyError

PLAIN, CONTEXT = "周伟强 440524188001010014".encode(), b"ref-1"


def test_what_is_encrypted_is_read_again_and_never_looks_the_same(tmp_path: Path) -> None:
    cipher = open_payload_cipher(tmp_path, {})
    first, second = cipher.encrypt(PLAIN, CONTEXT), cipher.encrypt(PLAIN, CONTEXT)
    assert first != second
    assert PLAIN not in first
    for sealed in (first, second):
        assert cipher.decrypt(sealed, CONTEXT, cipher.key_id) == PLAIN
    assert cipher.decrypt(cipher.encrypt(b"", CONTEXT), CONTEXT, "data-1") == b""


def test_a_payload_moved_to_another_certificate_is_refused(tmp_path: Path) -> None:
    cipher = open_payload_cipher(tmp_path, {})
    with pytest.raises(CustodyError):
        cipher.decrypt(cipher.encrypt(PLAIN, CONTEXT), b"ref-2", cipher.key_id)


def test_an_altered_payload_is_refused_wherever_it_was_altered(tmp_path: Path) -> None:
    cipher = open_payload_cipher(tmp_path, {})
    sealed = cipher.encrypt(PLAIN, CONTEXT)
    for index in range(len(sealed)):
        altered = sealed[:index] + bytes([sealed[index] ^ 1]) + sealed[index + 1 :]
        with pytest.raises(CustodyError):
            cipher.decrypt(altered, CONTEXT, cipher.key_id)
    for length in range(len(sealed)):
        with pytest.raises(CustodyError):
            cipher.decrypt(sealed[:length], CONTEXT, cipher.key_id)


def test_a_payload_is_not_read_with_an_unknown_or_another_key(tmp_path: Path) -> None:
    cipher = open_payload_cipher(tmp_path, {})
    make_secret_file(tmp_path / "data-2")
    both = open_payload_cipher(tmp_path, {})
    sealed = cipher.encrypt(PLAIN, CONTEXT)
    for key_id in ("data-2", "data-3", ""):
        with pytest.raises(CustodyError, match=f"data key {key_id} "):
            both.decrypt(sealed, CONTEXT, key_id)


def test_after_a_change_of_key_new_payloads_use_it_and_old_ones_are_still_read(tmp_path: Path) -> None:
    before = open_payload_cipher(tmp_path, {})
    old = before.encrypt(PLAIN, CONTEXT)
    for number in (2, 10):
        make_secret_file(tmp_path / f"data-{number}")
    after = open_payload_cipher(tmp_path, {})
    assert (before.key_id, after.key_id) == ("data-1", "data-10")
    assert after.decrypt(old, CONTEXT, "data-1") == PLAIN
    with pytest.raises(CustodyError):
        before.decrypt(after.encrypt(PLAIN, CONTEXT), CONTEXT, "data-10")


def test_a_key_that_was_retired_is_not_made_again(tmp_path: Path) -> None:
    make_secret_file(tmp_path / "data-2")
    assert open_payload_cipher(tmp_path, {}).key_id == "data-2"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data-2", "lookup"]


def test_an_unfinished_file_is_no_key(tmp_path: Path) -> None:
    write_private_file(tmp_path / ".data-2.0123456789abcdef", b"half")
    cipher = open_payload_cipher(tmp_path, {})
    assert cipher.key_id == "data-1"
    assert open_payload_cipher(tmp_path, {}).key_id == "data-1"


@pytest.mark.parametrize("name", ["data-", "data-x", "data-0", "data-01", "data-1.bak", "data-1~", "data-²", "data--1"])
def test_a_file_with_the_name_of_no_key_is_refused_and_named(name: str, tmp_path: Path) -> None:
    make_secret_file(tmp_path / "data-1")
    make_secret_file(tmp_path / name)
    with pytest.raises(CustodyError, match="data keys are called"):
        open_payload_cipher(tmp_path, {})


def test_a_data_key_that_is_short_or_empty_or_open_to_others_is_refused(tmp_path: Path) -> None:
    for number, content in enumerate((b"", b"\n", b"short", b"x" * 31)):
        folder = tmp_path / str(number)
        folder.mkdir()
        write_private_file(folder / "data-1", content)
        with pytest.raises(CustodyError):
            open_payload_cipher(folder, {})
    make_secret_file(tmp_path / "data-1")
    (tmp_path / "data-1").chmod(0o644)
    with pytest.raises(CustodyError, match="mode 0600"):
        open_payload_cipher(tmp_path, {})


def open_and_encrypt(folder: str, barrier: Any, found: Any) -> None:
    """In a process of its own: open the cipher together with the others and encrypt."""
    for number in range(20):
        barrier.wait(30)
        cipher = open_payload_cipher(Path(folder) / str(number), {})
        found.put((number, cipher.key_id, cipher.encrypt(PLAIN, CONTEXT)))


@pytest.mark.long
def test_processes_that_make_the_first_key_at_once_read_each_other(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, found = context.Barrier(3), context.Queue()
    workers = [context.Process(target=open_and_encrypt, args=(str(tmp_path), barrier, found)) for _ in range(3)]
    for worker in workers:
        worker.start()
    reported = [found.get(timeout=60) for _ in range(60)]
    for worker in workers:
        worker.join(60)
    for number, key_id, sealed in reported:
        assert key_id == "data-1"
        assert open_payload_cipher(tmp_path / str(number), {}).decrypt(sealed, CONTEXT, key_id) == PLAIN
        assert sorted(path.name for path in (tmp_path / str(number)).iterdir()) == ["data-1", "lookup"]


def test_the_keys_are_not_shown(tmp_path: Path) -> None:
    cipher = open_payload_cipher(tmp_path, {})
    assert repr(cipher) == "AesPayloadCipher(key_id='data-1')"
    assert (tmp_path / "data-1").read_text() not in f"{cipher} {vars(type(cipher))}"


def test_a_code_is_found_by_the_same_hash_with_the_same_key_and_by_no_other(tmp_path: Path) -> None:
    cipher = open_payload_cipher(tmp_path / "one", {})
    hashed = cipher.look_up("111:440524188001010014")
    assert open_payload_cipher(tmp_path / "one", {}).look_up("111:440524188001010014") == hashed
    assert cipher.look_up("999:440524188001010014") != hashed
    assert open_payload_cipher(tmp_path / "other", {}).look_up("111:440524188001010014") != hashed


def test_a_cipher_that_lives_on_reads_what_came_under_a_key_made_since_and_writes_with_it_too(tmp_path: Path) -> None:
    before = open_payload_cipher(tmp_path, {})
    living, old = LivingPayloadCipher(tmp_path, before), before.encrypt(PLAIN, CONTEXT)
    make_next_key(tmp_path, "data")
    after = open_payload_cipher(tmp_path, before.fingerprints)
    assert living.key_id == "data-1"
    assert living.decrypt(after.encrypt(PLAIN, CONTEXT), CONTEXT, "data-2") == PLAIN
    assert (living.key_id, living.fingerprints) == ("data-2", after.fingerprints)
    assert after.decrypt(living.encrypt(PLAIN, CONTEXT), CONTEXT, "data-2") == PLAIN
    (tmp_path / "data-1").unlink()
    assert living.decrypt(old, CONTEXT, "data-1") == PLAIN
    assert living.look_up("111:x") == after.look_up("111:x")


def test_a_cipher_that_lives_on_names_a_key_that_is_missing_and_has_it_when_it_is_put_back(tmp_path: Path) -> None:
    living = LivingPayloadCipher(tmp_path, open_payload_cipher(tmp_path, {}))
    make_next_key(tmp_path, "data")
    sealed = open_payload_cipher(tmp_path, {}).encrypt(PLAIN, CONTEXT)
    (tmp_path / "data-2").rename(tmp_path / "elsewhere")
    with pytest.raises(CustodyError, match="data-2 is missing"):
        living.decrypt(sealed, CONTEXT, "data-2")
    (tmp_path / "elsewhere").rename(tmp_path / "data-2")
    assert living.decrypt(sealed, CONTEXT, "data-2") == PLAIN


def test_a_key_that_does_not_open_what_it_was_read_for_is_not_written_with(tmp_path: Path) -> None:
    living = LivingPayloadCipher(tmp_path, open_payload_cipher(tmp_path, {}))
    sealed = open_payload_cipher(tmp_path, {}).encrypt(PLAIN, CONTEXT)
    make_next_key(tmp_path, "data")
    with pytest.raises(CustodyError, match="data key data-2"):
        living.decrypt(sealed, CONTEXT, "data-2")
    assert living.key_id == "data-1"


def test_an_older_key_that_was_put_back_is_read_with_and_not_written_with(tmp_path: Path) -> None:
    old = open_payload_cipher(tmp_path, {})
    make_next_key(tmp_path, "data")
    (tmp_path / "data-1").rename(tmp_path / "elsewhere")
    living = LivingPayloadCipher(tmp_path, open_payload_cipher(tmp_path, {}))
    (tmp_path / "elsewhere").rename(tmp_path / "data-1")
    assert living.decrypt(old.encrypt(PLAIN, CONTEXT), CONTEXT, "data-1") == PLAIN
    assert living.key_id == "data-2"


@pytest.mark.parametrize("key_id", ["", "lookup", "../data-1", "data-0", "data-1/../lookup", "secret"])
def test_what_is_no_name_of_a_data_key_is_not_looked_for(key_id: str, tmp_path: Path) -> None:
    living = LivingPayloadCipher(tmp_path, open_payload_cipher(tmp_path, {}))
    make_secret_file(tmp_path / "secret")
    with pytest.raises(CustodyError, match=f"data key {key_id} "):
        living.decrypt(living.encrypt(PLAIN, CONTEXT), CONTEXT, key_id)


@pytest.mark.parametrize("base", ["data-1", "lookup"])
def test_where_every_key_of_a_kind_is_gone_that_is_said_and_none_is_made(base: str, tmp_path: Path) -> None:
    known = dict(open_payload_cipher(tmp_path, {}).fingerprints)
    del known[base]
    (tmp_path / base).unlink()
    with pytest.raises(CustodyError, match="data-key lost"):
        open_payload_cipher(tmp_path, known)
    assert not (tmp_path / base).exists()


def test_a_key_is_there_if_its_file_has_the_one_on_record_whoever_may_read_it(tmp_path: Path) -> None:
    fingerprint = open_payload_cipher(tmp_path, {}).fingerprints["data-1"]
    assert has_key(tmp_path, "data-1", fingerprint)
    (tmp_path / "data-1").chmod(0o644)
    assert has_key(tmp_path, "data-1", fingerprint)
    assert not has_key(tmp_path, "data-1", bytes(32))
    assert not has_key(tmp_path, "data-2", fingerprint)
    for content in (b"", b"short", b"another random text of more than 32 bytes"):
        (tmp_path / "data-1").write_bytes(content)
        assert not has_key(tmp_path, "data-1", fingerprint)
