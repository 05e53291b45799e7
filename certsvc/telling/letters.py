"""Mails to who follows a licence, in the reader's language. The parts of a header are checked by `email`, so that
nothing that comes in a name can begin another one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from certsvc.domain.calendar import beijing_date
from certsvc.domain.following import TERM_OVER, Change, Mail, MailKind, Opened

WIDE = SMTP.clone(max_line_length=300)
"""A link in a header is not broken over lines: not every reader puts it together again."""

CONTROLS = dict.fromkeys((*range(32), 127), " ")
Titles = Callable[[str], tuple[str, str]]
"""The Chinese and the English name of a type by its id."""


class Speaking(Protocol):
    """A language: its words, and how days are written."""

    @property
    def code(self) -> str: ...

    @property
    def tag(self) -> str: ...

    @property
    def words(self) -> Mapping[str, Any]: ...

    def day(self, day: date) -> str:
        """A date as in a sentence."""

    def pick(self, zh: str, en: str) -> str:
        """The text of this language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterBox:
    """What stands on every mail: the site's address, and who it is from."""

    public_url: str
    sender: str
    languages: Mapping[str, Speaking]
    titles: Titles

    @property
    def host(self) -> str:
        """The host as people compare it."""
        return urlsplit(self.public_url).netloc

    def compose(self, mail: Mail, opened: Opened, now: datetime) -> EmailMessage:
        """The mail, dated `now`. Sent again it has the same Message-ID, so that a mailbox can tell."""
        language = self.languages.get(mail.language) or next(iter(self.languages.values()))
        title = language.pick(*self.titles(mail.licence_type))
        message = EmailMessage(policy=SMTP)
        message["From"] = Address(_line(language.words["site"]["name"]), addr_spec=self.sender)
        message["To"] = Address(addr_spec=opened.address.text)
        message["Subject"] = _line(_subject(mail, language, title))
        message["Date"] = format_datetime(now)
        message["Message-ID"] = f"<{mail.kind}-{mail.id}.{mail.follower}@{urlsplit(self.public_url).hostname}>"
        message["Auto-Submitted"] = "auto-generated"
        stop = self._link(f"/follow/stop/{opened.stop}", language)
        if mail.kind is not MailKind.CONFIRM:  # who did not confirm gets no list to leave
            message["List-Unsubscribe"] = f"<{stop}>"
            if self.public_url.startswith("https://"):  # RFC 8058 asks for it
                message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(f"{self._body(mail, opened, language, title)}\n{self._footer(stop, language)}")
        message["Content-Language"] = language.tag  # the content takes headers of its kind away with it
        message.policy = WIDE
        return message

    def _body(self, mail: Mail, opened: Opened, language: Speaking, title: str) -> str:
        words = language.words["letters"]
        said: str = words[f"{mail.kind}_body"].format(
            title=_line(title),
            licence=self._link(f"/C/{mail.licence.typed_code}", language),
            confirm=self._link(f"/follow/confirm/{opened.confirm}", language),
            day=language.day(beijing_date(mail.expires_at)),
            changes="".join(f"{self._change(one, language)}\n" for one in mail.changes),
        )
        return said.lstrip("\n")

    def _footer(self, stop: str, language: Speaking) -> str:
        words = language.words
        return str(words["letters"]["footer"]).format(site=words["site"]["name"], host=self.host, stop=stop)

    def _change(self, change: Change, language: Speaking) -> str:
        words, status = language.words["letters"], language.words["status"]
        title = _line(language.pick(*self.titles(change.type_id)))
        if change.code is None:
            state = language.words["case"]["state"].get(change.after, {}).get("word", change.after)
            return str(words["change_applied"]).format(title=title, after=state)
        name = "change_term" if change.after == TERM_OVER else "change" if change.before else "change_new"
        said = str(words[name]).format(
            title=title,
            before=status.get(change.before, change.before),
            after=status.get(change.after, change.after),
            act=language.words["acts"].get(change.act, change.act),
            effective=language.day(date.fromisoformat(change.effective)) if change.effective else "",
        )
        return f"{said}\n  {self._link(f'/C/{change.code}', language)}"

    def _link(self, path: str, language: Speaking) -> str:
        return f"{self.public_url}{path}?lang={language.code}"


def _subject(mail: Mail, language: Speaking, title: str) -> str:
    said: str = language.words["letters"][f"{mail.kind}_subject"].format(title=title, n=len(mail.changes))
    return said


def _line(text: str) -> str:
    """Text in which no line ends."""
    return text.translate(CONTROLS).replace("\u2028", " ").replace("\u2029", " ").replace("\x85", " ")
