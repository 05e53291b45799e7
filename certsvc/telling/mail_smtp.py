"""Mail by SMTP (RFC 5321), in a thread: to one server that is ours to use, and that sees to the rest."""

import asyncio
import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from email.message import EmailMessage
from enum import Enum

from certsvc.errors import CertsvcError
from certsvc.telling.following_parts import MailNotTaken, MailRefused

SECONDS = 30.0
"""For each step with the server."""

OURSELVES = "localhost"
"""How we greet; the server knows who connects."""


class Security(Enum):
    """How the connection is protected."""

    NONE = "none"
    TLS = "tls"
    STARTTLS = "starttls"


class SmtpMailer:
    """`following_parts.Mailer` over one SMTP server. `password` is asked for each time, so that it may be changed."""

    def __init__(
        self,
        host: str,
        port: int,
        security: Security,
        user: str | None = None,
        password: Callable[[], str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._host, self._port, self._security = host, port, security
        self._user, self._password, self._tls = user, password, tls

    async def send(self, message: EmailMessage) -> None:
        """Send once.

        Raises:
            MailRefused: the receiver, or the mail, is refused for good (5yz).
            MailNotTaken: the server is not there, cannot be trusted, refuses us or who it is from, or says later (4yz).
        OSError, SMTPException: it broke off while it had the mail, which may have been sent.
        """
        await asyncio.to_thread(self._send, message)

    def _send(self, message: EmailMessage) -> None:
        try:
            server = self._connected()
        except (OSError, smtplib.SMTPException) as error:
            raise MailNotTaken(type(error).__name__) from None
        try:
            self._introduce(server)
            _hand_over(server, message)
            with suppress(OSError, smtplib.SMTPException):
                server.quit()  # it has the mail by now, whatever it says
        finally:
            server.close()

    def _connected(self) -> smtplib.SMTP:
        if self._security is Security.TLS:
            return smtplib.SMTP_SSL(
                self._host, self._port, local_hostname=OURSELVES, timeout=SECONDS, context=self._context()
            )
        return smtplib.SMTP(self._host, self._port, local_hostname=OURSELVES, timeout=SECONDS)

    def _introduce(self, server: smtplib.SMTP) -> None:
        try:
            if self._security is Security.STARTTLS:
                server.starttls(context=self._context())  # without it the server is refused, never the protection
            server.ehlo_or_helo_if_needed()  # here, so that who refuses to speak with us refuses no receiver
            if self._user is not None and self._password is not None:
                server.login(self._user, self._password())
        except (OSError, smtplib.SMTPException, CertsvcError) as error:
            raise MailNotTaken(type(error).__name__) from None

    def _context(self) -> ssl.SSLContext:
        return self._tls or ssl.create_default_context()


def _hand_over(server: smtplib.SMTP, message: EmailMessage) -> None:
    try:
        server.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        raise _refusal(next(iter(error.recipients.values()))[0]) from None
    except smtplib.SMTPSenderRefused as error:  # that is ours to mend: no receiver is at fault
        raise MailNotTaken(str(error.smtp_code)) from None
    except smtplib.SMTPResponseException as error:
        raise _refusal(error.smtp_code) from None


def _refusal(code: int) -> Exception:
    return MailRefused(str(code)) if 500 <= code < 600 else MailNotTaken(str(code))
