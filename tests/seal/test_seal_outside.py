"""The sealed file, judged by tools we did not write, from the file and our root alone."""

import os
import subprocess
from pathlib import Path

import pytest
from sealed_set import SealedSet

pytest_plugins = ["seal_fixtures"]

Both = tuple[SealedSet, SealedSet]
SECONDS = 120


def run(*command: object) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=SECONDS)


@pytest.mark.needs("verapdf")
def test_verapdf_passes_every_sealed_file_as_pdf_a_3a_and_pdf_ua_1_and_can_fail(both: Both, tmp_path: Path) -> None:
    sheet = both[0].sheets[0]
    broken = tmp_path / "no-newline-before-the-update.pdf"
    broken.write_bytes(sheet.page.removesuffix(b"\n") + sheet.sealed[len(sheet.page) :])
    paths = [str(path) for sealed in both for path in (*sealed.paths, sealed.joint, sealed.lt)]
    jars = os.environ["CERTSVC_VERAPDF_JARS"]
    quick = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")  # the one start of the machine is most of the time
    done = run("java", *quick, "-cp", f"{jars}{os.pathsep}{jars}/*", "CheckPdf", "3a,ua1", broken, *paths)
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    found = {(standard, path): (verdict, int(checks)) for verdict, standard, path, checks, *_ in lines}
    for path in paths:
        for standard in ("3a", "ua1"):
            verdict, checks = found[standard, path]
            assert verdict == "pass" and checks > 1000, [line for line in lines if line[2] == path]
    assert found["3a", str(broken)][0] == "fail"
    assert done.returncode == 1


@pytest.mark.long
@pytest.mark.needs("qpdf")
def test_qpdf_finds_nothing_wrong(both: Both) -> None:
    for path in (path for sealed in both for path in (*sealed.paths, sealed.joint, sealed.lt)):
        done = run("qpdf", "--check", path)
        assert (done.returncode, done.stderr) == (0, ""), path.name
        assert "No syntax or stream encoding errors found" in done.stdout


@pytest.mark.long
@pytest.mark.needs("pdfsig", "certutil")
def test_pdfsig_with_our_root_trusted_calls_signature_valid_and_certificate_trusted(both: Both, tmp_path: Path) -> None:
    for number, sealed in enumerate(both):
        store = tmp_path / f"nss-{number}"
        store.mkdir()
        trust_root(store, sealed.root)
        for path in sealed.paths:
            said = [line.strip(" -") for line in run("pdfsig", "-nssdir", f"sql:{store}", path).stdout.splitlines()]
            assert "Total document signed" in said, (path.name, said)
            assert "Signature Validation: Signature is Valid." in said, (path.name, said)
            assert "Certificate Validation: Certificate is Trusted." in said, (path.name, said)
            assert "Signature Type: ETSI.CAdES.detached" in said
            assert sum(line.startswith("Signature #") for line in said) == 1


@pytest.mark.needs("pdfsig", "certutil")
def test_pdfsig_trusts_every_joint_seal_and_finds_the_last_over_the_whole_file(both: Both, tmp_path: Path) -> None:
    for number, sealed in enumerate(both):
        store = tmp_path / f"nss-{number}"
        store.mkdir()
        trust_root(store, sealed.root)
        said = [line.strip(" -") for line in run("pdfsig", "-nssdir", f"sql:{store}", sealed.joint).stdout.splitlines()]
        seals = min(3, len(sealed.authority.seals))
        assert sum(line.startswith("Signature #") for line in said) == seals >= 2
        assert said.count("Signature Validation: Signature is Valid.") == seals, said
        assert said.count("Certificate Validation: Certificate is Trusted.") == seals, said
        covered = [line for line in said if "otal document signed" in line]
        assert covered == ["Not total document signed"] * (seals - 1) + ["Total document signed"]


@pytest.mark.needs("pdfsig", "certutil")
def test_pdfsig_without_our_root_does_not_trust(sealed: SealedSet, sealed_rsa: SealedSet, tmp_path: Path) -> None:
    trust_root(tmp_path, sealed_rsa.root)
    said = run("pdfsig", "-nssdir", f"sql:{tmp_path}", sealed.paths[0]).stdout
    assert "Signature is Valid." in said
    assert "Certificate is Trusted." not in said


def trust_root(store: Path, root: Path) -> None:
    """An NSS database in `store` that trusts one root."""
    for command in (["-N", "--empty-password"], ["-A", "-n", "root", "-t", "C,C,C", "-i", str(root)]):
        done = run("certutil", "-d", f"sql:{store}", *command)
        assert done.returncode == 0, done.stderr
