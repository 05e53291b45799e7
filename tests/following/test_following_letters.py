"""Mails as they are written and carried: no header can be added, no password and no mail goes in the clear."""

import asyncio
import ssl
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from following_room import START, load_languages, text_of
from hypothesis import given, settings
from hypothesis import strategies as st
from public_site import ROOT
from smtp_server import SmtpServer, certificates, smtp_server

from certsvc.domain.following import Change, Mail, MailKind, Opened, expiry_after, new_follower_id, parse_mail_address
from certsvc.errors import CustodyError, InvalidInput, SettingsError
from certsvc.ids import new_ref
from certsvc.telling.following_parts import MailNotTaken, MailRefused
from certsvc.telling.letters import LetterBox
from certsvc.telling.mail import open_mailer, parse_sender
from certsvc.telling.mail_file import FileMailer
from certsvc.telling.mail_smtp import Security, SmtpMailer

LANGUAGES = load_languages(ROOT / "verifier_web" / "words")
CODE = new_ref(None).typed_code
OPENED = Opened(address=parse_mail_address("lin@bank.example"), confirm="c" * 32, stop="s" * 32)


def letters(title: str = "营业执照", public_url: str = "https://yz.example") -> LetterBox:
    return LetterBox(
        public_url=public_url,
        sender="noreply@yz.example",
        languages=LANGUAGES,
        titles=lambda _: (title, title),
    )


def mail(kind: MailKind = MailKind.CHANGES, language: str = "zh", **change: str) -> Mail:
    said = {"type_id": "food-business", "after": "suspended", "before": "valid", "act": "suspend", "code": CODE}
    changes = (Change(**{**said, "effective": "2026-03-01", **change}),) if kind is MailKind.CHANGES else ()
    return Mail(
        id=7,
        kind=kind,
        follower=new_follower_id(),
        licence=new_ref(None),
        licence_type="business-licence-company",
        language=language,
        sealed=b"",
        key_id="data-1",
        made_at=START,
        expires_at=expiry_after(START),
        changes=changes,
    )


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=200))
def test_no_name_can_begin_a_header_or_a_line_of_its_own(title: str) -> None:
    message = letters(title + "\r\nBcc: everybody@example.org\n\nhello").compose(mail(), OPENED, START)
    read = message_from_bytes(message.as_bytes(), policy=policy.default)
    assert read["Bcc"] is None and len(read.get_all("To", [])) == 1
    assert read.keys() == message.keys()
    assert isinstance(read, EmailMessage)
    assert not any(line.startswith("Bcc:") for line in text_of(read).splitlines())


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@pytest.mark.parametrize("kind", list(MailKind))
def test_every_mail_has_words_in_every_language_and_a_way_to_stop(language: str, kind: MailKind) -> None:
    message = letters().compose(mail(kind, language), OPENED, START)
    text = text_of(message)
    assert "{" not in text + message["Subject"]
    assert f"https://yz.example/follow/stop/{'s' * 32}?lang={language}" in text
    assert (f"/follow/confirm/{'c' * 32}" in text) is (kind is not MailKind.CHANGES)
    assert message["Auto-Submitted"] == "auto-generated"
    assert (message["List-Unsubscribe-Post"] is None) is (kind is MailKind.CONFIRM)
    assert max(map(len, message.as_bytes().split(b"\r\n"))) <= 998


def test_one_click_is_offered_over_tls_alone() -> None:
    message = letters(public_url="http://localhost:8000").compose(mail(), OPENED, START)
    assert message["List-Unsubscribe"] is not None and message["List-Unsubscribe-Post"] is None


