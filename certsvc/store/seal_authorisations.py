"""Seals opened beforehand by their keepers: `services.SealAuthorisations` on PostgreSQL, which keeps the rules."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import asyncpg
from asyncpg import Record

from certsvc.domain.account import AccountId, Method
from certsvc.domain.calendar import beijing_date
from certsvc.domain.seal import no_seal
from certsvc.domain.seal_acts import SealState
from certsvc.domain.seal_authorisation import (
    AuthorisationRequest,
    Ended,
    EndOfAuthorisation,
    SealAuthorisation,
    Standing,
    Terms,
    Used,
    new_authorisation_id,
    standing,
)
from certsvc.errors import ActNotAllowed, CertsvcError, Forbidden, InvalidInput, KeyReused, NotFound
from certsvc.store.accounts import use_confirmation
from certsvc.store.audit import audit
from certsvc.store.pool import Connection, Pool
from certsvc.store.queries import queries
from certsvc.store.seal_refusals import REFUSED, STATES
from certsvc.store.seal_waits import bring_forward

SQL = queries("seal_authorisations")
MOST = 200


class PostgresSealAuthorisations:
    """Every method may raise `RegisterUnavailable`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def authorise(self, request: AuthorisationRequest, now: datetime) -> SealAuthorisation:
        """Open a seal, and have what waits for it tried again at once; the same request again gives the same one.

        Raises:
            NotFound: there is no such seal.
            Forbidden: somebody else than its keeper asks.
            ActNotAllowed: it needs no authorisation, or is not in use; the confirmation is not of these terms, or of
                this moment, or was used before.
            InvalidInput: a type that it is not bound to, or terms that no authorisation has.
            KeyReused: the key was used with other terms.
        """
        digest = request.terms.digest(request.seal_id)
        async with self._pool.transaction() as connection:
            if await connection.fetchval(SQL["lock_seal"], request.seal_id) is None:
                raise no_seal(request.seal_id)
            known = await _by_key(connection, request.confirmation.account, request.key, digest)
            return known or await _give(connection, request, digest, now)

    async def given(self, account: AccountId, key: str, digest: bytes) -> SealAuthorisation | None:
        """What an account was given under a key, on the terms with this digest; None when it did not ask before.

        Raises:
            KeyReused: the key was used with other terms.
        """
        async with self._pool.connection() as connection:
            return await _by_key(connection, account, key, digest)

    async def revoke(
        self, seal_id: str, authorisation_id: str, by: str, reason: str, now: datetime
    ) -> SealAuthorisation:
        """End an authorisation, at once and for ever; one that has ended stays as it is.

        Raises:
            NotFound: the seal has no such authorisation.
            Forbidden: somebody else than its keeper asks.
        """
        async with self._pool.transaction() as connection:
            await connection.fetchval(SQL["lock_seal"], seal_id)
            known = await _known(connection, authorisation_id, seal_id)
            if known["why"] is None:
                with explained(seal_id):
                    await connection.execute(SQL["revoke"], authorisation_id, by, now, reason)
                await audit(connection, now, by, "revoke_seal_authorisation", None, _detail(seal_id, authorisation_id))
                known = await _known(connection, authorisation_id, seal_id)
            return _to_authorisation(known)

    async def standings(self, seal_id: str, now: datetime, *, ever: bool = False) -> Sequence[Standing]:
        """The authorisations of a seal that are not over, or `ever` given (the newest 200), and what is left."""
        day = beijing_date(now)
        async with self._pool.connection() as connection:
            rows = await connection.fetch(SQL["standings"], seal_id, day, ever, MOST)
        return [
            standing(
                _to_authorisation(row),
                day,
                Used(in_all=row["uses"], on_day=row["uses_today"]),
                keeper_serves=row["serves"],
            )
            for row in rows
        ]


async def _by_key(connection: Connection, account: AccountId, key: str, digest: bytes) -> SealAuthorisation | None:
    known = await connection.fetchrow(SQL["by_key"], account, key)
    if known is None:
        return None
    if known["digest"] != digest:
        raise KeyReused.of(key)
    return _to_authorisation(known)


