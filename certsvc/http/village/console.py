"""What every page of the console begins with: who asks, who they are in the organ of the address, what they may open.

An address names its organ (`/village/at/{USCC}/…`), because somebody may work for several; whoever has no duty there
gets the answer that a place which does not exist gets. Time is taken once per request.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import Response
from litestar.response import Redirect

from certsvc.domain.account import SignedIn
from certsvc.domain.calendar import beijing_date
from certsvc.domain.organ import Member, OrganDuty
from certsvc.errors import ForeignForm, InvalidInput, NotFound, NotSignedIn
from certsvc.http.form import MOST, read_form
from certsvc.http.negotiation import wants_page
from certsvc.http.pages import Pages
from certsvc.http.problems import AnsweredByPage
from certsvc.http.routes import Asked
from certsvc.http.village.bundle import Villages
from certsvc.http.village.keeping import kept_page
from certsvc.http.village.session import FORM_TOKEN, HOME, Sessions, in_language
from certsvc.ids import Uscc, parse_uscc
from certsvc.issuance.village.work import READS, member

AT = f"{HOME}/at/{{organ:str}}"
"""Where the pages of one organ begin, in the addresses of routes."""

EVERYBODY = frozenset(OrganDuty)
NAVIGATION = (
    ("", "inbox", READS),
    ("/new", "new", frozenset({OrganDuty.CLERK})),
    ("/book", "book", READS),
    ("/seal", "seal", READS),
    ("/people", "people", EVERYBODY),
    ("/figures", "figures", EVERYBODY),
)
"""The pages of an organ, their names in the words, and whose duties open them."""


@dataclass(frozen=True, slots=True)
class At:
    """Who asks, and who they are in the organ of the address."""

    signed: SignedIn
    member: Member

    @property
    def organ(self) -> Uscc:
        """The organ's USCC."""
        return self.member.organ.uscc

    def address(self, path: str = "") -> str:
        """A page of this organ; `path` begins with a slash."""
        return f"{HOME}/at/{self.organ}{path}"


class Console:
    """Who asks, and the frame of what they are shown. One for all pages of a process."""

    def __init__(self, villages: Villages, pages: Pages, sessions: Sessions) -> None:
        self.villages, self.pages, self.sessions = villages, pages, sessions
        self.work = villages.work

    async def at(self, request: Asked, organ: str, now: datetime) -> At:
        """Who asks for a page of an organ.

        Raises:
            NotSignedIn: see `Sessions.signed_in`.
            NotFound: they have no duty there, or there is no such organ.
        """
        signed = await self.sessions.signed_in(request, now)
        return At(signed, await member(self.work, signed.account, _organ(organ), now))

    async def form_at(
        self, request: Asked, organ: str, now: datetime, most: int = MOST
    ) -> tuple[At, Mapping[str, str]]:
        """Who sent a form of ours to a page of an organ, and its fields; `most` is its size in bytes.

        Raises:
            NotSignedIn, ForeignForm, WrongMediaType, MessageTooLarge, InvalidInput: see `Sessions.form`.
            AnsweredByPage: in place of the first two, for a browser: what was typed is given back.
            NotFound: see `at`.
        """
        self.sessions.require_own(request)
        fields = await read_form(request, most)
        signed = await self._sender(request, fields, now)
        return At(signed, await member(self.work, signed.account, _organ(organ), now)), fields

    async def _sender(self, request: Asked, fields: Mapping[str, str], now: datetime) -> SignedIn:
        signed = None
        try:
            signed = await self.sessions.signed_in(request, now)
            self.sessions.require_token(request, fields.get(FORM_TOKEN, ""))
        except (NotSignedIn, ForeignForm) as error:
            if not wants_page(request):
                raise
            raise AnsweredByPage(kept_page(self.sessions, request, signed, fields)) from error
        return signed

    def page(self, request: Asked, at: At, name: str, status: int = 200, **values: Any) -> Response[bytes]:
        """A page of an organ: its template extends `console_layout.html` and also has `at`, `who` (the `Member`), and
        `here`, which part of the console it is in (a name of `NAVIGATION`, or "")."""
        parts = [(at.address(path), name) for path, name, duties in NAVIGATION if at.member.duties & duties]
        known = {"at": at, "who": at.member, "parts": parts, "here": ""}
        return self.sessions.page(request, at.signed, name, status, **{**known, **values})

    def go(self, request: Asked, at: At, path: str = "") -> Redirect:
        """After a form: to a page of the organ, in the language of this one."""
        return Redirect(in_language(request, at.address(path)), status_code=303)

    async def memberships(self, account: str, now: datetime) -> list[Member]:
        """Who somebody is today, in each organ."""
        return [*await self.work.organs.memberships(account, beijing_date(now))]


def _organ(text: str) -> Uscc:
    try:
        return parse_uscc(text)
    except InvalidInput:
        raise NotFound(f"没有单位 {text[:18]}。", f"There is no organ {text[:18]}.") from None
