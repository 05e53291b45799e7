"""A village over a copy of the demonstration: its pages served as the office serves them, and its people with accounts.

All of it runs in threads of its own, for beside a browser pytest's own thread has a loop that runs already.
"""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_accounts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_requests"))
from account_room import CHEAP, PASSWORD
from app_served import app_served, free_port, quietly
from village_people import APPROVER, AUDITOR, CLERK, SECOND, STRANGER, account_of, settle

from certsvc.access.passwords import hash_password
from certsvc.authorities import open_keys
from certsvc.catalog import load_catalog
from certsvc.departments import open_office
from certsvc.domain.calendar import beijing_date
from certsvc.domain.organ import Member
from certsvc.http.application import make_application
from certsvc.http.lifespan import Opened
from certsvc.http.pages import Pages
from certsvc.http.shared import shared_routes
from certsvc.http.site import Site
from certsvc.http.village.app import village_routes
from certsvc.ids import Uscc
from certsvc.issuance.approvals import carry_out
from certsvc.issuance.service import silent_walk
from certsvc.issuance.village.work import VillageWork, member
from certsvc.issuing import join_issuing
from certsvc.log import open_log
from certsvc.settings import Settings
from certsvc.store.pool import open_pool
from certsvc.verify.inspector import Inspector
from certsvc.villages import village_work

ROOT = Path(__file__).resolve().parents[2]
SET_PASSWORD = "insert into account_password (account, hash, must_change, set_at) values ($1, $2, false, $3)"
SEAL = "village-shitang"
Result = TypeVar("Result")
Story = Callable[[VillageWork], Coroutine[Any, Any, Result]]


@dataclass
class DeskRoom:
    """The village of a module."""

    settings: Settings
    uri: str
    base: str = ""

    def settle(self) -> None:
        """Its people, who sign in with one password."""

        async def story() -> None:
            async with open_pool(self.uri) as pool:
                await settle(pool, SEAL, beijing_date(datetime.now(UTC)))
                async with pool.transaction() as connection:
                    for name in (CLERK, APPROVER, SECOND, AUDITOR, STRANGER):
                        kept = hash_password(PASSWORD, CHEAP)
                        await connection.execute(SET_PASSWORD, account_of(name), kept, datetime.now(UTC))

        apart(story())

    def rows(self, statement: str, *values: object) -> list[asyncpg.Record]:
        """Ask, or write past our code, as the owner of the tables."""

        async def story() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(self.uri)
            try:
                return await connection.fetch(statement, *values)
            finally:
                await connection.close()

        return apart(story())

    def tell(self, story: Story[Result]) -> Result:
        """A story over the use cases, with the keys that seal."""

        async def told() -> Result:
            async with Inspector(1) as inspector, open_pool(self.uri) as pool:
                now = datetime.now(UTC)
                keys, catalog = open_keys(self.settings, now), load_catalog(self.settings.schemas)
                issuing = await join_issuing(self.settings, catalog, keys, pool, inspector, silent_walk, now)
                return await story(village_work(self.settings, issuing, pool))

        return apart(told())

    def seal(self, request_id: str) -> None:
        """What the worker does with what was approved of a request: issue it, or rescind it."""

        async def story(work: VillageWork) -> None:
            request = await work.requests.request(request_id)
            for approval in filter(None, (request.approval_id, request.cancel_approval_id)):
                await carry_out(work.issuing, work.approvals, approval, datetime.now(UTC))

        self.tell(story)


async def somebody(work: VillageWork, name: str, organ: Uscc) -> Member:
    """Who somebody is in an organ today."""
    return await member(work, account_of(name), organ, datetime.now(UTC))


def apart(story: Coroutine[Any, Any, Result]) -> Result:
    """Run something in a thread with a loop of its own."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, story).result()


@contextmanager
def served(room: DeskRoom) -> Iterator[str]:
    """The pages on loopback, put together as the office does it; the address."""
    port = free_port()
    base = f"http://localhost:{port}"
    site = Site(f"localhost:{port}", base, ROOT / "verifier_web", room.settings.public, True, True)

    @asynccontextmanager
    async def made() -> AsyncIterator[Any]:
        pages = Pages(site)
        async with open_office(room.settings, room.uri, site, pages, datetime.now(UTC)) as office:
            routes = [*village_routes(office.villages, pages), *shared_routes(site, pages)]
            with quietly():
                yield make_application(routes, site, pages, open_log())

    with quietly():
        application = Opened(made)
    with app_served(application, port):
        yield base


class Hand:
    """Somebody's browser of no script, who has signed in, if they have a name: sends the forms of a page with what is
    typed."""

    def __init__(self, room: DeskRoom, name: str = "") -> None:
        self.room = room
        headers = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
        self._client = httpx.Client(base_url=room.base, headers=headers, timeout=120)
        if not name:
            return
        entered = self.post("/village/sign-in", name=name, password=PASSWORD, code="")
        assert entered.status_code == 303, entered.text[:500]

    def get(self, path: str) -> httpx.Response:
        """Open a page."""
        return self._client.get(path)

    def post(self, path: str, site: str = "same-origin", /, **fields: str) -> httpx.Response:
        """Send a form; `site` says whose page it was on."""
        return self._client.post(path, data=fields, headers={"Sec-Fetch-Site": site})

    def act(self, page: str, act: str, **fields: str) -> httpx.Response:
        """Send a form of a page, with what stands in its hidden fields and what is typed."""
        return self.post(f"{page}/{act}", **{**self.hidden(page), **fields})

    def hidden(self, page: str) -> dict[str, str]:
        """The form token of this session, and the version and a key that the page shows."""
        text = self.get(page).text
        return dict(re.findall(r'<input type="hidden" name="(form_token|seen|key)" value="([^"]+)"', text))
