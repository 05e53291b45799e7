"""For whom a delivery is made at all: exactly for those who may know, whatever else of what is told they may know."""

from itertools import product

from telling_desk import MARKET, NOW, Database, Desk, told

from certsvc.domain.actor import Actor
from certsvc.ids import Ref

pytest_plugins = ["store_fixtures"]

TYPES, SEALS, AREAS = ("business-licence", "food-permit"), ("amr", "fire"), ("441900", "440300")
PLACES = [
    *(("read", *place) for place in product(TYPES, SEALS, AREAS)),
    *(("decide", type_id, None, area) for type_id, area in product(TYPES, AREAS)),
]
"""Every combination of what is told of: action, type, seal and area."""

CLIENTS = {
    "everything": ["read:*", "decide:*"],
    "all certificates": ["read:*"],
    "all parts": ["decide:*"],
    "one type": ["read:food-permit", "decide:food-permit"],
    "one seal": ["read:*:fire"],
    "one area": ["read:*:*:4419", "decide:*:*:4419"],
    "one place": ["read:food-permit:amr:441900"],
    "two places": ["read:food-permit:amr:4419", "read:business-licence:fire:4403"],
    "a part here, certificates there": ["decide:food-permit:*:4403", "read:food-permit:*:4419"],
    "parts of one type here, of another there": ["decide:food-permit:*:4403", "decide:business-licence:*:4419"],
    "what tells nothing": ["view:*", "issue:*", "case:*"],
}
TELL = """insert into notice (at, kind, client, data, action, type_id, seal_id, area, slot, ref)
    values ($1, 'a.told', $2, '{}', $3, $4, $5, $6, $7, $8) returning id"""


async def tell_of(desk: Desk, place: tuple[str, str, str | None, str], client: str | None, ref: Ref) -> int:
    """Something is told of a place, and of a client by name."""
    where = (ref.slot, ref.to_bytes()) if place[0] == "read" else (None, None)
    ((number,),) = await desk.fetch(TELL, NOW, client, *place, *where)
    return int(number)


def test_a_delivery_is_made_for_exactly_those_who_may_know(database: Database) -> None:
    """All is told at once, and every client may know something that is told beside it."""

    async def story(desk: Desk) -> None:
        for name, scopes in CLIENTS.items():
            await desk.client(name, ["notify:*", *scopes])
            await desk.hook("https://hooks.example.com/", client=name, kinds=["a.told"])
        ref = await desk.licence()
        expected = set[tuple[str, int]]()
        for place in PLACES:
            number = await tell_of(desk, place, None, ref)
            action, type_id, seal_id, area = place
            for name, scopes in CLIENTS.items():
                actor, seals = Actor(name=name, scopes=frozenset(scopes)), [seal_id] if seal_id else []
                expected |= {(name, number)} if actor.may(action, type_id, seals, area) else set()
        expected.add(("what tells nothing", await tell_of(desk, PLACES[0], "what tells nothing", ref)))
        await desk.notices.settle(NOW)
        made = await desk.fetch(
            "select h.client, d.notice_id from webhook_delivery d join webhook h on h.id = d.webhook_id"
        )
        one = next(number for name, number in expected if name == "what tells nothing")
        assert {each for each in made if each[1] != one} == {each for each in expected if each[1] != one}
        assert ("what tells nothing", one) in made and ("all parts", one) not in made

    told(database, story)


def test_who_is_cut_off_or_may_not_be_told_any_more_gets_no_delivery(database: Database) -> None:
    async def story(desk: Desk) -> None:
        for name in ("cut off", "not to be told"):
            await desk.client(name)
            await desk.hook("https://hooks.example.com/", client=name)
        await desk.hook("https://hooks.example.com/", client=MARKET)
        await desk.cut_off("cut off")
        await desk.client("not to be told", ["read:*"])
        await desk.licence()
        await desk.notices.settle(NOW)
        made = await desk.fetch("select h.client from webhook_delivery d join webhook h on h.id = d.webhook_id")
        assert made == [(MARKET,)]

    told(database, story)
