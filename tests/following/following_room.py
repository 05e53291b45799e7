"""A desk where licences are followed, a worker that tells of changes, and a mailbox that keeps what was sent."""

import asyncio
import hashlib
import re
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gathered"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "http"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "telling"))
from embedded_fixture import Database as Database
from embedded_fixture import fresh_database as fresh_database
from gathered_room import FOOD, LICENCE, SEAL_OF_ALL, at, of_type
from lived import Lived, begin, request
from made_up import SOLE_TRADER, licence, permit
from public_site import ROOT, catalog

from certsvc.domain.acts import Act
from certsvc.domain.following import MAIL
from certsvc.errors import CustodyError
from certsvc.http.language import Language
from certsvc.http.language import load_languages as load_languages
from certsvc.jobs.queue import do_one
from certsvc.mailing import titles_of
from certsvc.services import PayloadCipher
from certsvc.store.following import PostgresFollowers
from certsvc.store.following_mails import PostgresFollowing
from certsvc.store.jobs import JobQueue
from certsvc.store.notices import PostgresNotices
from certsvc.store.pool import Pool, open_pool
from certsvc.store.register import PostgresRegister
from certsvc.telling.following import FollowDesk, MailRoom
from certsvc.telling.following_parts import Mailer
from certsvc.telling.letters import LetterBox

START = at("2026-03-01")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ADDRESS = "Clerk.Lin@bank.example"
LINK = re.compile(r"https://yz\.example/(\S+)")
Result = TypeVar("Result")


class Cipher:
    """`services.PayloadCipher` with one key, which may be lost."""

    key_id = "data-1"
    fingerprints: Mapping[str, bytes] = {}

    def __init__(self) -> None:
        self._key, self.lost = AESGCM(b"k" * 32), False

    def encrypt(self, plain: bytes, context: bytes) -> bytes:
        nonce = secrets.token_bytes(12)
        return nonce + self._key.encrypt(nonce, plain, context)

    def decrypt(self, sealed: bytes, context: bytes, key_id: str) -> bytes:
        try:
            if self.lost:
                raise InvalidTag
            return self._key.decrypt(sealed[:12], sealed[12:], context)
        except InvalidTag:
            raise CustodyError("解不开。", "It does not open.") from None

    def look_up(self, text: str) -> bytes:
        return hashlib.sha256(b"look up " + text.encode()).digest()


@dataclass
class Box:
    """`following_parts.Mailer` that keeps what it sends; `fails` is what it does instead."""

    messages: list[EmailMessage] = field(default_factory=list)
    fails: Exception | None = None

    async def send(self, message: EmailMessage) -> None:
        if self.fails is not None:
            raise self.fails
        self.messages.append(message)

    def take(self) -> list[EmailMessage]:
        """What came since the last time."""
        taken, self.messages = self.messages, []
        return taken


class Log:
    """Keeps what is logged."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def warning(self, event: str, **said: Any) -> None:
        self.lines.append((event, said))

    error = warning


@cache
def languages() -> Mapping[str, Language]:
    """The words, read once: a room asks for them at every step."""
    return load_languages(ROOT / "verifier_web" / "words")


@dataclass
class Room:
    """Everything over one database; `now` is moved by hand."""

    pool: Pool
    desk_pool: Pool
    mailer: Mailer
    public_url: str = "https://yz.example"
    now: datetime = START
    cipher: Cipher = field(default_factory=Cipher)
    log: Log = field(default_factory=Log)

    @property
    def box(self) -> Box:
        """The mailbox."""
        return cast(Box, self.mailer)

    @property
    def register(self) -> PostgresRegister:
        """The register."""
        return PostgresRegister(self.pool)

    @property
    def desk(self) -> FollowDesk:
        """Where people ask."""

        async def cipher() -> PayloadCipher | None:
            return self.cipher

        return FollowDesk(followers=PostgresFollowers(self.desk_pool), cipher=cipher, offers_mail=True)

    @property
    def mail_room(self) -> MailRoom:
        """What the worker does it with."""
        letters = LetterBox(
            public_url=self.public_url,
            sender="noreply@yz.example",
            languages=languages(),
            titles=titles_of(catalog()),
        )
        return MailRoom(
            following=PostgresFollowing(self.pool),
            cipher=self.cipher,
            mailer=self.mailer,
            letters=letters,
            clock=lambda: self.now,
        )

    async def work(self, **later: float) -> None:
        """Time passes, and then the worker does everything that is due."""
        self.now += timedelta(**later)
        await PostgresNotices(self.pool).settle(self.now)
        await self.mail_room.settle(self.now)
        queue, handlers = JobQueue(self.pool), {MAIL: self.mail_room.send}
        while await do_one(queue, handlers, lambda: self.now, cast(Any, self.log)):
            pass

    async def business(self) -> tuple[Lived, Lived]:
        """A licence and a permit under it."""
        await self.register.enrol_seals([SEAL_OF_ALL], self.now - 3 * DAY)
        main = await begin(self.register, of_type(licence(), LICENCE, "2026-01-01", None), self.now - DAY)
        food = await begin(self.register, of_type(permit(), FOOD, "2026-01-01", "2030-12-31"), self.now - DAY)
        return main, food

    async def other_business(self) -> Lived:
        """Another licence."""
        made = of_type(licence("other", SOLE_TRADER), LICENCE, "2026-01-01", None)
        return await begin(self.register, made, self.now - DAY)

    async def act(self, lived: Lived, what: Act, **said: Any) -> None:
        """Something happens today."""
        await self.register.act(request(lived.ref, what, self.now.date(), self.now, **said))

    async def follow(self, lived: Lived, address: str = ADDRESS, language: str = "zh") -> str:
        """Follow a licence, confirmed; the secret to stop."""
        await self.desk.ask(lived.ref, address, language, self.now)
        await self.work()
        (message,) = self.box.take()
        await self.desk.confirm(secret_in(message, "confirm"), self.now)
        return secret_in(message, "stop")

    async def fetch(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows as they stand."""
        async with self.pool.connection() as connection:
            return [tuple(row.values()) for row in await connection.fetch(statement, *values)]


def text_of(message: EmailMessage) -> str:
    """The body, as read."""
    return str(message.get_content())


def secret_in(message: EmailMessage, what: str) -> str:
    """The secret of a link in a mail."""
    found = re.search(rf"/follow/{what}/([\w-]+)\?", text_of(message))
    assert found is not None, text_of(message)
    return found[1]


def desk_uri(database: Database) -> str:
    """The database as the desk connects to it."""
    return database.uri.replace("//certsvc@", "//certsvc_desk@")


@asynccontextmanager
async def open_room(database: Database, mailer: Mailer | None = None) -> AsyncIterator[Room]:
    """The room over a database."""
    async with open_pool(database.uri) as pool, open_pool(desk_uri(database)) as desk_pool:
        yield Room(pool, desk_pool, mailer or Box())


def told(database: Database, story: Callable[[Room], Awaitable[Result]], mailer: Mailer | None = None) -> Result:
    """Run a story over a database."""

    async def run() -> Result:
        async with open_room(database, mailer) as room:
            found = await story(room)
            assert room.log.lines == []
            return found

    return asyncio.run(run())
