"""Certificates through the API: issued once, read as they stood, found; and nothing of another's is there."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from desk import Desk
from office_room import Caller, Room
from payloads import FILING, GROUND, a_filing, issued

from certsvc.domain.calendar import beijing_date
from certsvc.ids import parse_typed_code
from certsvc.store.embedded import EmbeddedServer

pytest_plugins = ["office_fixtures"]

PATH = "/v1/certificates"
CONDITION = {"reason_code": "commitment", "due": "2027-06-30", "legal_basis": "告知承诺制"}


def test_a_certificate_is_issued_sealed_by_the_worker_and_read_again(market: Caller, desk: Desk) -> None:
    async def story() -> None:
        made = await issued(market)
        assert (made["state"], made["status"]["status"]) == ("issued", "valid")
        read = (await market.get(f"{PATH}/{made['code']}")).json()
        assert {**read, "status": None} == {**made, "status": None}
        pdf = await market.get(made["documents"][0]["href"])
        assert (pdf.status_code, pdf.headers["content-type"], pdf.content[:5]) == (200, "application/pdf", b"%PDF-")
        assert pdf.headers["etag"] == f'"{made["documents"][0]["sha256"]}"'

    desk.run(story())


def test_the_office_itself_has_no_key(room: Room) -> None:
    keys = room.office.issuing.keys
    now = datetime.now(UTC)
    for ask in (lambda: keys.sealing("market"), lambda: keys.token_key(now), lambda: keys.timestamper):
        with pytest.raises(Exception, match="has no keys"):
            ask()


def test_what_is_wrong_with_the_content_is_said_by_field_and_nothing_goes_on_record(market: Caller, desk: Desk) -> None:
    async def story() -> None:
        answer = await market.post(PATH, {"type": FILING, "payload": a_filing(uscc="91440300713555564J")})
        assert (answer.status_code, answer.json()["code"]) == (422, "payload_invalid")
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert [problem["field"] for problem in answer.json()["problems"]] == ["uscc"]

    desk.run(story())


def test_a_type_that_is_not_there_is_a_problem_of_the_request(market: Caller, desk: Desk) -> None:
    async def story() -> None:
        answer = await market.post(PATH, {"type": "moon-landing", "payload": {}})
        assert answer.status_code == 404, answer.text

    desk.run(story())


@pytest.mark.long
def test_a_dry_run_says_what_would_be_and_leaves_nothing(room: Room, market: Caller, desk: Desk) -> None:
    async def story() -> None:
        payload = a_filing()
        answer = await market.post(PATH, {"type": FILING, "payload": payload, "dry_run": True})
        assert (answer.status_code, answer.json()["dry_run"]) == (200, True), answer.text
        found = await market.get(PATH, params={"number": answer.json()["number"]})
        assert found.json()["items"] == []
        made = await market.post(PATH, {"type": FILING, "payload": payload})
        assert made.json()["number"] == answer.json()["number"]

    desk.run(story())


def test_a_dry_run_finds_what_only_the_page_shows(market: Caller, desk: Desk) -> None:
    async def story() -> None:
        payload = a_filing(scope="\U0002fa1d经营范围")
        answer = await market.post(PATH, {"type": FILING, "payload": payload, "dry_run": True})
        assert (answer.status_code, answer.json()["code"]) == (422, "missing_glyph"), answer.text

    desk.run(story())


@pytest.mark.long
def test_a_certificate_reads_as_it_stood_and_as_was_known(market: Caller, approver: Caller, desk: Desk) -> None:
    async def story() -> None:
        made = await issued(market)
        before = datetime.now(UTC)
        body = {"act": "recheck", "ground": {}}
        refused = await market.post(f"{PATH}/{made['code']}/acts", body)
        assert refused.status_code == 400, refused.text
        tomorrow = beijing_date(before) + timedelta(days=1)
        read = await market.get(f"{PATH}/{made['code']}", params={"on": tomorrow.isoformat()})
        assert read.json()["status"]["status"] == "valid"
        long_ago = await market.get(f"{PATH}/{made['code']}", params={"known_at": "2026-01-01T00:00:00Z"})
        assert long_ago.json()["status"] is None

    desk.run(story())


@pytest.mark.long
def test_what_has_not_changed_is_not_sent_again(market: Caller, desk: Desk) -> None:
    async def story() -> None:
        made = await issued(market)
        read = await market.get(f"{PATH}/{made['code']}")
        again = await market.get(f"{PATH}/{made['code']}", headers={"If-None-Match": read.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")

    desk.run(story())


@pytest.mark.long
def test_what_was_read_yesterday_is_sent_again_today_and_may_still_be_acted_upon(market: Caller, desk: Desk) -> None:
    """What is on record for today was another state yesterday; who acts goes by the entries."""

    async def story() -> None:
        made = await issued(market)
        path, today = f"{PATH}/{made['code']}", beijing_date(datetime.now(UTC))
        read = (await market.get(path)).headers["etag"]
        of_yesterday = read.replace(today.isoformat(), (today - timedelta(days=1)).isoformat())
        assert of_yesterday != read
        assert (await market.get(path, headers={"If-None-Match": of_yesterday})).status_code == 200
        attach = {"act": "attach_condition", "ground": CONDITION}
        assert (await market.post(f"{path}/acts", attach, If_Match=of_yesterday)).status_code == 201

    desk.run(story())


@pytest.mark.long
def test_lists_go_on_where_they_ended(market: Caller, desk: Desk) -> None:
    async def story() -> None:
        for _ in range(3):
            await issued(market)
        whole = (await market.get(PATH, params={"type": FILING, "limit": 100})).json()["items"]
        codes: list[str] = []
        cursor: str | None = None
        while True:
            params: dict[str, Any] = {"type": FILING, "limit": 2} | ({"cursor": cursor} if cursor else {})
            page = (await market.get(PATH, params=params)).json()
            codes += [item["code"] for item in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert codes == [item["code"] for item in whole] and len(codes) >= 3

    desk.run(story())


@pytest.mark.parametrize("cursor", ["x", "W10", "WyIyMDI2LTExLTI2VDAwOjAwOjAwIiwgIkEiXQ", "é", "A" * 300])
def test_a_cursor_that_is_none_of_ours_is_refused(market: Caller, desk: Desk, cursor: str) -> None:
    answer = desk.run(market.get(PATH, params={"cursor": cursor}))
    assert answer.status_code == 400, answer.text


@pytest.mark.long
def test_what_a_business_holds_is_found_by_its_code(market: Caller, desk: Desk) -> None:
    async def story() -> None:
        made = await issued(market)
        found = await market.http.post(f"{PATH}/held-by", json={"code": made["subject"], "limit": 100})
        assert made["code"] in [item["code"] for item in found.json()["items"]]

    desk.run(story())


# ---- what is another's ----


@pytest.mark.long
def test_what_a_client_may_not_read_does_not_exist_for_it(room: Room, market: Caller, desk: Desk) -> None:
    async def story() -> None:
        other = await room.caller(
            "drug-system", frozenset({"read:drug-retail", "issue:drug-retail", "suspend:drug-retail"})
        )
        made = await issued(market)
        nothing = "0000-0000-0000-0000-0"
        for code in (made["code"], nothing):
            for answer in (
                await other.get(f"{PATH}/{code}"),
                await other.get(f"{PATH}/{code}/history"),
                await other.get(f"{PATH}/{code}/documents/sheet"),
                await other.post(f"{PATH}/{code}/acts", {"act": "suspend", "ground": {"reason": "x"}}),
            ):
                assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), answer.text
        assert (await other.get(PATH, params={"number": made["number"]})).json()["items"] == []

    desk.run(story())


@pytest.mark.long
def test_a_sealed_file_holds_more_than_the_public_sees_and_is_not_for_everybody_who_reads(
    room: Room, market: Caller, office_server: tuple[EmbeddedServer, Any], desk: Desk
) -> None:
    async def story() -> None:
        made = await issued(market)
        file, why = made["documents"][0]["href"], {"why": "年检核对原件"}
        reader = await room.caller("reader", frozenset({f"read:{FILING}"}))
        viewer = await room.caller("viewer", frozenset({f"view:{FILING}"}))
        for params in ({}, why):
            refused = await reader.get(file, params=params)
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), refused.text
        unsaid = await viewer.get(file)
        assert (unsaid.status_code, unsaid.json()["code"]) == (400, "invalid_input")
        assert (await viewer.get(file, params=why)).content == (await market.get(file)).content
        views = await fetch(
            office_server[0],
            "select actor, detail ->> 'why' from audit where action = 'view' and ref = $1 order by id",
            parse_typed_code(made["code"]).to_bytes(),
        )
        assert [tuple(view) for view in views] == [("viewer", why["why"])]

    desk.run(story())


async def fetch(server: EmbeddedServer, statement: str, *values: object) -> list[Any]:
    """What the database holds."""
    connection = await asyncpg.connect(server.uri("certsvc"))
    try:
        return list(await connection.fetch(statement, *values))
    finally:
        await connection.close()


def test_an_area_beyond_the_scope_is_refused(room: Room, desk: Desk) -> None:
    async def story() -> None:
        other = await room.caller("shenzhen", frozenset({f"issue:{FILING}:*:4403", f"read:{FILING}:*:4403"}))
        answer = await other.post(PATH, {"type": FILING, "payload": a_filing()})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")

    desk.run(story())


def test_a_seal_beyond_the_scope_is_refused(room: Room, desk: Desk) -> None:
    async def story() -> None:
        other = await room.caller("other-seal", frozenset({f"issue:{FILING}:health"}))
        answer = await other.post(PATH, {"type": FILING, "payload": a_filing()})
        assert answer.status_code == 403, answer.text

    desk.run(story())


NO_TOKEN = 'Bearer realm="certsvc"'
BAD_TOKEN = NO_TOKEN + ', error="invalid_token"'


@pytest.mark.parametrize(
    ("header", "challenge"),
    [
        (None, NO_TOKEN),
        ("Basic YTpi", NO_TOKEN),
        ("Bearer", NO_TOKEN),
        ("Bearer x", BAD_TOKEN),
        ("Bearer " + "x" * 9000, BAD_TOKEN),
    ],
)
def test_without_a_token_nothing_is_read_and_only_bearer_is_offered(
    market: Caller, desk: Desk, header: str | None, challenge: str
) -> None:
    answer = desk.run(market.http.get(PATH, headers={"Authorization": header or ""}))
    assert (answer.status_code, answer.json()["code"]) == (401, "wrong_credentials")
    assert answer.headers["www-authenticate"] == challenge


# ---- what changed meanwhile ----


@pytest.mark.long
def test_an_act_upon_what_has_changed_since_is_refused_and_does_nothing(
    market: Caller, approver: Caller, desk: Desk
) -> None:
    async def story() -> None:
        made = await issued(market)
        path = f"{PATH}/{made['code']}"
        seen = (await market.get(path)).headers["etag"]
        attach = {"act": "attach_condition", "ground": CONDITION}
        assert (await market.post(f"{path}/acts", attach, If_Match=seen)).status_code == 201
        lift = {"act": "lift_condition", "ground": {"reason_code": "commitment"}}
        whole = (await market.get(f"{path}/payload", params={"why": "补发前核对"})).json()["payload"]
        again = {"act": "reissue", "ground": {"reason_code": "lost"}, "payload": whole}
        for body in (lift, {"act": "suspend", "ground": GROUND}, again):
            late = await market.post(f"{path}/acts", body, If_Match=seen)
            assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile"), late.text
        now = (await market.get(path)).headers["etag"]
        assert now != seen
        assert (await market.post(f"{path}/acts", lift, If_Match=now)).status_code == 201

    desk.run(story())


@pytest.mark.long
def test_what_changed_between_the_request_and_the_approval_stops_an_act_that_expected_nothing_new(
    market: Caller, approver: Caller, desk: Desk
) -> None:
    async def story() -> None:
        made = await issued(market)
        path = f"{PATH}/{made['code']}"
        seen = (await market.get(path)).headers["etag"]
        asked = (await market.post(f"{path}/acts", {"act": "suspend", "ground": GROUND}, If_Match=seen)).json()
        await market.post(f"{path}/acts", {"act": "attach_condition", "ground": CONDITION})
        answer = await approver.post(f"/v1/approvals/{asked['id']}/decisions", {"approves": True})
        assert (answer.json()["state"], answer.json()["result"]["error"]["code"]) == ("failed", "changed_meanwhile")

    desk.run(story())
