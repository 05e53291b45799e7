"""Lives on the register, kept twice: by PostgreSQL, and as plain entries for the model."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from embedded_fixture import Database
from holders import company_code
from made_up import digest, issue, order
from made_up import licence as licence_draft
from made_up import permit as permit_draft

from certsvc.domain.acts import ACTS, TWO_PERSONS, Act, Makes
from certsvc.domain.calendar import beijing_date
from certsvc.domain.certificate import Gathered, RegisteredCertificate
from certsvc.domain.issuing import ActRequest, Draft
from certsvc.domain.life import Event, Ground
from certsvc.errors import ActNotAllowed
from certsvc.ids import Ref, new_ref
from certsvc.store.reader import PostgresReader
from certsvc.store.register import PostgresRegister

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "domain"))
from life_model import Answer, Entry, entry_of, known_by, moot, not_struck, version_days, walk, would_do_something

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
UNFINISHED = """select count(*) from event e where
  (select count(*) from log_leaf l where l.event_id = e.id) <> 1
  or (select count(*) from notice n where (n.data ->> 'event')::bigint = e.id) <> 1
  or (select count(*) from audit a where (a.detail ->> 'event')::bigint = e.id and a.action = e.act) <> 1
  or (select count(*) from act_order a where a.event_id = e.id) <> (e.version_ref is null)::integer
  or not exists (select from status_period p where p.life_ref = e.ref)"""

LAW, DECISION = "行政许可法第六十九条", "云市监决〔2026〕1号"


@dataclass
class Lived:
    """One certificate: its versions with the instants they were issued at, and what was recorded of it."""

    first: Draft
    versions: list[tuple[Ref, datetime]] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    _told: dict[tuple[Ref, date, int], Answer | None] = field(default_factory=dict)

    @property
    def ref(self) -> Ref:
        """The newest version."""
        return self.versions[-1][0]

    def heard_at(self, now: datetime) -> datetime:
        """When the register will say it knew: who comes in after another is not known before it."""
        return max([now, *(entry.at for entry in self.entries)])

    def answer(self, version: Ref, day: date, instant: datetime) -> Answer | None:
        """What the model says of a version on a day, as known at an instant."""
        known = known_by(self.entries, instant)
        key = version, day, len(known)  # what is on record only grows
        if key not in self._told:
            self._told[key] = version_days(known, version, day, day)[day]
        return self._told[key]

    def holding(self, day: date, instant: datetime) -> tuple[Ref, Answer | None] | None:
        """The oldest version issued by then that no other has taken over from by the day; None before there is any."""
        for version, issued_at in self.versions:
            if issued_at <= instant:
                answer = self.answer(version, day, instant)
                if answer is None or answer.word != "superseded":
                    return version, answer
        return None

    def relearn(self, events: Sequence[Event]) -> None:
        """Take over what is on record: each act must be allowed from what was there before, and known no earlier."""
        self.entries, self._told = [], {}
        for entry in map(entry_of, events):
            assert entry.version or self.allows(entry) or entry.number in moot([*self.entries, entry]), entry
            assert entry.at == self.heard_at(entry.at)
            self.entries.append(entry)

    def allows(self, entry: Entry) -> bool:
        """Whether a further entry would do something; a strike, whether there is what it strikes."""
        if entry.act is not Act.STRIKE:
            return would_do_something(self.entries, entry)
        standing = {one.number for one in not_struck(self.entries) if ACTS[one.act].makes is Makes.NOTHING}
        return entry.strikes in standing

    def word_after(self, place: int) -> str:
        """The state after the entry at `place`, on its day, as it was seen when it was recorded."""
        entries = self.entries[: place + 1]
        days = walk(entries, entries[-1].day).days
        met = days[entries[-1].day].answer(entries[-1].day) if entries[-1].day in days else None
        return met.word if met else "valid"


async def begin(
    register: PostgresRegister, first: Draft, now: datetime, due: date | None = None, act: Act = Act.ISSUE
) -> Lived:
    """Issue a first version at an instant."""
    made = replace(
        first,
        reserved_at=now,
        takes_over=beijing_date(now),
        order=replace(first.order, act=act, ground=Ground(due=due)),
    )
    lived = Lived(made)
    await _publish(register, lived, made, now)
    return lived


async def next_version(
    register: PostgresRegister, lived: Lived, act: Act, takes_over: date, now: datetime, due: date | None = None
) -> None:
    """Issue the next version: reserved, and a second later published."""
    previous = await register.newest_version(lived.ref)
    key = f"{lived.first.order.key} v{previous.version + 1} {now.isoformat()}"
    ground = Ground(reason="变更", reason_code="lost", due=due)
    made = replace(
        lived.first,
        ref=new_ref(lived.first.ref.slot),
        order=replace(order(key), act=act, ground=ground),
        previous=previous,
        takes_over=takes_over,
        number=previous.number,
        reserved_at=now,
    )
    await _publish(register, lived, made, now)


async def _publish(register: PostgresRegister, lived: Lived, made: Draft, now: datetime) -> None:
    heard = lived.heard_at(now + SECOND)
    await issue(register, made, now + SECOND)
    number = (await register.events(made.ref))[-1].id
    lived.versions.append((made.ref, now + SECOND))
    lived.entries.append(
        Entry(
            number=number,
            act=made.order.act,
            day=made.takes_over,
            at=heard,
            due=made.order.ground.due,
            code=made.order.ground.reason_code,
            version=made.ref,
            issued=beijing_date(now),
        )
    )


def request(ref: Ref, act: Act, day: date, now: datetime, **said: Any) -> ActRequest:
    """A request to act on a certificate; `said` may name `due`, `code`, `strikes` and `key`."""
    ground = Ground(
        reason="原因", reason_code=said.get("code"), legal_basis=LAW, decision_number=DECISION, due=said.get("due")
    )
    event = Event(
        ref=ref,
        act=act,
        effective=day,
        recorded_at=now,
        actor="经办人",
        confirmed_by="复核人" if act in TWO_PERSONS else None,
        ground=ground,
        strikes=said.get("strikes"),
    )
    key = said.get("key", repr(event))
    return ActRequest(client="desk", key=digest(key).hex(), digest=digest(repr(event)), event=event)


async def try_act(register: PostgresRegister, lived: Lived, asked: ActRequest) -> bool:
    """Act on the register and in the model; whether it was done. They must agree on that."""
    event = asked.event
    entry = Entry(
        number=max(entry.number for entry in lived.entries) + 1,
        act=event.act,
        day=event.effective,
        at=lived.heard_at(event.recorded_at),
        due=event.ground.due,
        code=event.ground.reason_code,
        strikes=event.strikes,
    )
    unless_moot = None if entry.number in moot([*lived.entries, entry]) else lived.allows(entry)
    try:
        done = await register.act(asked)
    except ActNotAllowed:
        assert unless_moot is not True, entry
        return False
    assert unless_moot is not False, entry
    assert done.recorded_at == entry.at
    lived.entries.append(replace(entry, number=done.id))
    return True


def word(answer: Answer | None) -> str:
    """The word for a day; without an answer it is not known."""
    return answer.word if answer else "unknown"


def beside(certificate: RegisteredCertificate) -> frozenset[tuple[str, date, date | None]]:
    """The conditions that the register tells."""
    return frozenset((one.kind.value, one.since, one.due) for one in certificate.conditions)


@dataclass
class Business:
    """A licence (the first) and its permits."""

    lives: list[Lived]

    async def check(self, reader: PostgresReader, asked: Ref, day: date, instant: datetime) -> None:
        """The register's answer about any version of any of them, against the model."""
        gathered = await reader.gather(asked, day, instant)
        lived = next(one for one in self.lives if asked in [version for version, _ in one.versions])
        issued_at = dict(lived.versions)[asked]
        assert (gathered is None) == (issued_at > instant)
        if gathered is None:
            return
        self._same(gathered.certificate, lived, asked, day, instant)
        root = self.lives[0].holding(day, instant)
        assert (gathered.root and gathered.root.ref) == (root and root[0])
        if gathered.root is not None:
            self._same(gathered.root, self.lives[0], gathered.root.ref, day, instant)
        if lived is self.lives[0]:
            self._same_permits(gathered, day, instant)
        else:
            assert (gathered.licence, gathered.permits) == (gathered.root, ())

    def _same_permits(self, gathered: Gathered, day: date, instant: datetime) -> None:
        expected = {}
        for one in self.lives[1:]:
            if (holding := one.holding(day, instant)) is not None:
                expected[holding[0]] = one
        assert {permit.ref for permit in gathered.permits} == set(expected)
        assert len(gathered.permits) == len(expected)
        for permit in gathered.permits:
            self._same(permit, expected[permit.ref], permit.ref, day, instant)

    @staticmethod
    def _same(found: RegisteredCertificate, lived: Lived, version: Ref, day: date, instant: datetime) -> None:
        answer = lived.answer(version, day, instant)
        assert (found.ref, found.life) == (version, lived.versions[0][0])
        assert found.status.value == word(answer), (day, instant, lived.entries)
        assert beside(found) == (answer.beside if answer else frozenset()), (day, instant, lived.entries)
        because = next((entry for entry in lived.entries if answer and entry.number == answer.because), None)
        assert found.successor == (because.version if because and word(answer) == "superseded" else None)
        told = because is not None and ACTS[because.act].makes is Makes.NOTHING
        assert (found.change is not None) == told
        if found.change is not None and because is not None:
            change = found.change
            assert (change.act, change.effective, change.recorded_at) == (because.act, because.day, because.at)
            assert (change.reason, change.legal_basis, change.decision_number) == ("原因", LAW, DECISION)


async def set_up(register: PostgresRegister, serial: int, now: datetime, permits: int) -> Business:
    """A business with a licence and so many permits, issued one after the other."""
    code = company_code(serial)
    lives = [await begin(register, licence_draft(f"licence {code}", code), now)]
    for number in range(permits):
        made = permit_draft(f"permit {number} {code}", business=code)
        act = Act.TRANSFER_IN if number % 3 == 0 else Act.ISSUE
        lives.append(await begin(register, made, now + number * SECOND, act=act))
    return Business(lives)


async def stated(database: Database) -> set[tuple[int, str]]:
    """The state that each event on record says it led to."""
    connection = await asyncpg.connect(database.uri)
    try:
        return {(row["id"], row["status"]) for row in await connection.fetch("select id, status from event")}
    finally:
        await connection.close()


async def unfinished(database: Database) -> int:
    """How many events have not exactly one leaf, one line for others, one line of the audit, and their order."""
    connection = await asyncpg.connect(database.uri)
    try:
        found: int = await connection.fetchval(UNFINISHED)
        return found
    finally:
        await connection.close()


async def on_record(register: PostgresRegister, lived: Lived) -> list[Entry]:
    """Everything on record of a life."""
    return [entry_of(event) for event in await register.events(lived.ref)]