async def _give(
    connection: Connection, request: AuthorisationRequest, digest: bytes, now: datetime
) -> SealAuthorisation:
    terms, confirmation, given = request.terms, request.confirmation, new_authorisation_id()
    allowed = sorted(terms.certificate_types), terms.quota, terms.daily_quota, terms.first_day, terms.last_day
    how = confirmation.id, now, confirmation.account, request.key, digest
    await use_confirmation(connection, confirmation.id, confirmation.account, digest, now)
    with explained(request.seal_id):
        await connection.execute(SQL["give"], given, request.seal_id, request.keeper, *allowed, *how)
    await audit(connection, now, request.keeper, "authorise_seal", None, _detail(request.seal_id, given))
    await bring_forward(connection, request.seal_id, now)
    return _to_authorisation(await _known(connection, given, request.seal_id))


async def _known(connection: Connection, authorisation_id: str, seal_id: str) -> Record:
    row = await connection.fetchrow(SQL["authorisation"], authorisation_id, seal_id)
    if row is None:
        raise NotFound(f"印章 {seal_id} 没有这项授权。", f"The seal {seal_id} has no such authorisation.")
    return row


def _detail(seal_id: str, authorisation_id: str) -> dict[str, str]:
    return {"seal": seal_id, "authorisation": authorisation_id}


@contextmanager
def explained(seal_id: str) -> Iterator[None]:
    """Say in our own words why the database takes no authorisation, and no end of one.

    Raises:
        Forbidden, ActNotAllowed, InvalidInput: see `PostgresSealAuthorisations`.
    """
    try:
        yield
    except asyncpg.CheckViolationError:
        raise InvalidInput(
            f"印章 {seal_id}：授权最长三十日，三十日内开始，次数为 1 至 10000，姓名写法唯一。",
            f"The seal {seal_id}: an authorisation lasts at most 30 days, begins within 30, is for 1 to 10,000 uses, "
            "and names have one spelling.",
        ) from None
    except asyncpg.PostgresError as error:
        if error.sqlstate != REFUSED:
            raise
        raise _refused(seal_id, str(error.args[0]), str(getattr(error, "detail", None) or "")) from None


def _refused(seal_id: str, why: str, met: str) -> CertsvcError:
    match why:
        case "not_the_keeper":
            return Forbidden(
                f"印章 {seal_id} 只能由它的保管人授权、撤销授权。",
                f"Only its keeper opens the seal {seal_id}, and takes that back.",
            )
        case "opening_not_confirmed":
            return ActNotAllowed(
                f"打开印章 {seal_id} 须由{met}本人就这些内容确认一次。",
                f"The seal {seal_id} is opened by what {met} confirmed: these very terms, once.",
            )
        case "keeper_left":
            return Forbidden(
                f"{met}已不在印章 {seal_id} 的单位任职，不能授权用印：请先移交印章。",
                f"{met} has no duty in the organ of the seal {seal_id} any more: it is to be handed over first.",
            )
        case "needs_no_authorisation":
            return ActNotAllowed(
                f"印章 {seal_id} 的用印不用授权。", f"The seal {seal_id} needs no authorisation to be used."
            )
        case "not_in_hand":
            zh, en = STATES[SealState(met)]
            return ActNotAllowed(f"印章 {seal_id} {zh}，不能授权。", f"The seal {seal_id} is {en}: it is not opened.")
        case "types_not_bound":
            return InvalidInput(
                f"印章 {seal_id} 只绑定 {met}，不能授权用于别的类型。",
                f"The seal {seal_id} is bound to {met}, and is opened for nothing else.",
            )
    return InvalidInput(
        f"印章 {seal_id}：{met} 不是现在：请校准时钟。", f"The seal {seal_id}: {met} is not now: set the clock right."
    )


def _to_authorisation(row: Record) -> SealAuthorisation:
    ended = None
    if row["why"] is not None:
        why = EndOfAuthorisation(row["why"])
        ended = Ended(why=why, by=row["ended_by"], at=row["ended_at"], reason=row["reason"])
    return SealAuthorisation(
        id=row["id"],
        seal_id=row["seal_id"],
        keeper=row["keeper"],
        terms=Terms(
            certificate_types=frozenset(row["certificate_types"]),
            **{name: row[name] for name in ("quota", "daily_quota", "first_day", "last_day")},
        ),
        method=Method(row["method"]),
        given_at=row["given_at"],
        ended=ended,
    )
