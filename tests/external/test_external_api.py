"""Pages laid out elsewhere through the API: sent, ordered, sealed by the worker; QRs and posters of any certificate."""

import asyncio
import io
import re
import secrets
import sys
from pathlib import Path
from typing import Any

import httpx
import pypdfium2
import pytest
import zxingcpp
from desk import Desk
from external_walks import LICENCE, order
from foreign_pages import QR, a_page, picture
from PIL import Image

from certsvc.client import ApiError, Client
from certsvc.client.external import Place
from certsvc.client.shapes import Certificate

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "office"))
from office_room import Caller, Room

pytest_plugins = ["office_fixtures"]
FILES, CERTIFICATES = "/v1/external-files", "/v1/certificates"


async def send(caller: Caller, data: bytes, kind: str = "application/pdf", key: str | None = None) -> httpx.Response:
    headers = {"Content-Type": kind, "Idempotency-Key": key or secrets.token_hex(8)}
    return await caller.http.post(FILES, content=data, headers=headers)


def asked(serial: int, **more: Any) -> dict[str, Any]:
    return {"type": LICENCE, "payload": dict(order(serial).payload), "layout": "external", **more}


async def issued(caller: Caller, body: dict[str, Any]) -> dict[str, Any]:
    """Ordered, and read again until the worker has issued it: it may take longer than the office waits."""
    answer = await caller.post(CERTIFICATES, body)
    assert answer.status_code in (201, 202), answer.text
    made: dict[str, Any] = answer.json()
    while made["state"] != "issued":
        await asyncio.sleep(0.2)
        made = (await caller.get(f"{CERTIFICATES}/{made['code']}")).json()
    return made


def test_a_page_is_sent_ordered_and_sealed_by_the_worker(market: Caller, desk: Desk) -> None:
    async def story() -> None:
        page = a_page()
        sent = await send(market, page, key="a-page")
        assert sent.status_code == 201, sent.text
        taken = sent.json()
        assert taken["pages"] == [{"width_mm": 297.04, "height_mm": 209.9}]
        again = await send(market, page, key="a-page")
        assert (again.json(), again.headers["idempotency-replayed"]) == (taken, "true")
        place = {"sha256": taken["sha256"], "page": 1, "x_mm": 200, "y_mm": 20, "module_mm": 0.42}
        made = await issued(market, asked(501, file=place))
        assert (made["layout"], [document["layout"] for document in made["documents"]]) == ("external", ["external"])
        pdf = (await market.get(made["documents"][0]["href"])).content
        assert made["url"].upper() in {code.text for code in zxingcpp.read_barcodes(picture(pdf, 200))}

    desk.run(story())


def test_without_a_file_there_is_a_code_and_a_qr_and_no_document(market: Caller, desk: Desk) -> None:
    async def story() -> None:
        made = await issued(market, asked(502))
        assert (made["state"], made["documents"], made["layout"]) == ("issued", [], "external")
        svg = await market.get(f"{CERTIFICATES}/{made['code']}/qr.svg", params={"module_mm": 0.5})
        assert (svg.status_code, svg.headers["content-type"]) == (200, "image/svg+xml")
        assert svg.headers["content-disposition"] == f'inline; filename="{made["code"]}.svg"'
        png = await market.get(f"{CERTIFICATES}/{made['code']}/qr.png", params={"module_mm": 0.5, "dpi": 600})
        image = Image.open(io.BytesIO(png.content))
        (code,) = zxingcpp.read_barcodes(image, formats=QR)
        assert code.text == made["url"].upper()
        width = re.match(rb'<svg xmlns="[^"]+" width="([0-9.]+)mm"', svg.content)
        assert width is not None
        assert abs(image.width / image.info["dpi"][0] * 25.4 - float(width[1])) < 65 * 25.4 / 600 / 2, (
            "half a dot a module"
        )

    desk.run(story())


@pytest.mark.long
@pytest.mark.parametrize("size", ["A4", "A5"])
def test_every_certificate_has_a_poster(market: Caller, desk: Desk, size: str) -> None:
    async def story() -> None:
        body = {key: value for key, value in asked(503 + len(size)).items() if key != "layout"}
        body["payload"]["uscc"] = order(503 if size == "A4" else 504).payload["uscc"]
        made = await issued(market, body)
        assert made["layout"] is None
        answer = await market.get(f"{CERTIFICATES}/{made['code']}/poster.pdf", params={"size": size})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
        (code,) = zxingcpp.read_barcodes(picture(answer.content, 200), formats=QR)
        assert code.text == made["url"].upper()
        with pypdfium2.PdfDocument(answer.content) as document:
            text = document[0].get_textpage().get_text_bounded()
        assert made["code"] in text and body["payload"]["name"] in text

    desk.run(story())


def test_a_reissue_that_says_nothing_of_its_page_is_told_what_is_missing(market: Caller, desk: Desk) -> None:
    async def story() -> None:
        made = await issued(market, asked(511))
        again = {"act": "reissue", "ground": {"reason_code": "lost"}, "payload": asked(511)["payload"]}
        refused = await market.post(f"{CERTIFICATES}/{made['code']}/acts", again)
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_input"), refused.text
        assert [problem["code"] for problem in refused.json()["problems"]] == ["layout_kept"]
        said = await market.post(f"{CERTIFICATES}/{made['code']}/acts", {**again, "layout": "external"})
        assert said.status_code in (201, 202) and said.json()["layout"] == "external", said.text

    desk.run(story())


