"""A department's sealed document dropped on the public page: what the page and the machine's answer say of it."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from public_site import NOW, SEALED_AT, PublicSite, make_site

from certsvc.domain.document_seal import DepartmentDocument, SealOnRecord
from certsvc.verify.inspection import Inspection, Signer
from certsvc.verify.report import Check, Outcome

MARKET, HEALTH = "11441900007330010D", "11441900007331013X"
SEALS = (
    SealOnRecord(id="market-documents", owner="云山市市场监督管理局", owner_uscc=MARKET, purpose="文件专用章"),
    SealOnRecord(id="health-documents", owner="云山市卫生健康局", owner_uscc=HEALTH, purpose=None),
)
Client = TestClient[Litestar]


@pytest.fixture
def site(tmp_path: Path) -> PublicSite:
    return make_site(tmp_path)


@pytest.fixture
def client(site: PublicSite) -> Iterator[Client]:
    with TestClient(site.app) as opened:
        yield opened


def document(owners: tuple[str, ...] = (MARKET, HEALTH)) -> bytes:
    """A file that inspects as one under our seals, without the data of a certificate."""
    kinds = ("coverage", "padding", "cms", "signature", "signer", "revocation", "timestamp", "docmdp")
    failed = Check("format", Outcome.FAILED, "header")  # how its pages are built is not ours
    signers = tuple(Signer(owner, NOW.timestamp(), b"", b"") for owner in owners)
    checks = (failed, *(Check(kind, Outcome.PASSED, "intact") for kind in kinds))
    return SEALED_AT + msgspec.json.encode(Inspection(checks=checks, signers=signers, is_ours=True))


def record(site: PublicSite, data: bytes) -> None:
    """Put it on record."""
    digest = hashlib.sha256(data).digest()
    site.shelf.papers[digest] = DepartmentDocument(sha256=digest, recorded_at=NOW, seals=SEALS)


def test_the_machine_s_answer_names_the_seals_and_no_certificate(client: Client, site: PublicSite) -> None:
    record(site, document())
    answer = client.post("/verify", files={"file": ("a.pdf", document())}, headers={"Accept": "application/json"})
    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["verdict"], shown["document"], shown["term"]) == ("department_document", "sound", "unknown")
    assert shown["register"] is shown["certificate"] is None
    at = NOW.isoformat(timespec="seconds")
    assert shown["department_document"] == {
        "on_record_since": at,
        "seals": [
            {
                "seal": seal.id,
                "owner": {"name": seal.owner, "uscc": seal.owner_uscc},
                "purpose": seal.purpose,
                "sealed_at": at,
            }
            for seal in SEALS
        ],
    }


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh", ("印章真实", "部门的文件，不是证照", "云山市卫生健康局", "market-documents", "2 枚", "这不是证照")),
        ("en", ("Seal genuine", "not a certificate", "云山市卫生健康局", "health-documents", "Sealed at")),
    ],
)
def test_the_page_says_it_in_both_languages(
    client: Client, site: PublicSite, language: str, words: tuple[str, ...]
) -> None:
    record(site, document())
    answer = client.post(
        f"/verify?lang={language}", files={"file": ("a.pdf", document())}, headers={"Accept": "text/html"}
    )
    assert answer.status_code == 200
    assert [word for word in words if word not in answer.text] == []
    assert '<section class="verdict page"' in answer.text and "verdict ok" not in answer.text


def test_what_is_not_on_record_is_not_valid_and_says_why(client: Client) -> None:
    headers = {"Accept": "text/html"}
    answer = client.post("/verify?lang=zh", files={"file": ("a.pdf", document())}, headers=headers)
    assert answer.status_code == 200
    for word in ("无效", "有印章，没有登记", "登记簿中没有这个文件"):
        assert word in answer.text
    assert "云山市" not in answer.text


def test_a_certificate_s_answer_has_no_department_document(client: Client) -> None:
    unsealed = SEALED_AT + msgspec.json.encode(Inspection(checks=(Check("signature", Outcome.FAILED, "no_seal"),)))
    answer = client.post("/verify", files={"file": ("a.pdf", unsealed)}, headers={"Accept": "application/json"})
    assert (answer.json()["verdict"], answer.json()["department_document"]) == ("not_valid", None)
