"""Composition of mail to those who follow a licence: what the desk asks with, and what the worker sends with."""

from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from certsvc.catalog import Catalog
from certsvc.custody.secret import read_secret
from certsvc.errors import NotFound
from certsvc.http.language import load_languages
from certsvc.services import PayloadCipher
from certsvc.settings import Settings
from certsvc.store.following_mails import PostgresFollowing
from certsvc.store.pool import Pool
from certsvc.telling.following import MailRoom
from certsvc.telling.letters import LetterBox
from certsvc.telling.mail import open_mailer, parse_sender

MAIL_FOLDER = "mail"


def open_mail_room(
    settings: Settings,
    catalog: Catalog,
    cipher: PayloadCipher,
    pool: Pool,
    now: Callable[[], datetime],
    *,
    is_demonstration: bool,
) -> MailRoom:
    """What the worker sends mail with.

    Raises:
        SettingsError: what carries mail, or who it is from, is malformed.
    """
    uri = settings.mail.carrier(is_demonstration=is_demonstration)
    host = urlsplit(settings.public_url).hostname or ""
    return MailRoom(
        following=PostgresFollowing(pool),
        cipher=cipher,
        mailer=open_mailer(uri, settings.home / MAIL_FOLDER, _password(settings)) if uri else None,
        letters=LetterBox(
            public_url=settings.public_url,
            sender=parse_sender(settings.mail.sender, host) if uri else "",
            languages=load_languages(settings.web / "words"),
            titles=titles_of(catalog),
        ),
        clock=now,
    )


def titles_of(catalog: Catalog) -> Callable[[str], tuple[str, str]]:
    """How types are called; one that this program does not know goes by its id."""

    def titles(type_id: str) -> tuple[str, str]:
        try:
            kind = catalog.latest(type_id)
        except NotFound:
            return type_id, type_id
        return kind.zh, kind.en

    return titles


def _password(settings: Settings) -> Callable[[], str]:
    return lambda: read_secret(settings.mail.secret).decode("utf-8")