def test_a_mail_sent_again_is_the_same_mail() -> None:
    one = mail()
    first, again = (letters().compose(one, OPENED, START) for _ in range(2))
    assert first.as_bytes() == again.as_bytes() and first["Message-ID"]
    assert letters().compose(replace(one, id=8), OPENED, START)["Message-ID"] != first["Message-ID"]


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("lin@bank.example", "lin@bank.example"),
        (" Lin.X+1@Bank.EXAMPLE ", "Lin.X+1@bank.example"),
        ("lin@银行.example", "lin@xn--elqp7fg69a.example"),
    ],
)
def test_addresses_that_mail_can_be_sent_to(text: str, taken: str) -> None:
    parsed = parse_mail_address(text)
    assert parsed.text.partition("@")[0] == taken.partition("@")[0] and parsed.text.isascii()
    assert parsed.key == parsed.text.lower() and taken.partition("@")[0] not in repr(parsed)


@pytest.mark.parametrize(
    "text",
    [
        *("", "@", "a@", "@b.example", "a@b", "a b@c.example", "a@b.example\r\nBcc: x@y.example", "a@b..example"),
        *(
            "a@-b.example",
            "a@1.2.3.4",
            "a@[1.2.3.4]",
            '"a b"@c.example',
            "林@b.example",
            ".a@b.example",
            "a.@b.example",
        ),
        *("a" * 65 + "@b.example", "a@" + "b." * 130 + "example", "a@b.example,c@d.example", "a@b.example>", "a@@b.c"),
        *("a@b.example\x00", "<a@b.example>", "a@" + "b" * 64 + ".example"),
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_mail_address(text)


# ---- carrying ----


def test_the_folder_keeps_a_mail_once_and_for_ourselves(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    message = letters().compose(mail(), OPENED, START)

    async def story() -> None:
        for _ in range(2):
            await FileMailer(folder).send(message)

    asyncio.run(story())
    (path,) = folder.iterdir()
    assert path.suffix == ".eml" and path.stat().st_mode & 0o077 == 0 and folder.stat().st_mode & 0o077 == 0
    assert path.read_bytes() == message.as_bytes()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(MailNotTaken):
        asyncio.run(FileMailer(tmp_path / "file").send(message))


@pytest.mark.parametrize("uri", ["smtp://mail.example", "smtp://10.0.0.1:25", "smtp://localhost.example"])
def test_nothing_goes_in_the_clear_to_another_machine(tmp_path: Path, uri: str) -> None:
    with pytest.raises(SettingsError, match="not encrypted"):
        open_mailer(uri, tmp_path, lambda: "")
    assert open_mailer("smtp://localhost:2525", tmp_path, lambda: "")


@pytest.mark.parametrize(
    "uri",
    [
        *("", "mail:", "http://mail.example", "smtps://", "smtps://user:secret@mail.example", "smtps://m.example/x"),
        *("smtps://m.example:99999", "smtps://m.example?x=1", "file://other/x", "smtps://m\r\n.example"),
    ],
)
def test_another_uri_is_refused_and_no_password_in_one(tmp_path: Path, uri: str) -> None:
    with pytest.raises(SettingsError) as caught:
        open_mailer(uri, tmp_path, lambda: "")
    assert "secret" not in str(caught.value)


def test_who_it_is_from() -> None:
    assert parse_sender("", "yz.example.cn") == "noreply@yz.example.cn"
    assert parse_sender("", "localhost") == "noreply@localhost.localdomain"
    for text in ("x", "a@b.example\nBcc: c@d.example"):
        with pytest.raises(SettingsError):
            parse_sender(text, "yz.example")


def sent(
    server: SmtpServer,
    mailer_of: "tuple[Security, str | None, ssl.SSLContext | None]",
    host: str = "localhost",
    at_once: bool = False,
    password: str = "pass",
) -> EmailMessage:
    """Send one mail to a server; the mail."""
    message = letters().compose(mail(), OPENED, START)
    security, user, tls = mailer_of

    async def story() -> None:
        async with smtp_server(server, at_once=at_once):
            await SmtpMailer(host, server.port, security, user, lambda: password, tls).send(message)

    asyncio.run(story())
    return message


def test_a_mail_arrives_as_it_was_written(tmp_path: Path) -> None:
    server = SmtpServer()
    message = sent(server, (Security.NONE, None, None))
    (taken,) = server.taken
    assert text_of(taken).splitlines() == text_of(message).splitlines() and taken["Subject"] == message["Subject"]
    assert taken["List-Unsubscribe"] == message["List-Unsubscribe"]
    assert "mail FROM:<noreply@yz.example>" in server.commands[1].replace("MAIL", "mail")
    assert any("lin@bank.example" in one for one in server.commands)


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_over_tls_with_a_password(tmp_path: Path, security: Security) -> None:
    tls, client = certificates(tmp_path)
    server = SmtpServer(tls=tls, password="pass")
    sent(server, (security, "user", client), at_once=security is Security.TLS)
    assert server.encrypted == [True]


def test_a_server_without_starttls_gets_neither_password_nor_mail(tmp_path: Path) -> None:
    server = SmtpServer(password="pass")
    with pytest.raises(MailNotTaken):
        sent(server, (Security.STARTTLS, "user", certificates(tmp_path)[1]))
    assert server.taken == [] and not any(one.startswith(("AUTH", "auth")) for one in server.commands)


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_a_server_that_cannot_be_trusted_gets_nothing(tmp_path: Path, security: Security) -> None:
    server = SmtpServer(tls=certificates(tmp_path)[0], password="pass")
    with pytest.raises(MailNotTaken):
        sent(server, (security, "user", None), at_once=security is Security.TLS)
    assert server.taken == []


@pytest.mark.parametrize(
    ("command", "answer", "error"),
    [
        ("RCPT", "550 nobody here", MailRefused),
        ("RCPT", "451 later", MailNotTaken),
        ("MAIL", "452 full", MailNotTaken),
        ("MAIL", "553 we do not know the sender", MailNotTaken),
        ("DATA", "554 no", MailRefused),
        ("MESSAGE", "552 too large", MailRefused),
        ("MESSAGE", "451 later", MailNotTaken),
    ],
)
def test_what_the_server_says_is_for_good_or_for_now(command: str, answer: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        sent(SmtpServer(answers={command: answer}), (Security.NONE, None, None))


def test_a_server_that_does_not_speak_with_us_refuses_no_receiver() -> None:
    with pytest.raises(MailNotTaken):
        sent(SmtpServer(answers={"EHLO": "550 blocked", "HELO": "550 blocked"}), (Security.NONE, None, None))


def test_a_wrong_password_loses_no_mail(tmp_path: Path) -> None:
    tls, client = certificates(tmp_path)
    with pytest.raises(MailNotTaken):
        sent(SmtpServer(tls=tls, password="other"), (Security.STARTTLS, "user", client))

    def missing() -> str:
        raise CustodyError("没有口令。", "There is no password.")

    async def story() -> None:
        async with smtp_server(SmtpServer(tls=tls)) as server:
            mailer = SmtpMailer("localhost", server.port, Security.STARTTLS, "user", missing, client)
            await mailer.send(letters().compose(mail(), OPENED, START))

    with pytest.raises(MailNotTaken):
        asyncio.run(story())


def test_a_server_that_takes_it_and_then_is_rude_has_taken_it() -> None:
    server = SmtpServer(answers={"QUIT": "500 what"})
    sent(server, (Security.NONE, None, None))
    assert len(server.taken) == 1


def test_a_connection_that_breaks_after_the_mail_leaves_it_open_whether_it_was_sent() -> None:
    server = SmtpServer(drops=True)
    with pytest.raises(OSError):
        sent(server, (Security.NONE, None, None))
    assert len(server.taken) == 1


def test_no_server_is_no_loss() -> None:
    async def story() -> None:
        await SmtpMailer("localhost", 1, Security.NONE).send(letters().compose(mail(), OPENED, START))

    with pytest.raises(MailNotTaken):
        asyncio.run(story())
    assert timedelta(0) < expiry_after(START) - START
