"""One file in, a transcript out; whole or not at all; once."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ceremonies import NOW, PLAN, PUBLIC_URL, hold, make_home, open_held, secret
from chosen import ONE_IN
from cryptography import x509

from certsvc.authority.ceremony import hold_ceremony
from certsvc.custody.keys import create_key
from certsvc.domain.trust import DEMONSTRATION_POLICY
from certsvc.errors import CeremonyError, CustodyError

DRIVER = Path(__file__).with_name("troubled_ceremony.py")


def drive(what: str, folder: Path) -> dict[str, int]:
    """Run the driver; what it counted."""
    command = [sys.executable, str(DRIVER), what, str(folder), str(ONE_IN)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    counted: dict[str, int] = json.loads(done.stdout)
    return counted


@pytest.mark.long(seconds=30)
def test_killed_at_any_step_on_disk_it_starts_anew_or_was_held_and_nothing_is_left_half(tmp_path: Path) -> None:
    counted = drive("killed", tmp_path)
    assert counted["nothing-held"] * ONE_IN > 20
    assert counted["held"] * ONE_IN > 20


@pytest.mark.long
def test_of_several_at_once_one_is_held_and_all_end_well(tmp_path: Path) -> None:
    assert drive("at-once", tmp_path)["rivals"] == 4


def test_held_again_with_the_same_plan_it_changes_nothing(tmp_path: Path) -> None:
    home, plan = make_home(tmp_path)
    transcript = hold(home, plan)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in home.rglob("*") if path.is_file()}
    assert hold(home, plan) == transcript
    assert before == {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in home.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(PLAN.replace('"441900"', '"441901"'), id="another-area"),
        pytest.param('algorithm = "rsa3072"\n' + PLAN, id="another-algorithm"),
        pytest.param(PLAN.replace("= true", "= false"), id="in-earnest"),
        pytest.param(PLAN.replace('"fire"', '"fire-2"'), id="another-seal"),
    ],
)
def test_another_plan_is_refused_where_one_was_held(other: str, tmp_path: Path) -> None:
    home, plan = make_home(tmp_path)
    hold(home, plan)
    plan.write_text(other, encoding="utf-8")
    with pytest.raises(CeremonyError, match="Another ceremony was held"):
        hold(home, plan)


def test_another_address_is_refused_where_one_was_held(tmp_path: Path) -> None:
    home, plan = make_home(tmp_path)
    hold(home, plan)
    with pytest.raises(CeremonyError, match="Another ceremony was held"):
        hold_ceremony(plan, home, secret(home), NOW, "https://other.example")
    assert hold_ceremony(plan, home, secret(home), NOW, f"{PUBLIC_URL}/").exists()


def test_without_a_passphrase_nothing_is_made(tmp_path: Path) -> None:
    home, plan = make_home(tmp_path)
    (home / "secret").write_bytes(b"\n")
    with pytest.raises(CustodyError):
        hold(home, plan)
    assert not (home / "authority").exists()


@pytest.mark.long
@pytest.mark.needs("openssl")
def test_the_transcript_tells_two_witnesses_what_openssl_tells_them(tmp_path: Path) -> None:
    home, plan = make_home(tmp_path)
    transcript = hold(home, plan)
    text = transcript.read_text("utf-8")
    made = transcript.parent
    assert "demonstration, no legal effect" in text
    assert text.count("签名 signature") == 2
    for path in (made / "certificates").iterdir():
        block = text[text.index(f"\n  {path.stem}\n") :].split("\n\n")[0]
        shown = ask("x509", "-in", path, "-noout", "-serial", "-fingerprint", "-sha256")
        assert shown[0].removeprefix("serial=").lstrip("0") in block
        assert in_groups(shown[1].partition("=")[2].replace(":", "")) in block
        key = subprocess.run(
            f"openssl x509 -in {path} -noout -pubkey | openssl pkey -pubin -outform DER | openssl sha256",
            shell=True,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert in_groups(key.split("= ")[1].strip()) in block
        assert "ECDSA secp256r1" in block
        assert re.search(rf"profile +{path.stem.partition('-')[0]}\n", block)
    crl = ask("crl", "-in", made / "root.crl", "-inform", "DER", "-noout", "-fingerprint", "-sha256")
    assert in_groups(crl[0].partition("=")[2].replace(":", "")) in text
    assert "PRIVATE" not in text and (home / "secret").read_text() not in text


def ask(*arguments: object) -> list[str]:
    """What openssl prints, by line."""
    command = ["openssl", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def in_groups(digest: str) -> str:
    """A digest as the transcript has it."""
    return bytes.fromhex(digest).hex(" ", 2).upper()


def test_the_demonstration_policy_is_in_every_certificate_and_no_setting_leaves_it_out(tmp_path: Path) -> None:
    home, plan = make_home(tmp_path)
    hold(home, plan)
    kept = home / "authority" / "plan.json"
    kept.write_text(kept.read_text("utf-8").replace('"demonstration":true', '"demonstration":false'), encoding="utf-8")
    authority = open_held(home)
    authority.token_key(NOW)
    assert authority.is_demonstration
    found = [*(home / "authority" / "certificates").glob("[!.]*"), *(home / "public").rglob("*.pem")]
    assert len(found) == 12
    for path in found:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        policies = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
        assert [policy.policy_identifier.dotted_string for policy in policies] == [DEMONSTRATION_POLICY]
        assert "DEMONSTRATION" in certificate.subject.rfc4514_string()


def test_only_a_demonstration_carries_its_policy(tmp_path: Path) -> None:
    home, plan = make_home(tmp_path, PLAN.replace("= true", "= false"))
    hold(home, plan)
    assert not open_held(home).is_demonstration


def test_where_no_ceremony_was_held_that_is_said(tmp_path: Path) -> None:
    home, _ = make_home(tmp_path)
    with pytest.raises(CeremonyError, match="No key ceremony was held"):
        open_held(home)


@pytest.mark.parametrize(
    "name",
    ["plan.json", "root.crl", "certificates/seal-fire.pem", "certificates/root.pem", "certificates/timestamp.pem"],
)
def test_a_missing_or_broken_file_of_the_authority_is_named(name: str, tmp_path: Path) -> None:
    home, plan = make_home(tmp_path)
    hold(home, plan)
    path = home / "authority" / name
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CeremonyError, match="is damaged"):
        open_held(home)
    path.unlink()
    with pytest.raises(CeremonyError, match="is damaged"):
        open_held(home)


def test_a_key_exchanged_for_another_is_noticed_before_it_is_used(tmp_path: Path) -> None:
    home, plan = make_home(tmp_path)
    hold(home, plan)
    key = home / "authority" / "keys" / "seal-fire.key"
    key.unlink()
    create_key(f"file:{key}", secret(home))
    authority = open_held(home)
    with pytest.raises(CeremonyError, match="seal-fire: key and certificate do not belong together"):
        authority.sealing("fire")


def test_every_key_file_is_encrypted_and_for_its_owner_alone(tmp_path: Path) -> None:
    home, plan = make_home(tmp_path)
    hold(home, plan)
    authority = home / "authority"
    for folder in (authority, authority / "keys", authority / "offline"):
        assert folder.stat().st_mode & 0o777 == 0o700
    keys = [*(authority / "keys").iterdir(), authority / "offline" / "root.key"]
    assert len(keys) == 8
    for key in keys:
        assert key.stat().st_mode & 0o777 == 0o600
        assert key.read_bytes().startswith(b"-----BEGIN ENCRYPTED ")
