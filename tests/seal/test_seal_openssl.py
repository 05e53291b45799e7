"""OpenSSL on what lies in the sealed file: signature, timestamp, chains with its CRLs. Poppler on its looks."""

import hashlib
import io
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from PIL import Image, ImageChops
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.dss import DocumentSecurityStore
from sealed_set import NOW, SealedSet, Sheet

pytest_plugins = ["seal_fixtures"]

Both = tuple[SealedSet, SealedSet]
SIGNATURE_TIMESTAMP = "1.2.840.113549.1.9.16.2.14"
DPI = 50


@dataclass(frozen=True)
class TakenApart:
    """What a stranger takes out of a file, as files for OpenSSL: `trust` is our root, `evidence` the root with the CRLs
    that the file holds, `chain` the certificates that it holds."""

    covered: Path
    signature: Path
    token: Path
    seal: Path
    chain: Path
    trust: Path
    evidence: Path
    stamped: str


def take_apart(sheet: Sheet, sealed: SealedSet, folder: Path) -> TakenApart:
    """Take a sealed file apart by its ByteRange, its CMS and its DSS."""
    folder.mkdir()
    found = re.search(rb"/ByteRange\[0 (\d+) (\d+) (\d+)", sheet.sealed)
    assert found is not None
    first, second, rest = map(int, found.groups())
    signature = bytes.fromhex(sheet.sealed[first + 1 : second - 1].decode("ascii"))
    content = cms.ContentInfo.load(signature)["content"]
    (signer,) = content["signer_infos"]
    (unsigned,) = signer["unsigned_attrs"]
    assert unsigned["type"].dotted == SIGNATURE_TIMESTAMP
    store = DocumentSecurityStore.read_dss(PdfFileReader(io.BytesIO(sheet.sealed)))
    crls = [x509.load_der_x509_crl(item.get_object().data) for item in store.crls]
    certificates = [x509.load_der_x509_certificate(item.dump()) for item in store.load_certs()]
    seal = next(item for item in certificates if item.serial_number == signer["sid"].chosen["serial_number"].native)
    root = sealed.root.read_bytes()
    parts = {
        "covered": sheet.sealed[:first] + sheet.sealed[second : second + rest],
        "signature": cms.ContentInfo.load(signature).dump(),
        "token": unsigned["values"][0].dump(),
        "seal": seal.public_bytes(Encoding.PEM),
        "chain": b"".join(item.public_bytes(Encoding.PEM) for item in certificates),
        "trust": root,
        "evidence": root + b"".join(crl.public_bytes(Encoding.PEM) for crl in crls),
    }
    for name, data in parts.items():
        (folder / name).write_bytes(data)
    stamped = hashlib.sha256(signer["signature"].native).hexdigest()
    return TakenApart(**{name: folder / name for name in parts}, stamped=stamped)


@pytest.fixture(scope="module")
def parts(both: Both, tmp_path_factory: pytest.TempPathFactory) -> list[TakenApart]:
    """One ECDSA file with each of two seals, and the RSA file."""
    folder = tmp_path_factory.mktemp("parts")
    chosen = [(both[0].sheets[0], both[0]), (both[0].sheets[-1], both[0]), (both[1].sheets[0], both[1])]
    return [take_apart(sheet, sealed, folder / str(number)) for number, (sheet, sealed) in enumerate(chosen)]


def openssl(command: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run an openssl command as of the time of sealing."""
    words = ["openssl", command, "-attime", str(int(NOW.timestamp())), *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.needs("openssl")
def test_openssl_verifies_the_signature_over_the_whole_file_and_its_chain(parts: list[TakenApart]) -> None:
    for part in parts:
        command = ("cms", "-verify", "-binary", "-inform", "DER", "-in", part.signature, "-content", part.covered)
        done = openssl(
            *command, "-CAfile", part.evidence, "-crl_check_all", "-purpose", "smimesign", "-out", "/dev/null"
        )
        assert done.returncode == 0, done.stderr
        assert "CMS Verification successful" in done.stderr


@pytest.mark.needs("openssl")
def test_openssl_verifies_the_timestamp_over_the_signature(parts: list[TakenApart]) -> None:
    for part in parts:
        command = ("ts", "-verify", "-digest", part.stamped, "-token_in", "-in", part.token, "-CAfile", part.evidence)
        done = openssl(*command, "-crl_check_all")
        assert done.returncode == 0, done.stderr
        assert "Verification: OK" in done.stdout
        wrong = openssl(*command[:3], "0" * 64, *command[4:])
        assert wrong.returncode != 0
        assert "message imprint mismatch" in wrong.stderr


@pytest.mark.needs("openssl")
def test_openssl_finds_the_chain_unrevoked_by_the_embedded_crls_and_nothing_without_them(
    parts: list[TakenApart],
) -> None:
    for part in parts:
        chain = ("-untrusted", part.chain, "-crl_check_all", "-x509_strict", part.seal)
        done = openssl("verify", "-CAfile", part.trust, "-CRLfile", part.evidence, *chain)
        assert done.returncode == 0, done.stderr
        without = openssl("verify", "-CAfile", part.trust, *chain)
        assert "unable to get certificate CRL" in without.stderr


@pytest.mark.long
@pytest.mark.needs("pdftoppm")
def test_poppler_draws_the_page_as_before_and_the_red_seal_at_its_place(both: Both, tmp_path: Path) -> None:
    for sheet in (sheet for sealed in both for sheet in sealed.sheets):
        (tmp_path / "page.pdf").write_bytes(sheet.page)
        before, after = draw(tmp_path / "page.pdf"), draw(sheet.path)
        changed = ImageChops.difference(before, after)
        box = changed.getbbox()
        assert box is not None
        wanted = seal_box(sheet)
        assert all(abs(found - place) <= 2 for found, place in zip(box, wanted, strict=True)), (sheet.path, box, wanted)
        assert red_share(after.crop(box)) > red_share(before.crop(box)) + 0.1


def draw(path: Path) -> Image.Image:
    """The one page of a PDF, by poppler."""
    command = ["pdftoppm", "-r", str(DPI), "-singlefile", str(path)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    return Image.open(io.BytesIO(done.stdout)).convert("RGB")


def seal_box(sheet: Sheet) -> tuple[float, float, float, float]:
    """Where the seal is to stand, in pixels."""
    x, y, half = sheet.placement.x_mm, sheet.placement.y_mm, sheet.diameter_mm / 2
    left, top, right, bottom = (value / 25.4 * DPI for value in (x - half, y - half, x + half, y + half))
    return left, top, right, bottom


def red_share(picture: Image.Image) -> float:
    """How much of a picture is clearly red."""
    pixels = picture.tobytes()
    reds = sum(
        red > green + 60 and red > blue + 60
        for red, green, blue in zip(pixels[::3], pixels[1::3], pixels[2::3], strict=True)
    )
    return reds / (len(pixels) / 3)
