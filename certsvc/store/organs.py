"""Organs, and who has which duty in them: `services.Organs` on PostgreSQL."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

import msgspec
from asyncpg import Record

from certsvc.domain.calendar import beijing_date
from certsvc.domain.organ import (
    DAY,
    Appointment,
    Handover,
    Member,
    Organ,
    OrganDuty,
    OrganKind,
    handover_problems,
    member_of,
    new_appointment_id,
    version_of,
)
from certsvc.domain.organ_seal import OrganSeal
from certsvc.domain.seal_acts import SealState
from certsvc.errors import ChangedMeanwhile, InvalidInput, KeyReused, NotFound
from certsvc.ids import Uscc
from certsvc.store.audit import audit
from certsvc.store.pool import Connection, Pool
from certsvc.store.queries import queries
from certsvc.store.seal_rows import to_people
from certsvc.store.seals import act_within
from certsvc.store.village_refusals import explained_village

SQL = queries("organs")


class PostgresOrgans:
    """Needs the database role that owns the tables. Every method may raise `RegisterUnavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def put(self, organ: Organ, by: str, now: datetime) -> None:
        """Put an organ on record, or its new name, town, word or seal; the same again is nothing new.

        Raises:
            Conflict: word or seal are another organ's.
            Forbidden: who keeps the seal approves in the organ, or audits it.
            NotFound: there is no such seal or town.
        """
        values = organ.uscc, organ.kind, organ.name, organ.town, organ.area, organ.number_word, organ.seal_id
        async with self._pool.transaction() as connection:
            with explained_village():
                await connection.execute(SQL["put"], *values)
            await audit(connection, now, by, "put_organ", None, {"organ": organ.uscc, "seal": organ.seal_id})

    async def organ(self, uscc: Uscc) -> Organ:
        """An organ.

        Raises:
            NotFound: there is none of this code.
        """
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(SQL["organ"], uscc)
        return _to_organ(_there(row, uscc))

    async def organs(self) -> Sequence[Organ]:
        """All organs, the villages of a town together."""
        async with self._pool.connection() as connection:
            return [_to_organ(row) for row in await connection.fetch(SQL["organs"])]

    async def some(self, codes: Collection[Uscc]) -> Mapping[Uscc, Organ]:
        """Organs by their codes, as far as they are on record."""
        async with self._pool.connection() as connection:
            return {Uscc(row["uscc"]): _to_organ(row) for row in await connection.fetch(SQL["some"], list(codes))}

    async def under(self, organ: Organ) -> Sequence[Organ]:
        """The organs directly under a town or a city, by name; none under a village."""
        async with self._pool.connection() as connection:
            return [_to_organ(row) for row in await connection.fetch(SQL["under"], organ.uscc, organ.kind, organ.area)]

    async def accounts(self, names: Collection[str]) -> Mapping[str, str]:
        """The accounts that may sign in, by the names of their persons, as far as there are any."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["accounts"], list(names))
        return {row["name"]: row["id"] for row in rows}

    async def every_account(self) -> Mapping[str, str]:
        """All accounts that may sign in, by the names of their persons: for the operator."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["accounts"], None)
        return {row["name"]: row["id"] for row in rows}

    async def keeper(self, uscc: Uscc) -> str | None:
        """Who keeps the seal of an organ; nobody where it has none."""
        async with self._pool.connection() as connection:
            found: str | None = await connection.fetchval(SQL["keeper"], uscc)
        return found

    async def seal(self, uscc: Uscc) -> OrganSeal | None:
        """The seal of an organ, as a handover meets it; None where it has none."""
        async with self._pool.connection() as connection:
            return await _seal(connection, uscc)

    async def appointments(self, uscc: Uscc) -> Sequence[Appointment]:
        """Who has or had which duty in an organ, in the order of beginning."""
        async with self._pool.connection() as connection:
            return await _appointments(connection, uscc)

    async def memberships(self, account: str, day: date) -> Sequence[Member]:
        """Who somebody is on a day, in each organ where they have a duty."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["held"], account, day)
        organs = {row["organ"]: _to_organ(row, row["organ"]) for row in rows}
        held = [_to_appointment(row) for row in rows]
        found = (
            member_of(organ, [one for one in held if one.organ == organ.uscc], account, day)
            for organ in organs.values()
        )
        return [member for member in found if member is not None]

    async def hand_over(self, handover: Handover, now: datetime) -> Sequence[Appointment]:
        """End appointments, hand over the seal if a keeper is named, and begin appointments, all of it or nothing; the
        same again is done once. All appointments of the organ, as they stand then.

        Raises:
            NotFound: there is no such organ.
            InvalidInput: with everything that speaks against it, seen as a whole.
            ChangedMeanwhile: appointments or keeper are not those that were looked at.
            Forbidden: who asks oversees no such organ.
            Conflict, Forbidden, ActNotAllowed: the database's own refusal, where two came at once.
            KeyReused: the key was used with other content.
        """
        digest = _digest(handover)
        async with self._pool.transaction() as connection:
            organ = _to_organ(_there(await connection.fetchrow(SQL["lock"], handover.organ), handover.organ))
            known = await connection.fetchval(SQL["handed_over"], organ.uscc, handover.key)
            if known is not None and known != digest:
                raise KeyReused.of(handover.key)
            if known is None:
                await _require_sound(connection, organ, handover, now)
                with explained_village():
                    begun = await _change(connection, organ, handover, now)
                    await _record(connection, handover, digest, begun, now)
            return await _appointments(connection, organ.uscc)


def _digest(handover: Handover) -> bytes:
    """SHA-256 of what is asked, the same as before a handover could name a keeper where it names none."""
    said = msgspec.to_builtins(handover)
    if handover.keeper is None:
        del said["keeper"]
    return hashlib.sha256(msgspec.json.encode(said)).digest()


async def _require_sound(connection: Connection, organ: Organ, handover: Handover, now: datetime) -> None:
    await _require_accounts(connection, handover)
    if handover.keeper is not None and organ.seal_id is not None:
        await connection.execute(SQL["lock_seal"], organ.seal_id)
    seal, held = await _seal(connection, organ.uscc), await _appointments(connection, organ.uscc)
    if handover.seen not in (None, version_of(held, seal.people.keeper if seal else None)):
        raise ChangedMeanwhile(
            "任职刚刚有变动：请看过现在的任职再办。",
            "Who does what has changed meanwhile: look at it as it stands now.",
        )
    if problems := handover_problems(organ, held, seal, handover, beijing_date(now)):
        raise InvalidInput(
            "这次交接还不能办：" + "".join(problem.zh for problem in problems),
            "The handover cannot be done: " + " ".join(problem.en for problem in problems),
            problems=problems,
        )


async def _require_accounts(connection: Connection, handover: Handover) -> None:
    for arrival in handover.comes:
        if await connection.fetchval(SQL["person"], arrival.account) != arrival.person:
            raise InvalidInput(
                f"{arrival.person} 没有可用的账户，或账户是别人的。",
                f"{arrival.person} has no account that may sign in, or it is another person's.",
            )
    if handover.keeper is not None and not await connection.fetch(SQL["accounts"], [handover.keeper]):
        raise InvalidInput(
            f"{handover.keeper} 没有可用的账户，不能保管印章。",
            f"{handover.keeper} has no account that may sign in, and cannot keep the seal.",
        )


async def _change(connection: Connection, organ: Organ, handover: Handover, now: datetime) -> list[str]:
    """In this order, so that a keeper who becomes approver keeps nothing any more then, and an approver who becomes the
    keeper approves nothing any more."""
    for appointment in handover.goes:
        await connection.execute(SQL["end"], appointment, handover.day - DAY, handover.by, now)
    if handover.keeper is not None and organ.seal_id is not None:
        await act_within(connection, handover.passing(organ.seal_id), now)
    begun = []
    for arrival in handover.comes:
        begun.append(new_appointment_id())
        values = begun[-1], handover.organ, arrival.account, arrival.duty, handover.day, handover.by, now
        await connection.execute(SQL["begin"], *values)
    return begun


async def _record(
    connection: Connection, handover: Handover, digest: bytes, begun: Sequence[str], now: datetime
) -> None:
    head = handover.organ, handover.key, digest, handover.day
    await connection.execute(
        SQL["hand_over"], *head, list(handover.goes), list(begun), handover.by, now, handover.reason, handover.account
    )
    detail = {"organ": handover.organ, "ended": list(handover.goes), "begun": list(begun)}
    if handover.keeper is not None:
        detail["keeper"] = handover.keeper
    await audit(connection, now, handover.by, "hand_over_duties", None, detail)


async def _seal(connection: Connection, uscc: Uscc) -> OrganSeal | None:
    row = await connection.fetchrow(SQL["seal"], uscc)
    if row is None:
        return None
    return OrganSeal(
        id=row["id"],
        state=SealState(row["state"]),
        people=to_people(row),
        needs_authorisation=row["needs_authorisation"],
        audits=frozenset(row["audits"]),
    )


async def _appointments(connection: Connection, uscc: Uscc) -> list[Appointment]:
    return [_to_appointment(row) for row in await connection.fetch(SQL["appointments"], uscc)]


def _there(row: Record | None, uscc: Uscc) -> Record:
    if row is None:
        raise NotFound(f"没有登记单位 {uscc}。", f"There is no organ {uscc} on record.")
    return row


def _to_organ(row: Record, uscc: str | None = None) -> Organ:
    return Organ(
        uscc=Uscc(uscc or row["uscc"]),
        kind=OrganKind(row["kind"]),
        name=row["name"],
        area=row["area"],
        town=Uscc(row["town"]) if row["town"] else None,
        number_word=row["number_word"],
        seal_id=row["seal_id"],
    )


def _to_appointment(row: Record) -> Appointment:
    return Appointment(
        id=row["id"],
        organ=Uscc(row["organ"]),
        account=row["account"],
        person=row["person"],
        duty=OrganDuty(row["duty"]),
        first_day=row["first_day"],
        last_day=row["last_day"],
    )
