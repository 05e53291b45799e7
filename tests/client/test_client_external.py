"""The client's way with pages that a department laid out: what it asks, in which order, and what it gives back."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from pretended import PretendedService
from test_client_retries import CERTIFICATE

from certsvc.client import Client
from certsvc.client.external import Place, Spot, TakenFile

PDF = b"%PDF-1.7 a page of others"
DIGEST = hashlib.sha256(PDF).hexdigest()
TAKEN = {"sha256": DIGEST, "size": len(PDF), "pages": [{"width_mm": 210.0, "height_mm": 297.0}]}
LICENCE = ("business-licence-company", {"name": "云山市试验有限公司"})


def ask(service: PretendedService, work: Callable[[Client], Awaitable[Any]]) -> Any:
    """Do something with a fresh client."""

    async def story() -> Any:
        async with service.client() as api:
            return await work(api)

    return asyncio.run(story())


def test_without_a_page_the_certificate_is_registered_and_has_no_file() -> None:
    service = PretendedService()
    service.answers = [httpx.Response(201, json=CERTIFICATE)]
    made = ask(service, lambda api: api.external.register(*LICENCE, key="one"))
    assert made.code == CERTIFICATE["code"]
    (asked,) = service.asked
    assert (asked.url.path, asked.headers["idempotency-key"]) == ("/v1/certificates", "one")
    assert service.bodies[0]["layout"] == "external" and service.bodies[0].get("file") is None


def test_a_page_is_sent_first_and_named_in_the_order() -> None:
    service = PretendedService()
    service.answers = [httpx.Response(201, json=TAKEN), httpx.Response(201, json=CERTIFICATE)]
    place = Place(x_mm=150, y_mm=20, module_mm=0.5, seal=Spot(x_mm=160, y_mm=250))
    ask(service, lambda api: api.external.register(*LICENCE, pdf=PDF, place=place))
    sent, ordered = service.asked
    assert (sent.url.path, sent.content, sent.headers["content-type"]) == ("/v1/external-files", PDF, "application/pdf")
    assert ordered.url.path == "/v1/certificates"
    spot = {"x_mm": 160, "y_mm": 250}
    expected = {"sha256": DIGEST, "x_mm": 150, "y_mm": 20, "module_mm": 0.5, "seal": spot}
    assert json.loads(ordered.content)["file"] == expected


def test_the_same_page_is_sent_under_the_same_key() -> None:
    service = PretendedService()
    service.answers = [httpx.Response(201, json=TAKEN)] * 2
    taken = [ask(service, lambda api: api.external.send(PDF)) for _ in range(2)]
    assert all(isinstance(each, TakenFile) and each.pages[0].width_mm == 210.0 for each in taken)
    assert {asked.headers["idempotency-key"] for asked in service.asked} == {f"file-{DIGEST}"}


def test_a_next_version_is_an_act_on_the_one_before_with_a_page_of_its_own() -> None:
    service = PretendedService()
    service.answers = [httpx.Response(201, json=TAKEN), httpx.Response(201, json=CERTIFICATE)]
    place, reason = Place(x_mm=150, y_mm=20), {"reason_code": "lost"}
    made = ask(
        service, lambda api: api.external.register_next("ABCD", "reissue", {}, pdf=PDF, place=place, ground=reason)
    )
    assert made.code == CERTIFICATE["code"]
    _, ordered = service.asked
    assert ordered.url.path == "/v1/certificates/ABCD/acts"
    body = json.loads(ordered.content)
    assert (body["act"], body["layout"], body["ground"]) == ("reissue", "external", reason)
    assert body["file"]["sha256"] == DIGEST


@pytest.mark.parametrize("given", [{"pdf": PDF}, {"place": Place(x_mm=1, y_mm=1)}], ids=["no-place", "no-page"])
def test_a_page_and_a_place_are_given_together(given: dict[str, Any]) -> None:
    service = PretendedService()
    with pytest.raises(ValueError, match="together"):
        ask(service, lambda api: api.external.register(*LICENCE, **given))
    assert service.asked == []


@pytest.mark.parametrize(
    ("work", "path", "query"),
    [
        (lambda api: api.external.qr_svg("ABCD"), "/v1/certificates/ABCD/qr.svg", {}),
        (
            lambda api: api.external.qr_svg("ABCD", module_mm=0.5),
            "/v1/certificates/ABCD/qr.svg",
            {"module_mm": "0.5"},
        ),
        (
            lambda api: api.external.qr_png("ABCD", module_mm=1.0, dpi=600),
            "/v1/certificates/ABCD/qr.png",
            {"module_mm": "1.0", "dpi": "600"},
        ),
        (lambda api: api.external.poster("ABCD", "A5"), "/v1/certificates/ABCD/poster.pdf", {"size": "A5"}),
        (lambda api: api.external.poster("../x?y"), "/v1/certificates/..%2Fx%3Fy/poster.pdf", {"size": "A4"}),
    ],
)
def test_pictures_come_as_they_are(
    work: Callable[[Client], Awaitable[bytes]], path: str, query: dict[str, str]
) -> None:
    service = PretendedService()
    service.answers = [httpx.Response(200, content=b"picture")]
    assert ask(service, work) == b"picture"
    (asked,) = service.asked
    assert asked.url.raw_path.decode().partition("?")[0] == path and dict(asked.url.params) == query
