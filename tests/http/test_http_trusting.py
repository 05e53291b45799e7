"""The page on how to trust us, and the files it leads to."""

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from litestar import Litestar
from litestar.testing import TestClient
from public_site import ROOT, make_site

from certsvc.authority.certificates import Subject, load_profile, make_certificate
from certsvc.custody.keys import generate_key

ROOT_PEM = (ROOT / "keys" / "anchors" / "jianghai.pem").read_bytes()
FILES = {
    "trust/list.json": ("application/jose+json", b'{"payload": ""}'),
    "trust/anchors.pem": ("application/x-pem-file", ROOT_PEM),
    "trust/anchors.p7b": ("application/x-pkcs7-certificates", b"0\x00"),
    "trust/practice.md": ("text/plain; charset=utf-8", "# 业务规则".encode()),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Public facts as the worker leaves them."""
    der = x509.load_pem_x509_certificate(ROOT_PEM).public_bytes(Encoding.DER)
    facts = {"anchors/root.pem": ROOT_PEM, "ca/root.cer": der, **{name: data for name, (_, data) in FILES.items()}}
    for name, data in facts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return tmp_path


@pytest.fixture
def client(folder: Path) -> Iterator[TestClient[Litestar]]:
    with TestClient(make_site(folder).app) as opened:
        yield opened


def page(client: TestClient[Litestar], lang: str = "zh") -> str:
    answer = client.get("/trust", params={"lang": lang})
    assert answer.status_code == 200
    return answer.text


def fingerprints(html: str) -> list[str]:
    """The fingerprints as a reader copies them, without their gaps."""
    shown = re.findall(r'<p class="fingerprint".*?</p>', html, re.S)
    return ["".join(re.findall(r"<i>([0-9A-F]{4})</i>", each)) for each in shown]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_fingerprint_shown_is_that_of_the_file_it_leads_to(client: TestClient[Litestar], lang: str) -> None:
    html = page(client, lang)
    (shown,) = fingerprints(html)
    (address,) = re.findall(r'href="(/ca/[^"]+\.cer)"', html)
    assert shown.lower() == hashlib.sha256(client.get(address).content).hexdigest()


def test_after_a_new_root_the_newest_comes_first_and_the_earlier_ones_stay(
    client: TestClient[Litestar], folder: Path
) -> None:
    (first,) = fingerprints(page(client))
    subject = Subject(organisation="云山市电子证照", unit="根证书", common_name="Root 2", demonstration=True)
    made = make_certificate(load_profile("root"), subject, generate_key(), None, datetime(2026, 1, 1, tzinfo=UTC))
    newest = made.public_bytes(Encoding.PEM)
    for name in ("root.2.pem", "root.10.pem", "root.bad.pem"):
        (folder / "anchors" / name).write_bytes(newest)
    (folder / "anchors" / "root.3.pem").write_bytes(b"no certificate")
    html = page(client)
    second = made.fingerprint(hashes.SHA256()).hex().upper()
    assert fingerprints(html) == [second, second, first]
    assert re.findall(r'href="/ca/([^"]+)"', html) == ["root.10.cer", "root.2.cer", "root.cer"]


@pytest.mark.long
def test_a_demonstration_says_before_all_else_not_to_trust_its_root(folder: Path) -> None:
    said = {"zh": "不要在正式场合信任", "en": "do not trust it in earnest"}
    for demonstration in (True, False):
        with TestClient(make_site(folder, demonstration=demonstration).app) as client:
            for lang, words in said.items():
                html = page(client, lang)
                assert (words in html) is demonstration
                assert not demonstration or html.index(words) < html.index('class="fingerprint"')


def test_the_page_leads_to_every_file_that_is_published_and_to_no_other(
    client: TestClient[Litestar], folder: Path
) -> None:
    def led_to() -> set[str]:
        return set(re.findall(r'href="/(trust/[^"]+)"', page(client)))

    assert led_to() == FILES.keys()
    (folder / "trust" / "practice.md").unlink()
    assert led_to() == FILES.keys() - {"trust/practice.md"}


@pytest.mark.parametrize("name", FILES)
def test_each_file_is_served_as_what_it_is_and_may_be_mirrored(client: TestClient[Litestar], name: str) -> None:
    kind, data = FILES[name]
    answer = client.get(f"/{name}")
    assert (answer.headers["content-type"], answer.content) == (kind, data)
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert client.head(f"/{name}").status_code == 200


def test_what_is_not_published_is_not_found(client: TestClient[Litestar], folder: Path) -> None:
    for name in FILES:
        (folder / name).unlink()
        assert client.get(f"/{name}").status_code == 404


def test_without_a_root_the_page_says_so_and_shows_no_other(client: TestClient[Litestar], folder: Path) -> None:
    (folder / "anchors" / "root.pem").unlink()
    answer = client.get("/trust", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
