"""Following a licence by mail: asking, confirming and stopping at the desk; finding what changed and sending it in the
worker. A mail is on record before it is sent: killed in between, it is sent once more, and recognised."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from certsvc.domain.calendar import beijing_date
from certsvc.domain.following import (
    REMIND_BEFORE,
    Asked,
    Came,
    Followed,
    Mail,
    MailAddress,
    Opened,
    context_of,
    hash_of,
    new_follower_id,
    new_secret,
    parse_mail_address,
)
from certsvc.errors import CustodyError, MachineProblem, NotFound, Unavailable
from certsvc.ids import Ref
from certsvc.services import PayloadCipher
from certsvc.telling.following_parts import Followers, Following, Mailer, MailNotTaken, MailRefused
from certsvc.telling.letters import LetterBox

LANGUAGE = re.compile(r"[a-z]{2,8}", re.ASCII)
REMINDERS_AT_ONCE = 50
LATER = timedelta(minutes=5)
"""When a mail that was not taken for now is tried again at the earliest."""

Cipher = Callable[[], Awaitable[PayloadCipher | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowDesk:
    """What asking, confirming and stopping need. `offers_mail` says whether this site sends any."""

    followers: Followers
    cipher: Cipher
    offers_mail: bool

    async def ask(self, licence: Ref, address: str, language: str, now: datetime) -> None:
        """Ask to follow a licence. Whether a mail goes out is told to nobody: the address may be another's.

        Raises:
            InvalidInput: the address is malformed.
            NotFound: there is no such licence.
            TooManyRequests: too much was asked about this licence today.
            Unavailable: this site sends no mail, or keeps no addresses yet.
        """
        parsed = parse_mail_address(address)
        cipher = await self.cipher() if self.offers_mail else None
        if cipher is None:
            raise Unavailable("本站没有开通邮件，请用订阅源。", "This site sends no mail: use the feed.")
        await self.followers.ask(_asked(cipher, licence, parsed, language), now)

    async def asked_with(self, secret: str, now: datetime) -> Followed:
        """What a one-time secret confirms.

        Raises:
            InvalidInput: it is none of ours.
            NotFound: it was used, or is too old.
        """
        return _found(await self.followers.asked_with(hash_of(secret), now))

    async def confirm(self, secret: str, now: datetime) -> Followed:
        """Following begins, or goes on. Raises as `asked_with`."""
        return _found(await self.followers.confirm(hash_of(secret), now))

    async def stopped_with(self, secret: str) -> Followed:
        """What a secret stops. Raises as `asked_with`."""
        return _found(await self.followers.stopped_with(hash_of(secret)))

    async def stop(self, secret: str, now: datetime) -> Followed:
        """Following ends, and the address goes; twice is once. Raises as `asked_with`."""
        digest = hash_of(secret)
        found = _found(await self.followers.stopped_with(digest))
        await self.followers.stop(digest, now)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRoom:
    """What the worker has to do with it: `settle` now and then, `send` for each job, `tidy` hourly. Without a `mailer`
    mails wait, and are given up after two days."""

    following: Following
    cipher: PayloadCipher
    mailer: Mailer | None
    letters: LetterBox
    clock: Callable[[], datetime] = field(repr=False)

    async def settle(self, now: datetime) -> None:
        """Find what changed since the last time, make the mails that may go out now, give them to a worker."""
        await self.following.spread(now)
        await self.following.make_mails(now)
        await self.following.queue(now)

    async def tidy(self, now: datetime) -> None:
        """Put down which terms have ended; ask those whose time ends whether to go on; end and forget what is over."""
        await self.following.spread_terms(beijing_date(now), now)
        for mail in await self.following.expiring(now + REMIND_BEFORE, REMINDERS_AT_ONCE):
            opened = self._opened(mail)
            if opened is not None:
                fresh = Opened(address=opened.address, confirm=new_secret(), stop=opened.stop)
                sealed = seal(self.cipher, mail.follower, fresh)
                digest = hash_of(fresh.confirm)
                await self.following.remind(mail.follower, sealed, self.cipher.key_id, digest, now)
        await self.following.tidy(now)

    async def send(self, key: str, now: datetime) -> datetime | None:
        """Send one mail, by its number; when it was not taken, again later.

        Raises:
            MachineProblem: this worker has nothing to send mail with.
        """
        if self.mailer is None:
            raise MachineProblem(
                "没有设置 mail.uri，邮件发不出去。", "The setting mail.uri is missing: no mail goes out."
            )
        mail = await self.following.begin(int(key), now)
        if mail is None:
            return None
        opened = self._opened(mail)
        if opened is None:  # its data key is lost for ever
            await self.following.end(mail, Came.GIVEN_UP, now)
            return None
        message = self.letters.compose(mail, opened, mail.made_at)
        try:
            await self.mailer.send(message)
        except MailNotTaken:
            await self.following.put_off(mail.id)
            return self.clock() + LATER
        except MailRefused:
            await self.following.end(mail, Came.REFUSED, self.clock())
            return None
        await self.following.end(mail, Came.SENT, self.clock())
        return None

    def _opened(self, mail: Mail) -> Opened | None:
        try:
            plain = self.cipher.decrypt(mail.sealed, context_of(mail.follower), mail.key_id)
        except CustodyError:
            return None
        values = json.loads(plain)
        return Opened(address=MailAddress(values["address"]), confirm=values["confirm"], stop=values["stop"])


def seal(cipher: PayloadCipher, follower_id: str, opened: Opened) -> bytes:
    """The address and the secrets, encrypted and bound to the follower."""
    values = {"address": opened.address.text, "confirm": opened.confirm, "stop": opened.stop}
    return cipher.encrypt(json.dumps(values).encode(), context_of(follower_id))


def _asked(cipher: PayloadCipher, licence: Ref, address: MailAddress, language: str) -> Asked:
    follower_id = new_follower_id()
    opened = Opened(address=address, confirm=new_secret(), stop=new_secret())
    return Asked(
        id=follower_id,
        licence=licence,
        address_hash=cipher.look_up(f"mail {address.key}"),
        sealed=seal(cipher, follower_id, opened),
        key_id=cipher.key_id,
        language=language if LANGUAGE.fullmatch(language) else "zh",
        confirm_hash=hash_of(opened.confirm),
        stop_hash=hash_of(opened.stop),
    )


def _found(followed: Followed | None) -> Followed:
    if followed is None:
        raise NotFound("这个链接用过了，或者超过了期限。", "This link was used, or its time is over.")
    return followed
