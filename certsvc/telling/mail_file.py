"""Mail into a folder, a file for each: for demonstrations and tests."""

import asyncio
import hashlib
import os
from email.message import EmailMessage
from pathlib import Path

from certsvc.telling.following_parts import MailNotTaken


class FileMailer:
    """`following_parts.Mailer` into a folder. A mail sent again, by its Message-ID, is the same file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, message: EmailMessage) -> None:
        """Write it, durably and readable for ourselves alone.

        Raises:
            MailNotTaken: the folder cannot be written.
        """
        try:
            await asyncio.to_thread(self._write, message)
        except OSError as error:
            raise MailNotTaken(f"{self._folder}: {error.strerror}") from None

    def _write(self, message: EmailMessage) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = hashlib.sha256(str(message["Message-ID"]).encode()).hexdigest()[:32]
        unfinished = self._folder / f".{name}"
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(message.as_bytes())
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self._folder / f"{name}.eml")
