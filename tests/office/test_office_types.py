"""What a department learns of the types before it asks: and what it learns is enough to ask."""

from desk import Desk
from office_room import Caller, Room

pytest_plugins = ["office_fixtures"]


def test_the_example_of_every_type_passes_its_own_checks(room: Room, market: Caller, desk: Desk) -> None:
    async def story() -> None:
        kinds = (await market.get("/v1/types")).json()
        assert {kind["id"] for kind in kinds} == {kind.id for kind in room.office.issuing.catalog}
        for kind in kinds:
            whole = (await market.get(kind["href"])).json()
            assert room.office.issuing.catalog.latest(kind["id"]).problems(whole["example"]) == [], kind["id"]
            assert {field["key"] for field in whole["fields"]} <= set(whole["schema"]["properties"])

    desk.run(story())


def test_proofs_say_that_a_person_approves_them(market: Caller, desk: Desk) -> None:
    kinds = desk.run(market.get("/v1/types")).json()
    assert {kind["approvals"] for kind in kinds if kind["category"] == "proof"} == {1}
    assert {kind["approvals"] for kind in kinds if kind["category"] == "licence"} == {0}


def test_a_client_learns_who_it_is(market: Caller, desk: Desk) -> None:
    told = desk.run(market.get("/v1/me")).json()
    assert (told["id"], told["name"], told["kind"]) == (market.client.id, "market-system", "system")
    assert told["scopes"] == sorted(market.client.scopes) and told["demonstration"] is True
