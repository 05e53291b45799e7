"""Connections to the register: few, short of patience, and every failure in our own words."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeAlias

import asyncpg

from certsvc.errors import CertsvcError, InvalidInput, RegisterUnavailable, StoreError

Connection: TypeAlias = "asyncpg.Connection | asyncpg.pool.PoolConnectionProxy"

READ_SECONDS, WRITE_SECONDS = 1.8, 15.0
"""How long one call may take in all: waiting for a connection, connecting, asking."""

CONNECT_SECONDS, WRITE_CONNECT_SECONDS = 1.0, 5.0
"""How long connecting may take of that: who reads is told soon, and who writes would do it all again."""

MOST_CONNECTIONS = 8
CLOSE_SECONDS = 2.0

NOT_ANSWERING = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)
"""Dead, starting, stopping, hung, full, or closed to us: the register cannot be asked now."""


class Pool:
    """A pool whose connections answer within `seconds` or raise `RegisterUnavailable`."""

    def __init__(self, pool: asyncpg.Pool, seconds: float) -> None:
        self._pool = pool
        self._seconds = seconds

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection, for one read.

        Raises:
            RegisterUnavailable: the database does not answer in time.
            StoreError: it answers with an error that is no promise of the register.
            InvalidInput: what it was asked or told has a NUL in it.
        """
        with answering():
            async with asyncio.timeout(self._seconds):
                connection = await self._pool.acquire()
                try:
                    yield connection
                except BaseException as error:
                    if not isinstance(error, (CertsvcError, asyncpg.PostgresError)):
                        connection.terminate()  # asyncpg would wait for a hung server to take back the question
                    raise
                finally:
                    await self._pool.release(connection, timeout=CONNECT_SECONDS)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection in a transaction that commits at the end and rolls back on any error.

        Raises:
            RegisterUnavailable, StoreError, InvalidInput: as `connection`.
        """
        async with self.connection() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                yield connection
            except (CertsvcError, asyncpg.PostgresError):
                await transaction.rollback()
                raise
            await transaction.commit()  # whatever else happens, the connection ends and the server rolls back


@asynccontextmanager
async def open_pool(
    uri: str, *, read_only: bool = False, seconds: float | None = None, most: int = MOST_CONNECTIONS
) -> AsyncIterator[Pool]:
    """Connections to the database at `uri`, `most` at once, made when first needed: a database that is down is no error
    here. One may be used for `seconds` at a time.

    A `read_only` pool cannot write, leaves no session state behind and therefore skips the reset on every release.
    """
    settings = {"application_name": "certsvc", "timezone": "UTC"}
    pool = asyncpg.create_pool(
        uri,
        min_size=0,
        max_size=most,
        timeout=CONNECT_SECONDS if read_only else WRITE_CONNECT_SECONDS,
        server_settings=settings | ({"default_transaction_read_only": "on"} if read_only else {}),
        reset=_leave_as_it_is if read_only else None,
    )
    async with asyncio.timeout(CONNECT_SECONDS):
        await pool
    try:
        yield Pool(pool, seconds or (READ_SECONDS if read_only else WRITE_SECONDS))
    finally:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await pool.close()
        except NOT_ANSWERING:
            pool.terminate()


@contextmanager
def answering() -> Iterator[None]:
    """Say a database's errors in our own words; theirs may quote rows, so only code and first line are passed on."""
    try:
        yield
    except asyncpg.DiskFullError:
        raise RegisterUnavailable("登记簿所在的磁盘已满。", "The disk of the register is full.") from None
    except NOT_ANSWERING as error:
        raise RegisterUnavailable(
            f"登记簿的数据库没有应答（{type(error).__name__}）。",
            f"The register's database does not answer ({type(error).__name__}).",
        ) from None
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError):
        raise StoreError(
            "数据库结构与本程序不符：请运行 certsvc migrate。",
            "The database has another schema than this program: run certsvc migrate.",
        ) from None
    except asyncpg.CharacterNotInRepertoireError:  # NUL is the one that UTF-8 has and PostgreSQL keeps in no text
        raise InvalidInput("内容里有不能保存的字符。", "There is a character in it that cannot be kept.") from None
    except asyncpg.PostgresError as error:
        reason = f"{error.sqlstate} {error.args[0] if error.args else ''}".strip()
        raise StoreError(f"数据库报错：{reason}", f"The database refused: {reason}") from None


async def _leave_as_it_is(_: asyncpg.Connection) -> None:
    """No reset: 26 µs here and 37 µs in PostgreSQL for every scan."""
