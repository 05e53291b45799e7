"""A desk over the demonstration's register: proofs issued there, their papers read, and tries over HTTP."""

import asyncio
import json
import re
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx
import msgspec
import pypdfium2
from chosen import tree_catalog

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "issuance"))

from walked import Walks

from certsvc.catalog import Catalog
from certsvc.demo.orders import from_day
from certsvc.desks import open_desk
from certsvc.domain.calendar import beijing_date
from certsvc.domain.issuing import Order, Reservation
from certsvc.http.desk.app import create_desk_app
from certsvc.http.desk.bundle import Desk
from certsvc.http.pages import Pages
from certsvc.http.site import Site
from certsvc.ids import Ref
from certsvc.settings import REPOSITORY, Settings
from certsvc.store.blobs import BLOBS, FileBlobs

Result = TypeVar("Result")
WATER = "tiered-water-proof"
EXAMPLE = REPOSITORY / "schemas" / WATER / "v2" / "examples" / "good-zhou.json"
FRAME = re.compile(r"请输入\s*([0-9A-Z]{3}) ?([0-9A-Z]{3})")
HOST = "yz.example"


@dataclass(frozen=True)
class Room:
    """The desk as it is served, and the register behind it."""

    walks: Walks

    @property
    def desk_uri(self) -> str:
        """As the desk connects."""
        return self.walks.server.uri("certsvc_desk")

    @property
    def settings(self) -> Settings:
        """With the addresses that a server process of the role has."""
        settings, public = self.walks.settings, self.walks.server.uri("certsvc_public")
        database = msgspec.structs.replace(settings.database, public_uri=public, desk_uri=self.desk_uri)
        return msgspec.structs.replace(settings, database=database)

    def issue(self, key: str) -> Reservation:
        """A proof of its own, issued now."""
        return self.walks.issue(order(key))

    def paper(self, proof: Reservation) -> bytes:
        """Its sealed file."""
        (row,) = self.walks.rows("select sha256 from document where ref = $1", proof.ref.to_bytes())
        return FileBlobs(self.walks.settings.home / BLOBS).get(row["sha256"])

    def characters(self, proof: Reservation) -> str:
        """What is printed on it, as a person reads it."""
        return printed(self.paper(proof))

    def run(self, work: Callable[[Desk, httpx.AsyncClient], Coroutine[Any, Any, Result]]) -> Result:
        """Do something with the desk opened anew."""

        async def story() -> Result:
            settings = self.settings
            site = Site(HOST, f"https://{HOST}", settings.web, settings.public, is_demonstration=True)
            async with open_desk(settings, site, Pages(site)) as desk:
                transport = httpx.ASGITransport(app=create_desk_app(desk))  # type: ignore[arg-type]
                async with httpx.AsyncClient(transport=transport, base_url=f"https://{HOST}") as client:
                    return await work(desk, client)

        return asyncio.run(story())

    def post(self, code: str, accept: str = "text/html", **fields: str) -> httpx.Response:
        """One try over HTTP, by a browser's form."""

        async def work(desk: Desk, client: httpx.AsyncClient) -> httpx.Response:
            return await client.post(f"/C/{code}/full", data=form(**fields), headers={"Accept": accept})

        return self.run(work)

    def events(self, proof: Ref) -> list[Mapping[str, Any]]:
        """What is on record of tries and views, in order."""
        rows = self.walks.rows("select * from full_view_event where ref = $1 order by id", proof.to_bytes())
        return [dict(row) for row in rows]


@cache
def catalog() -> Catalog:
    """The types in the tree."""
    return tree_catalog()


def order(key: str) -> Order:
    """For a proof of the water tariff, its term from today."""
    example, today = json.loads(EXAMPLE.read_text("utf-8")), beijing_date(datetime.now(UTC))
    payload = from_day(catalog().latest(WATER), example, today)
    return Order(client="test", key=key, type_id=WATER, payload=payload)


def form(**fields: str) -> dict[str, str]:
    """The form filled in."""
    return {"characters": "000000", "office": "云岗镇供水公司", "purpose": "办理阶梯水费", **fields}


def printed(pdf: bytes) -> str:
    """The six characters on a page."""
    document = pypdfium2.PdfDocument(pdf)
    text = str(document[0].get_textpage().get_text_range())
    found = FRAME.search(text)
    document.close()
    assert found is not None, text
    return found[1] + found[2]


def other_than(characters: str) -> str:
    """Six characters that open nothing."""
    return characters[:-1] + ("0" if characters[-1] != "0" else "1")


@contextmanager
def as_role(uri: str) -> Iterator[Callable[..., Any]]:
    """Run statements directly, as a role of the database."""

    def run(statement: str, *values: object) -> Any:
        async def story() -> Any:
            connection = await asyncpg.connect(uri)
            try:
                return await connection.fetch(statement, *values)
            finally:
                await connection.close()

        return asyncio.run(story())

    yield run
