"""Handing out a sealed proof: a secret that a clerk gives to the identified person, and what it opens, how often.

The code by which a request is followed stands on a slip, and slips get lost: alone it opens no file. With it goes a
secret of eight figures that was handed over at the counter or at a visit. It ends after seven days, after five
failures, and when the next one is handed out; and a quarter of an hour after it first opened the file. A server cannot
see whether a file has arrived, so for that quarter of an hour a line that drops costs nothing: the same code and
secret open it again.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from certsvc.ids import Ref

LENGTH, GROUP = 8, 4
LASTS, AGAIN = timedelta(days=7), timedelta(minutes=15)
FAILURES = 5
"""Failures that a secret has, and in a day who wants to see what a request says; a trigger counts them, too."""

MOST_OPENED = 200
"""Tries in a day to see what a request says, right ones too: each stays on record for ever."""

LONGEST_AGENT = 40


class HandedTo(StrEnum):
    """Who got the secret."""

    APPLICANT = "applicant"
    AGENT = "agent"


class SeenHow(StrEnum):
    """How it was seen who they are."""

    IN_PERSON = "in_person"
    VISIT = "visit"


class TryPlace(StrEnum):
    """What is tried: to see what a request says, or to fetch its file, on the own device or at a terminal."""

    CONTENT = "content"
    PAGE = "page"
    TERMINAL = "terminal"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHanding:
    """A secret to be put on record. `key` names it for its request, `digest` is a keyed hash of it, `agent` the masked
    name of who comes in the applicant's place; `account` and `person` are the clerk's."""

    request_id: str
    key: str
    digest: bytes
    account: str
    person: str
    given_to: HandedTo
    agent: str | None
    seen: SeenHow
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Handing:
    """A secret that was handed out, and what came of it: `fetched_at` is when it first opened the file."""

    person: str
    given_to: HandedTo
    agent: str | None
    seen: SeenHow
    at: datetime
    ends_at: datetime
    fetched_at: datetime | None
    failed: int

    def is_open(self, now: datetime) -> bool:
        """Whether it opens the file still, if it is the newest."""
        used_up = self.fetched_at is not None and now > self.fetched_at + AGAIN
        return now < self.ends_at and self.failed < FAILURES and not used_up


@dataclass(frozen=True, slots=True)
class CodeTry:
    """A try that is on record, before it is looked at; `digest` is that of the secret it may open."""

    id: int
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """A sealed file, as it is handed out."""

    ref: Ref
    pdf: bytes


def secret_from(keyed: bytes) -> str:
    """The secret that a keyed hash makes: eight figures, each as likely as any other."""
    return f"{int.from_bytes(hashlib.sha256(b'certsvc handing' + keyed).digest()) % 10**LENGTH:0{LENGTH}}"


def read_secret(typed: str) -> str | None:
    """What was typed as it is printed: without gaps, figures of any width; None if it cannot be one."""
    text = re.sub(r"[\s-]+", "", unicodedata.normalize("NFKC", typed[: 4 * LENGTH]))
    return text if re.fullmatch(rf"[0-9]{{{LENGTH}}}", text, re.ASCII) else None


def in_groups(secret: str) -> str:
    """As printed: two groups of four."""
    return f"{secret[:GROUP]} {secret[GROUP:]}"


def last_four(typed: str) -> str:
    """The last four characters of a number as they are compared: capitals, of any width, without gaps."""
    return re.sub(r"[^0-9A-Z]+", "", unicodedata.normalize("NFKC", typed[-40:]).upper())[-4:]
