"""What following needs of others: the register of followers, what is to be told, and whatever carries mail."""

from collections.abc import Sequence
from datetime import date, datetime
from email.message import EmailMessage
from typing import Protocol

from certsvc.domain.following import Asked, Came, Followed, Mail


class MailRefused(Exception):
    """The receiver, or the mail, is refused for good."""


class MailNotTaken(Exception):
    """It was not taken for now, and certainly not sent."""


class Mailer(Protocol):
    """Carries mail. One backend a file, opened by URI."""

    async def send(self, message: EmailMessage) -> None:
        """Send once. Raises `MailRefused`, `MailNotTaken`; anything else leaves open whether it was sent."""


class Followers(Protocol):
    """Who follows what, for the desk. Every method is one transaction. Raises `RegisterUnavailable`."""

    async def ask(self, asked: Asked, now: datetime) -> bool:
        """Put a request on record, with the mail that confirms it; False when no mail goes out: the address had its
        share, or follows already. Raises `NotFound` without such a licence, `TooManyRequests` for the licence."""

    async def asked_with(self, confirm_hash: bytes, now: datetime) -> Followed | None:
        """Whose one-time secret this is, as long as it is good."""

    async def confirm(self, confirm_hash: bytes, now: datetime) -> Followed | None:
        """The address is confirmed, or following goes on; the secret is used up. None when it was, or is too old."""

    async def stopped_with(self, stop_hash: bytes) -> Followed | None:
        """Whose secret to stop this is."""

    async def stop(self, stop_hash: bytes, now: datetime) -> None:
        """Following ends, and the address goes; twice is once."""


class Following(Protocol):
    """What is to be told to whom, for the worker. Every method is one or more transactions, safe to be killed."""

    async def spread(self, now: datetime) -> int:
        """Look through the notices since the last time and put down what followers are to be told; how many notices."""

    async def spread_terms(self, today: date, now: datetime) -> None:
        """Put down which terms have ended since the last time; today's work is done once."""

    async def make_mails(self, now: datetime) -> int:
        """Mails for those who may be told now; how many."""

    async def queue(self, now: datetime) -> None:
        """Give every new mail to a worker."""

    async def expiring(self, before: datetime, limit: int) -> Sequence[Mail]:
        """Who is to be asked whether to go on, as if it were the mail that asks."""

    async def remind(self, follower: str, sealed: bytes, key_id: str, confirm_hash: bytes, now: datetime) -> None:
        """A follower is asked whether to go on, once, with a fresh secret."""

    async def begin(self, mail_id: int, now: datetime) -> Mail | None:
        """Put on record that a mail is about to be sent; None when it is not to be sent any more."""

    async def put_off(self, mail_id: int) -> None:
        """It was certainly not sent."""

    async def end(self, mail: Mail, came: Came, now: datetime) -> None:
        """What came of a mail."""

    async def tidy(self, now: datetime) -> None:
        """End what came to its end; forget what ended long ago."""
