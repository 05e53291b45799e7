"""Handing out sealed proofs: `services.Handings` on PostgreSQL, whose triggers count the tries and tell the organs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import asyncpg

from certsvc.domain.handing import LASTS, CodeTry, HandedTo, Handing, NewHanding, SeenHow, TryPlace
from certsvc.domain.receiver import ReceiverChoice, Told, ToldKind
from certsvc.errors import HandingRefused, KeyReused, NoTryLeft
from certsvc.store.audit import audit
from certsvc.store.pool import Connection, Pool
from certsvc.store.queries import queries
from certsvc.store.village_refusals import explained_village

SQL = queries("handing")
TRIES, ENDED = "five_tries", "secret_has_ended"
A_DAY = timedelta(days=1)


class PostgresHandings:
    """Needs the database role that owns the tables. Every method may raise `RegisterUnavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def hand_out(self, new: NewHanding) -> None:
        """Put a secret on record; the same form sent again is the same.

        Raises:
            ActNotAllowed: the request is not sealed.
            Forbidden: who hands it out is no clerk of its organ.
            KeyReused: the form said something else before.
        """
        what = new.digest, new.account, new.given_to, new.agent, new.seen
        head = new.request_id, new.key, new.digest, new.account, new.person
        async with self._pool.transaction() as connection:
            with explained_village():
                values = *head, new.given_to, new.agent, new.seen, new.at, new.at + LASTS
                made = await connection.fetchval(SQL["hand_out"], *values)
            if made is None:
                known = await connection.fetchrow(SQL["handed_before"], new.request_id, new.key)
                if known is None or tuple(known) != what:
                    raise KeyReused.of(new.key)
                return
            await audit(connection, new.at, new.person, "hand_out_proof", None, {"request": new.request_id})

    async def of_request(self, request_id: str) -> Sequence[Handing]:
        """Every secret of a request, the newest first."""
        async with self._pool.connection() as connection:
            return [_handing(row) for row in await connection.fetch(SQL["of_request"], request_id)]

    async def begin(self, request_id: str, place: TryPlace, now: datetime) -> CodeTry | None:
        """Put a try on record, before it is looked at; None where nothing was handed out.

        Raises:
            NoTryLeft: too many have failed to see what the request says, within a day.
            HandingRefused: the secret has ended: it was used, or is too old, or too many have failed.
        """
        async with self._pool.transaction() as connection:
            handed = None
            if place is not TryPlace.CONTENT:
                handed = await connection.fetchrow(SQL["newest"], request_id)
                if handed is None:
                    return None
            with _counted(place):
                values = request_id, handed["id"] if handed else None, place, now
                number = await connection.fetchval(SQL["try"], *values)
        return CodeTry(number, handed["digest"] if handed else b"")

    async def note_opened(self, tried: CodeTry, now: datetime) -> None:
        """Put on record that a try opened what it was for."""
        async with self._pool.connection() as connection:
            await connection.execute(SQL["opened"], tried.id, now)

    async def choose(self, choice: ReceiverChoice) -> None:
        """Put on record whom the resident agrees is told; the same form sent again is the same.

        Raises:
            ActNotAllowed: it is sealed, or has ended.
            Forbidden: who says so is neither a clerk of its organ nor who asked online.
        """
        async with self._pool.transaction() as connection:
            await connection.fetchval(SQL["lock"], choice.request_id)
            if await connection.fetchval(SQL["chosen_before"], choice.request_id, choice.key):
                return
            with explained_village():
                await choose_in(connection, choice)

    async def chosen(self, request_id: str) -> ReceiverChoice | None:
        """Whom the resident agrees is told, as they said last."""
        async with self._pool.connection() as connection:
            row = await connection.fetchrow(SQL["chosen"], request_id)
        return None if row is None else ReceiverChoice(request_id=request_id, key="", **row)

    async def told(self, request_id: str) -> Sequence[Told]:
        """Which organ was told what, in order."""
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["told"], request_id)
        return [Told(**{**row, "kind": ToldKind(row["kind"])}) for row in rows]


async def choose_in(connection: Connection, choice: ReceiverChoice) -> None:
    """Put a choice on record, in a transaction that holds the request's lock and is done once."""
    values = choice.receiver, choice.name, choice.client, choice.account, choice.at
    await connection.execute(SQL["choose_receiver"], choice.request_id, choice.key, *values)


@contextmanager
def _counted(place: TryPlace) -> Iterator[None]:
    """Say in our own words that no try is left; of a file not why."""
    try:
        yield
    except asyncpg.CheckViolationError as error:
        if error.constraint_name not in (TRIES, ENDED):
            raise
        if place is not TryPlace.CONTENT:
            raise HandingRefused.at_all() from None
        raise no_try() from None


def no_try() -> NoTryLeft:
    """The error, where too many have failed."""
    return NoTryLeft(
        "试的次数太多，暂时不能再试。请明天再来，或者到村（居）委会柜台办理。",
        "Too many tries. Come back tomorrow, or go to the counter of the village committee.",
        retry_after=round(A_DAY.total_seconds()),
    )


def _handing(row: asyncpg.Record) -> Handing:
    same = ("person", "agent", "at", "ends_at", "fetched_at", "failed")
    return Handing(**{name: row[name] for name in same}, given_to=HandedTo(row["given_to"]), seen=SeenHow(row["seen"]))
