"""A city with towns and villages, and histories of requests written past all guards but the one that counts."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg

from certsvc.domain.organ import Arrival, Handover, Organ, OrganDuty, OrganKind
from certsvc.ids import Uscc, organisation_check_character, uscc_check_character
from certsvc.store.organs import PostgresOrgans
from certsvc.store.pool import Pool

AREA, KINDS = "441900", ("tiered-water-proof", "grave-relocation-proof", "no-criminal-record-proof")
START = datetime(2026, 9, 1, 1, 0, tzinfo=UTC)
BY = "市民政局"

ONLY_COUNTING = (
    "alter table proof_request_event enable always trigger count_proof_event; set session_replication_role = replica"
)
OPEN = """
insert into proof_request (id, organ, type_id, origin, opened_by, key, digest, opened_at, code_hash, due, version,
  state, changed_at, handler, identity_how, identity_by, identity_at, consent_what, consent_how, consent_at,
  approval_id, sealed, key_id)
values ($1::text, $2, $3, 'counter', 'a', $1::text, sha256($1::text::bytea), $4, sha256($1::text::bytea), $5, $6, $7,
  $8, 'a', 'in_person', 'a', $4, 'x', 'in_person', $4, 'p', 'x', 'k')
"""
EVENT = """
insert into proof_request_event (request_id, version, act, state, person, at, reason, approval_id, identity_how)
values ($1, $2::int, $3::text, '', '林晓芸', $4, case when $3::text in ('return', 'reopen', 'ask_cancel') then 'x' end,
  case when $3::text in ('submit', 'ask_cancel') then $1::text || ' ' || ($2::int)::text end, null)
"""
AFTER = {
    "open": "draft",
    "submit": "submitted",
    "return": "returned",
    "approve": "approved",
    "seal": "sealed",
    "withdraw": "withdrawn",
    "cancel": "cancelled",
}
NEXT: dict[str, tuple[tuple[str, ...], ...]] = {
    "open": (("submit",), ("submit",), ("withdraw",), ()),
    "submit": (("approve",), ("approve",), ("return",), ("withdraw",), ()),
    "return": (("submit",), ("withdraw",), ()),
    "approve": (("seal",), ("seal",), ("seal",), ()),
    "seal": (("cancel",), (), ()),
    "withdraw": ((),),
    "cancel": ((),),
}


def uscc_of(number: int) -> Uscc:
    """A made-up code with good check characters."""
    body = f"ME{number:06d}"
    first = f"54{AREA}{body}"
    seventeen = first + organisation_check_character(body)
    return Uscc(seventeen + uscc_check_character(seventeen))


@dataclass(frozen=True, slots=True)
class Region:
    """A city, its towns, and their villages."""

    city: Organ
    towns: Sequence[Organ]
    villages: Sequence[Organ]

    @property
    def all(self) -> list[Organ]:
        """All of them."""
        return [self.city, *self.towns, *self.villages]

    def with_village(self, number: int, village: Organ) -> "Region":
        """The same with another village in a place."""
        villages = [*self.villages[:number], village, *self.villages[number + 1 :]]
        return Region(self.city, self.towns, villages)


def region(towns: int = 2, each: int = 3) -> Region:
    """A made-up city."""
    city = Organ(uscc=uscc_of(1), kind=OrganKind.CITY, name="云山市民政局", area=AREA)
    named = ["云岗镇", "荔江镇", "白石街道", "松园镇"]
    its = [
        Organ(uscc=uscc_of(10 + n), kind=OrganKind.TOWN, name=f"云山市{named[n % 4]}人民政府", area=AREA)
        for n in range(towns)
    ]
    words = ["石塘", "荔湾", "新围", "上径", "竹溪", "大塱", "水边", "东岸"]
    villages = [
        Organ(
            uscc=uscc_of(100 + n),
            kind=OrganKind.VILLAGE,
            name=f"云山市{named[n // each % 4]}{words[n % 8]}村民委员会",
            area=AREA,
            town=its[n // each].uscc,
            number_word=f"{words[n % 8]}{'' if n < 8 else '新旧东西南北'[n // 8 - 1]}村",
        )
        for n in range(towns * each)
    ]
    return Region(city, its, villages)


async def put(pool: Pool, made: Region, people: Sequence[tuple[str, str, Organ, OrganDuty]], now: datetime) -> None:
    """The organs go on record, and who does what in them: account, name, organ, duty."""
    organs = PostgresOrgans(pool)
    for organ in made.all:
        await organs.put(organ, BY, now)
    for account, name, organ, duty in people:
        assert organ in made.all, (account, name, duty)
    for organ in made.all:
        comes = tuple(Arrival(account=a, person=n, duty=d) for a, n, its, d in people if its.uscc == organ.uscc)
        if comes:
            await organs.hand_over(
                Handover(organ=organ.uscc, key="all", day=_day(now), goes=(), comes=comes, by=BY, reason="任职"), now
            )


@dataclass(slots=True)
class History:
    """What happened to one request."""

    id: str
    organ: Uscc
    kind: str
    due: date
    events: list[tuple[str, datetime]] = field(default_factory=list)

    @property
    def state(self) -> str:
        """As it stands."""
        return AFTER[self.events[-1][0]]


def histories(made: Region, number: int, seed: int, until: datetime | None = None) -> list[History]:
    """Made-up histories, the same for a seed."""
    draw, found = random.Random(seed), []
    for _ in range(number):
        at = START + timedelta(seconds=draw.randrange(60 * 86_400))
        one = History(
            id="v-" + "".join(draw.choices("abcdefghijklmnopqrstuvwxyz234567", k=20)),
            organ=draw.choice([village.uscc for village in made.villages]),
            kind=draw.choice(KINDS[:2]),
            due=_day(at) + timedelta(days=draw.randrange(0, 6)),
        )
        acts: tuple[str, ...] = ("open",)
        while acts:
            if until is not None and at > until:
                break
            one.events.append((acts[0], at))
            at += timedelta(seconds=draw.choice([0.3, 40, 4000, 90_000, 400_000]) * (1 + draw.random()))
            acts = draw.choice(NEXT[acts[0]])
        if one.events:
            found.append(one)
    return found


async def write(connection: asyncpg.Connection, some: Sequence[History]) -> None:
    """The histories go on record, in the order of time within each."""
    await connection.execute(ONLY_COUNTING)
    for one in some:
        head: list[Any] = [one.id, one.organ, one.kind, one.events[0][1], one.due, len(one.events), one.state]
        await connection.execute(OPEN, *head, one.events[-1][1])
        for version, (act, at) in enumerate(one.events, 1):
            await connection.execute(EVENT, one.id, version, act, at)


def _day(at: datetime) -> date:
    return (at + timedelta(hours=8)).date()
