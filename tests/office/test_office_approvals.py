"""A machine's right to call is not a person's right to seal."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from desk import Desk
from office_room import Caller, Room
from payloads import GROUND, PROOF, a_proof, issued

from certsvc.domain.approval import Decision
from certsvc.domain.calendar import beijing_date
from certsvc.domain.client import ClientKind
from certsvc.ids import parse_typed_code
from certsvc.store.embedded import EmbeddedServer
from certsvc.verify.anchors import AnchorFolder

pytest_plugins = ["office_fixtures"]

PATH, APPROVALS = "/v1/certificates", "/v1/approvals"


async def a_waiting_proof(market: Caller) -> dict[str, Any]:
    """A proof that a system asked for."""
    answer = await market.post(PATH, {"type": PROOF, "payload": a_proof()})
    assert answer.status_code == 202, answer.text
    asked: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"{APPROVALS}/{asked['id']}"
    return asked


async def decided(person: Caller, asked: dict[str, Any], approves: bool, reason: str | None = None) -> Any:
    """What a person says of it."""
    return await person.post(f"{APPROVALS}/{asked['id']}/decisions", {"approves": approves, "reason": reason})


def test_a_proof_waits_for_a_person_and_is_then_issued(market: Caller, approver: Caller, desk: Desk) -> None:
    async def story() -> None:
        asked = await a_waiting_proof(market)
        assert (asked["state"], asked["needed"], asked["request"]) == ("waiting", 1, None)
        seen = (await approver.get(f"{APPROVALS}/{asked['id']}")).json()
        assert seen["request"]["payload"] == a_proof()
        assert asked["id"] in [each["id"] for each in (await approver.get(APPROVALS)).json()["items"]]
        answer = await decided(approver, asked, True)
        assert (answer.status_code, answer.json()["state"]) == (200, "done"), answer.text
        made = (await market.get(f"{PATH}/{answer.json()['result']['code']}")).json()
        assert (made["type"], made["status"]["status"]) == (PROOF, "valid")
        history = (await market.get(f"{PATH}/{made['code']}/history")).json()
        assert history["events"][0]["by"] == "market-system"

    desk.run(story())


@pytest.mark.long
def test_what_is_returned_is_not_issued_and_says_why(market: Caller, approver: Caller, desk: Desk) -> None:
    async def story() -> None:
        asked = await a_waiting_proof(market)
        nothing_said = await decided(approver, asked, False)
        assert nothing_said.status_code in (400, 422), nothing_said.text
        answer = await decided(approver, asked, False, "户内人数与台账不符")
        assert answer.json()["state"] == "returned"
        later = await decided(approver, asked, True)
        assert (later.status_code, later.json()["code"]) == (409, "conflict")
        assert (await market.get(f"{APPROVALS}/{asked['id']}")).json()["decisions"][0]["reason"] == "户内人数与台账不符"

    desk.run(story())


def test_a_system_that_asked_does_not_decide(market: Caller, desk: Desk) -> None:
    async def story() -> None:
        asked = await a_waiting_proof(market)
        answer = await decided(market, asked, True)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")

    desk.run(story())


def test_a_person_beyond_the_scope_sees_nothing(room: Room, market: Caller, desk: Desk) -> None:
    async def story() -> None:
        other = await room.caller("批准人乙", frozenset({"approve:drug-retail"}), ClientKind.PERSON)
        asked = await a_waiting_proof(market)
        for answer in (await other.get(f"{APPROVALS}/{asked['id']}"), await decided(other, asked, True)):
            assert answer.status_code == 404

    desk.run(story())


@pytest.mark.long
def test_an_act_of_two_persons_waits_for_the_second(market: Caller, approver: Caller, desk: Desk) -> None:
    async def story() -> None:
        made = await issued(market)
        answer = await market.post(f"{PATH}/{made['code']}/acts", {"act": "suspend", "ground": GROUND})
        assert (answer.status_code, answer.json()["act"]) == (202, "suspend"), answer.text
        assert (await market.get(f"{PATH}/{made['code']}")).json()["status"]["status"] == "valid"
        done = await decided(approver, answer.json(), True)
        assert done.json()["state"] == "done", done.text
        read = (await market.get(f"{PATH}/{made['code']}")).json()
        assert (read["status"]["status"], read["status"]["national_code"]) == ("suspended", "02")
        event = (await market.get(f"{PATH}/{made['code']}/history")).json()["events"][-1]
        assert (event["by"], event["confirmed_by"]) == ("market-system", "批准人甲")
        assert event["decision_number"] == GROUND["decision_number"]

    desk.run(story())


@pytest.mark.long
def test_an_act_that_cannot_be_done_is_not_put_before_anybody(market: Caller, desk: Desk) -> None:
    async def story() -> None:
        made = await issued(market)
        for body, status, code in (
            ({"act": "resume", "ground": {"reason": "误登"}}, 409, "act_not_allowed"),
            ({"act": "revoke", "ground": {"reason": "无法律依据"}}, 400, "invalid_input"),
            ({"act": "rescind", "ground": GROUND, "organ": "enforcer"}, 403, "forbidden"),
        ):
            answer = await market.post(f"{PATH}/{made['code']}/acts", body)
            assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text

    desk.run(story())


@pytest.mark.long
def test_what_was_approved_and_cannot_be_done_any_more_says_so(market: Caller, approver: Caller, desk: Desk) -> None:
    async def story() -> None:
        made = await issued(market)
        first, second = [
            (await market.post(f"{PATH}/{made['code']}/acts", {"act": act, "ground": GROUND})).json()
            for act in ("revoke", "suspend")
        ]
        assert (await decided(approver, first, True)).json()["state"] == "done"
        failed = (await decided(approver, second, True)).json()
        assert (failed["state"], failed["result"]["error"]["code"]) == ("failed", "act_not_allowed")

    desk.run(story())


@pytest.mark.long
def test_who_asked_may_withdraw_and_nobody_else(market: Caller, approver: Caller, desk: Desk) -> None:
    async def story() -> None:
        asked = await a_waiting_proof(market)
        assert (await approver.post(f"{APPROVALS}/{asked['id']}/withdraw", {})).status_code == 404
        assert (await market.post(f"{APPROVALS}/{asked['id']}/withdraw", {})).json()["state"] == "withdrawn"
        assert (await decided(approver, asked, True)).status_code == 409

    desk.run(story())


@pytest.mark.long
def test_who_saw_the_whole_of_a_request_is_on_record(
    market: Caller, approver: Caller, office_server: tuple[EmbeddedServer, Any], desk: Desk
) -> None:
    async def story() -> None:
        asked = await a_waiting_proof(market)
        for caller in (market, approver):
            assert (await caller.get(f"{APPROVALS}/{asked['id']}")).json()["request"]["payload"] == a_proof()
        statement = "select actor from audit where action = 'view_request' and detail ->> 'approval' = $1"
        connection = await asyncpg.connect(office_server[0].uri("certsvc"))
        try:
            assert [row["actor"] for row in await connection.fetch(statement, asked["id"])] == [approver.client.name]
        finally:
            await connection.close()

    desk.run(story())


def test_only_who_may_approve_under_every_seal_is_shown_a_request(room: Room, market: Caller, desk: Desk) -> None:
    async def story() -> None:
        asked = await a_waiting_proof(market)
        for scope, seen in ((f"approve:{PROOF}:market", False), (f"approve:{PROOF}:*:4419", True)):
            person = await room.caller(f"批准人{scope}", frozenset({scope}), ClientKind.PERSON)
            listed = [each["id"] for each in (await person.get(APPROVALS, params={"limit": 100})).json()["items"]]
            assert (asked["id"] in listed) is seen

    desk.run(story())


# ---- sent again, and what happens in between ----


async def forgotten(server: EmbeddedServer, key: str) -> None:
    """The office died before it could keep its answer, or kept it for seven days."""
    connection = await asyncpg.connect(server.uri("certsvc"))
    try:
        assert await connection.execute("delete from answer where key = $1", key) == "DELETE 1"
    finally:
        await connection.close()


@pytest.mark.long
@pytest.mark.parametrize("what", ["a proof", "an act"])
def test_a_request_sent_again_after_it_was_done_is_the_same_request(
    market: Caller, approver: Caller, office_server: tuple[EmbeddedServer, Any], desk: Desk, what: str
) -> None:
    """By then it could not be asked for anew: the certificate is suspended, the number is taken."""

    async def story() -> None:
        path, body = PATH, {"type": PROOF, "payload": a_proof()}
        if what == "an act":
            path, body = f"{PATH}/{(await issued(market))['code']}/acts", {"act": "suspend", "ground": GROUND}
        key = f"again {what}".replace(" ", "-")
        asked = (await market.post(path, body, key)).json()
        assert (await decided(approver, asked, True)).json()["state"] == "done"
        await forgotten(office_server[0], key)
        again = await market.post(path, body, key)
        assert (again.status_code, again.json()["id"], again.json()["state"]) == (202, asked["id"], "done"), again.text
        await forgotten(office_server[0], key)
        other = await market.post(path, {**body, "act": "revoke"} if what == "an act" else {**body, "payload": {}}, key)
        assert (other.status_code, other.json()["code"]) == (422, "request_key_reused")

    desk.run(story())


@pytest.mark.long
def test_what_changed_before_the_approval_stops_a_next_version_that_expected_nothing_new(
    market: Caller, approver: Caller, desk: Desk
) -> None:
    async def story() -> None:
        done = (await decided(approver, await a_waiting_proof(market), True)).json()
        path = f"{PATH}/{done['result']['code']}"
        seen = (await market.get(path)).headers["etag"]
        again = {"act": "reissue", "ground": {"reason_code": "lost"}, "payload": a_proof()}
        asked = (await market.post(f"{path}/acts", again, If_Match=seen)).json()
        condition = {"reason_code": "documents", "due": "2027-06-30", "legal_basis": "容缺受理"}
        changed = await market.post(f"{path}/acts", {"act": "attach_condition", "ground": condition})
        assert changed.status_code == 201, changed.text
        answer = (await decided(approver, asked, True)).json()
        assert (answer["state"], answer["result"]["error"]["code"]) == ("failed", "changed_meanwhile")

    desk.run(story())


@pytest.mark.long
def test_what_a_client_asked_for_that_was_cut_off_since_can_only_be_returned(
    room: Room, market: Caller, approver: Caller, desk: Desk
) -> None:
    """Its key may have been a thief's."""

    async def story() -> None:
        stolen = await room.caller("stolen-system", frozenset({"suspend:*", "read:*"}))
        made = await issued(market)
        asked = (await stolen.post(f"{PATH}/{made['code']}/acts", {"act": "suspend", "ground": GROUND})).json()
        await room.clients.cut_off(stolen.client.id, "test", "失窃", datetime.now(UTC))
        refused = await decided(approver, asked, True)
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict"), refused.text
        assert (await decided(approver, asked, False, "密钥失窃")).json()["state"] == "returned"
        assert (await market.get(f"{PATH}/{made['code']}")).json()["status"]["status"] == "valid"

    desk.run(story())


