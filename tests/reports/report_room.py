"""The desk over the register of a room: strangers report there, and departments answer in the office."""

import re
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import msgspec
from litestar import Litestar

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "office"))
from office_room import Caller, Room

from certsvc.desks import open_desk
from certsvc.http.desk.app import create_desk_app
from certsvc.http.desk.bundle import Desk
from certsvc.http.pages import Pages
from certsvc.http.site import Site
from certsvc.settings import Database, Reports, Settings
from certsvc.store.embedded import EmbeddedServer

__all__ = ["Caller", "Room"]
OPERATOR = "hotline"
WORDS = "页面上的经营场所是旧地址，店去年就搬走了。"
CONTACT = "13800000000 陈先生"
NUMBER = re.compile(r"R(-[0-9A-HJKMNP-TV-Z]{5}){3}")


@dataclass(frozen=True, slots=True)
class Counter:
    """Where strangers report; `address` is the one they come from."""

    desk: Desk
    app: Litestar

    def stranger(self, address: str = "192.0.2.1") -> httpx.AsyncClient:
        """Somebody with a browser, at an address of their own."""
        transport = httpx.ASGITransport(self.app, client=(address, 1))  # type: ignore[arg-type]  # two spellings of ASGI
        headers = {"Accept": "text/html"}
        return httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers)

    async def send(self, address: str | None = None, token: str | None = None, **fields: str) -> str:
        """A report sent as a program does it; its number."""
        answer = await self.post(address, token, **fields)
        assert answer.status_code == 201, answer.text
        assert NUMBER.fullmatch(answer.json()["number"])
        return str(answer.json()["number"])

    async def post(self, address: str | None = None, token: str | None = None, **fields: str) -> httpx.Response:
        """The answer to a report sent as a program does it; everybody has an address of their own."""
        said = {"kind": "data_wrong", "words": WORDS, **fields}
        headers = {"Idempotency-Key": token or secrets.token_hex(12), "Accept": "application/json"}
        async with self.stranger(address or f"198.51.{secrets.randbelow(256)}.{secrets.randbelow(256)}") as one:
            return await one.post("/reports", json=said, headers=headers)

    async def followed(self, number: str) -> dict[str, Any]:
        """What who has the number sees, as a program."""
        async with self.stranger(f"203.0.113.{secrets.randbelow(256)}") as one:
            answer = await one.get(f"/reports/{number}", headers={"Accept": "application/json"})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@asynccontextmanager
async def open_counter(settings: Settings, server: EmbeddedServer) -> AsyncIterator[Counter]:
    """The desk as it is served, in its own database role."""
    uris = Database(server.uri("certsvc"), server.uri("certsvc_public"), server.uri("certsvc_desk"))
    settings = msgspec.structs.replace(settings, database=uris, reports=Reports(operator=OPERATOR))
    site = Site("localhost", settings.public_url, settings.web, settings.public, True)
    async with open_desk(settings, site, Pages(site)) as desk:
        yield Counter(desk, create_desk_app(desk))


class Form(HTMLParser):
    """The fields of a form as they stand in a page, as a browser would send them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._area: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        name = said.get("name") or ""
        if tag == "input" and name and (said.get("type") != "radio" or "checked" in said):
            self.fields[name] = said.get("value") or ""
        if tag == "textarea":
            self._area, self.fields[name] = name, ""

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self.fields[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area is not None:
            self.fields[self._area] = self.fields[self._area].removeprefix("\n")
            self._area = None


async def department(room: Room, name: str, *scopes: str) -> Caller:
    """A department's system."""
    return await room.caller(name, frozenset(scopes))