REFUSED = {
    "not-a-pdf": (b"GIF89a", "application/pdf", 415, "not_a_pdf"),
    "called-something-else": (b"%PDF-1.7", "image/png", 415, "wrong_media_type"),
    "damaged": (b"%PDF-1.7\n", "application/pdf", 422, "external_file_refused"),
    "too-large": (b"%PDF-" + bytes(20 * 1024 * 1024), "application/pdf", 413, "file_too_large"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_page_is_refused(market: Caller, desk: Desk, name: str) -> None:
    data, kind, status, code = REFUSED[name]

    async def story() -> None:
        answer = await send(market, data, kind)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text

    desk.run(story())


def test_the_file_of_another_client_does_not_exist(room: Room, market: Caller, desk: Desk) -> None:
    async def story() -> None:
        other = await room.caller("another-system", frozenset({"issue:*", "read:*"}))
        sent = (await send(other, a_page(b"0 0 0 rg 60 60 7 7 re f"))).json()
        answer = await market.post(CERTIFICATES, asked(505, file={"sha256": sent["sha256"], "x_mm": 200, "y_mm": 20}))
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

    desk.run(story())


def test_who_may_issue_nothing_may_send_nothing(room: Room, desk: Desk) -> None:
    async def story() -> None:
        reader = await room.caller("a-reader", frozenset({"read:*"}))
        assert (await send(reader, a_page())).status_code == 403

    desk.run(story())


def test_a_place_that_is_not_empty_is_said_before_anything_is_on_record(market: Caller, desk: Desk) -> None:
    async def story() -> None:
        sent = (await send(market, a_page())).json()
        body = asked(506, file={"sha256": sent["sha256"], "x_mm": 15, "y_mm": 15}, dry_run=True)
        answer = await market.post(CERTIFICATES, body)
        assert (answer.status_code, answer.json()["code"]) == (422, "external_file_refused")
        assert [problem["code"] for problem in answer.json()["problems"]] == ["place_not_empty"]

    desk.run(story())


def test_sizes_that_no_printer_prints_are_refused(market: Caller, desk: Desk) -> None:
    async def story() -> None:
        made = await issued(market, asked(507))
        for picture_asked, params in (
            ("qr.svg", {"module_mm": 0.39}),
            ("qr.png", {"module_mm": 0.4, "dpi": 72}),
            ("qr.png", {"module_mm": 20, "dpi": 2400}),
            ("qr.png", {"module_mm": "nan"}),
            ("poster.pdf", {"size": "A0"}),
        ):
            answer = await market.get(f"{CERTIFICATES}/{made['code']}/{picture_asked}", params=params)
            assert answer.status_code == 400, (picture_asked, params, answer.text)

    desk.run(story())


def test_the_qr_of_what_a_client_may_not_read_does_not_exist(room: Room, market: Caller, desk: Desk) -> None:
    async def story() -> None:
        made = await issued(market, asked(508))
        stranger = await room.caller("a-stranger", frozenset({"read:food-business"}))
        for name in ("qr.svg", "qr.png", "poster.pdf"):
            assert (await stranger.get(f"{CERTIFICATES}/{made['code']}/{name}")).status_code == 404

    desk.run(story())


@pytest.mark.long
def test_the_client_registers_sends_and_gets_pictures(room: Room, market: Caller, desk: Desk) -> None:
    async def story() -> None:
        url, transport = room.settings.office_url, httpx.ASGITransport(room.app)  # type: ignore[arg-type]  # two spellings of ASGI
        async with Client(url, market.client.id, market._key, kid="one", transport=transport) as api:
            place = Place(x_mm=200, y_mm=20, module_mm=0.42)
            payload = dict(order(509).payload)
            made = await api.external.register(LICENCE, payload, pdf=a_page(), place=place, key="by-the-client")
            assert isinstance(made, Certificate) and made.layout == "external" and made.url
            links = [made.url.upper()]
            sealed = await api.certificates.document(made.code)
            assert links[0] in {code.text for code in zxingcpp.read_barcodes(picture(sealed, 200))}
            png = Image.open(io.BytesIO(await api.external.qr_png(made.code, module_mm=0.5, dpi=600)))
            assert [code.text for code in zxingcpp.read_barcodes(png, formats=QR)] == links
            assert (await api.external.qr_svg(made.code, module_mm=0.5)).startswith(b"<svg ")
            for poster in (await api.external.poster(made.code), await api.external.poster(made.code, "A5")):
                assert [code.text for code in zxingcpp.read_barcodes(picture(poster, 200), formats=QR)] == links
            lost = {"reason_code": "lost"}
            again = await api.external.register_next(
                made.code, "reissue", payload, pdf=a_page(), place=place, ground=lost
            )
            assert isinstance(again, Certificate) and (again.version, again.layout) == (2, "external")
            assert again.code != made.code and await api.certificates.document(again.code) != sealed
            with pytest.raises(ApiError, match=r"."):
                await api.external.send(b"no PDF")

    desk.run(story())