# ---- the same promises in the database ----


@pytest.mark.long
@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("update approval set state = 'approved' where id = $1", "not everybody has approved"),
        ("update approval set state = 'done' where id = $1", "does not go from waiting to done"),
        ("update approval set needed = 1, client = 'x' where id = $1", "does not change"),
        ("delete from approval where id = $1", "append-only"),
        (
            "insert into approval_decision (approval_id, person, client, approves, at) "
            "values ($1, 'market-system', 'c', true, now())",
            "nobody approves what they asked for",
        ),
    ],
)
def test_the_database_keeps_the_second_person(
    market: Caller, office_server: tuple[EmbeddedServer, Any], desk: Desk, statement: str, said: str
) -> None:
    async def story() -> None:
        asked = await a_waiting_proof(market)
        connection = await asyncpg.connect(office_server[0].uri("certsvc"))
        try:
            with pytest.raises(asyncpg.PostgresError, match=said):
                await connection.execute(statement, asked["id"])
        finally:
            await connection.close()

    desk.run(story())


# ---- a worker that was down meanwhile ----


async def approved_long_ago(room: Room, approver: Caller, asked: dict[str, Any]) -> datetime:
    """Decided when the authority was new, before the worker's throw-away keys; no worker was there until now."""
    at = AnchorFolder(room.settings.public).current().root.not_valid_before_utc + timedelta(seconds=1)
    said = Decision(person=approver.client.name, approves=True, reason=None, at=at)
    await room.office.approvals.decide(asked["id"], approver.client.id, said)
    return at


