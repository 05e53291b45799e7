"""How mail goes out, by URI: `file:` into a folder, `smtps:`, `smtp+starttls:` and, to this machine alone, `smtp:`."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from certsvc.domain.following import parse_mail_address
from certsvc.errors import InvalidInput, SettingsError
from certsvc.telling.following_parts import Mailer
from certsvc.telling.mail_file import FileMailer
from certsvc.telling.mail_smtp import Security, SmtpMailer

SMTP = {"smtp": (Security.NONE, 25), "smtps": (Security.TLS, 465), "smtp+starttls": (Security.STARTTLS, 587)}
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
HOST = re.compile(r"[A-Za-z0-9.:-]{1,253}", re.ASCII)


def open_mailer(uri: str, folder: Path, secret: Callable[[], str]) -> Mailer:
    """What carries mail. `file:` is the folder given, `file:/path` another; `smtps://user@host:port` needs the password
    that `secret` gives, and no user needs none.

    Raises:
        SettingsError: the URI is of no kind known here, or would send in the clear over a network.
    """
    if not uri.isprintable() or " " in uri:
        raise _malformed()
    parts = urlsplit(uri)
    if parts.scheme == "file" and not parts.netloc:
        return FileMailer(Path(unquote(parts.path)) if parts.path else folder)
    if parts.scheme not in SMTP or parts.path not in ("", "/") or parts.query or parts.fragment or parts.password:
        raise _malformed()
    security, usual = SMTP[parts.scheme]
    try:
        host, port = parts.hostname or "", parts.port or usual
    except ValueError:
        raise _malformed() from None
    if not HOST.fullmatch(host):
        raise _malformed()
    if security is Security.NONE and host not in LOOPBACK:
        raise SettingsError(
            f"mail.uri：smtp: 不加密，只能用于本机，不能用于 {host}。请用 smtps: 或 smtp+starttls:。",
            f"mail.uri: smtp: is not encrypted, so it is for this machine alone, not for {host}. Use smtps: or "
            "smtp+starttls:.",
        )
    user = unquote(parts.username) if parts.username else None
    return SmtpMailer(host, port, security, user, secret if user else None)


def parse_sender(text: str, host: str) -> str:
    """Who mail is from; without one, `noreply` at the public host.

    Raises:
        SettingsError: it is no mail address, or the public host is no name that one can have.
    """
    try:
        return parse_mail_address(text or f"noreply@{host}").text
    except InvalidInput:
        if not text and host in LOOPBACK:
            return "noreply@localhost.localdomain"  # a demonstration on one machine
        raise SettingsError(
            f"mail.sender：{text or host!r} 不是邮箱地址。", f"mail.sender: {text or host!r} is no mail address."
        ) from None


def _malformed() -> SettingsError:
    return SettingsError(
        "mail.uri 应写作 file:、smtps://用户@主机:端口 或 smtp+starttls://用户@主机:端口，不含口令。",
        "Write mail.uri as file:, smtps://user@host:port or smtp+starttls://user@host:port, without a password.",
    )
