"""Lists as they are handed out: to anybody, from anywhere, and kept no longer than a minute."""

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "http"))

from public_site import ROOT, make_site

NAME = "101-2026q4"
LIST, INDEX = b"eyJ.a.b", b'{"status_lists":[],"lists":[]}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Public facts as the worker leaves them, and a secret beside them."""
    public = tmp_path / "public"
    (public / "status").mkdir(parents=True)
    (public / "status" / f"{NAME}.jwt").write_bytes(LIST)
    (public / "status" / "index.json").write_bytes(INDEX)
    (public / "trust").mkdir()
    (public / "trust" / "verifier.json").write_bytes(b"{}")
    (tmp_path / "secret.jwt").write_bytes(b"kept to ourselves")
    return public


@pytest.fixture
def client(folder: Path) -> Iterator[TestClient[Litestar]]:
    with TestClient(make_site(folder).app) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "media_type", "content"),
    [(f"/status/{NAME}", "application/statuslist+jwt", LIST), ("/status", "application/json", INDEX)],
)
def test_a_list_is_for_everybody_and_fresh_for_a_minute(
    client: TestClient[Litestar], path: str, media_type: str, content: bytes
) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["content-type"] == media_type
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["etag"] == f'"{hashlib.sha256(content).hexdigest()}"'
    assert client.head(path).content == b""


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}'])
def test_a_list_that_is_known_is_not_sent_again(client: TestClient[Litestar], form: str) -> None:
    tag = client.get(f"/status/{NAME}").headers["etag"]
    again = client.get(f"/status/{NAME}", headers={"If-None-Match": form.format(tag)})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert again.headers["cache-control"] == "public, max-age=60"


def test_a_list_that_changed_is_sent(client: TestClient[Litestar], folder: Path) -> None:
    tag = client.get(f"/status/{NAME}").headers["etag"]
    (folder / "status" / f"{NAME}.jwt").write_bytes(b"eyJ.c.d")
    again = client.get(f"/status/{NAME}", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (200, b"eyJ.c.d")


@pytest.mark.parametrize(
    "name",
    [
        "101-2026q3",
        "101-2026q5",
        "0101-2026q4",
        "101-2026Q4",
        "index.json",
        "index",
        "..%2F..%2Fsecret",
        "%2E%2E/secret",
        f"{NAME}.jwt",
        f"{NAME}%00",
        "１01-2026q4",
        "1" * 1500,
    ],
)
def test_another_name_is_not_found(client: TestClient[Litestar], name: str) -> None:
    answer = client.get(f"/status/{name}")
    assert answer.status_code == 404 and b"kept to ourselves" not in answer.content


def test_a_page_elsewhere_may_read_the_keys(client: TestClient[Litestar]) -> None:
    answer = client.get("/trust/verifier.json")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-type"] == "application/jose+json"


def test_lists_are_served_by_every_role() -> None:
    sources = (ROOT / "certsvc" / "http").glob("**/*.py")
    serving = {path.stem for path in sources if "shared_routes(" in path.read_text("utf-8")}
    assert {"public", "trust"} <= serving