async def carried_out(market: Caller, asked: dict[str, Any]) -> dict[str, Any]:
    """The request once the worker is through with it."""
    async with asyncio.timeout(30):
        while True:
            found: dict[str, Any] = (await market.get(f"{APPROVALS}/{asked['id']}")).json()
            if found["state"] != "approved":
                return found
            await asyncio.sleep(0.1)


@pytest.mark.long
def test_what_was_approved_while_no_worker_was_there_is_sealed_now_and_dated_by_the_approval(
    room: Room, market: Caller, approver: Caller, desk: Desk
) -> None:
    async def story() -> None:
        asked = await a_waiting_proof(market)
        decided_at = await approved_long_ago(room, approver, asked)
        done = await carried_out(market, asked)
        assert done["state"] == "done", done["result"]
        code = done["result"]["code"]
        made = (await market.get(f"{PATH}/{code}")).json()
        event = (await market.get(f"{PATH}/{code}/history")).json()["events"][0]
        assert event["effective"] == beijing_date(decided_at).isoformat()
        assert datetime.fromisoformat(made["issued_at"]) > decided_at + timedelta(minutes=30)
        reserved = await room.issuing.register.reservation(parse_typed_code(code))
        assert reserved.reserved_at == decided_at.replace(microsecond=0)

    desk.run(story())


@pytest.mark.long
def test_an_act_approved_while_no_worker_was_there_holds_from_the_approval_and_was_not_known_before(
    room: Room, market: Caller, approver: Caller, desk: Desk
) -> None:
    async def story() -> None:
        made = await issued(market)
        asked = (await market.post(f"{PATH}/{made['code']}/acts", {"act": "suspend", "ground": GROUND})).json()
        decided_at = datetime.now(UTC)
        said = Decision(person=approver.client.name, approves=True, reason=None, at=decided_at - timedelta(minutes=5))
        await room.office.approvals.decide(asked["id"], approver.client.id, said)
        assert (await carried_out(market, asked))["state"] == "done"
        event = (await market.get(f"{PATH}/{made['code']}/history")).json()["events"][-1]
        assert datetime.fromisoformat(event["recorded_at"]) >= decided_at
        assert event["effective"] == beijing_date(said.at).isoformat()

    desk.run(story())
