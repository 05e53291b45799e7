"""The service as `serve --role all` runs it, with a department's client on record that asks over the network."""

import asyncio
import json
import sys
import zlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
from demonstration import ROOT, Home

sys.path.insert(0, str(ROOT / "tests" / "demo"))
from served import Served

from certsvc.client import Client, Retries
from certsvc.client.access import Access, open_key
from certsvc.domain.acts import Act

SYSTEM = [
    *(f"{act}:*" for act in Act),
    *(f"{action}:*" for action in "read view case decide record document notify".split()),
]
FILING = "medical-device-filing"
SHOP: dict[str, Any] = json.loads((ROOT / "schemas" / FILING / "v1" / "examples" / "good-shop.json").read_text("utf-8"))
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Service:
    """A running service and one client of it."""

    running: Served
    home: Home
    url: str
    client_id: str
    key: Path

    def client(self, retries: Retries | None = None) -> Client:
        """The client as a department would use it."""
        return Client(self.url, self.client_id, key=self.key, retries=retries)

    def token(self) -> str:
        """An access token for everything that is registered."""

        async def had() -> str:
            async with httpx.AsyncClient(base_url=self.url) as http:
                return await Access(http, self.client_id, open_key(self.key), audience=self.url).token()

        return asyncio.run(had())

    def use(self, story: Callable[[Client], Coroutine[Any, Any, Result]]) -> Result:
        """Do something with a client that is open meanwhile."""

        async def told() -> Result:
            async with self.client() as api:
                return await story(api)

        return asyncio.run(told())

    def filings(self, name: str) -> list[str]:
        """The codes of filings that are on record for a shop of this name."""

        async def found(api: Client) -> list[str]:
            return [each.code async for each in api.certificates.search(type_id=FILING) if each.holder == name]

        return self.use(found)


def shop(name: str) -> dict[str, Any]:
    """A filing that nobody has to approve, under a name and at a place of its own."""
    return SHOP | {"name": name, "address": f"云山市云岗镇振兴路{zlib.crc32(name.encode())}号"}


def register(home: Home, name: str, scopes: list[str], *more: str) -> tuple[str, Path]:
    """A client with a fresh key: its id, and where the key is."""
    key, jwks = home.path / f"{name}.pem", home.path / f"{name}.jwks"
    jwks.write_text(home.run("client", "key", key).stdout, encoding="utf-8")
    added = home.run("client", "add", name, "--jwks", jwks, "--scope", " ".join(scopes), "--json", *more)
    assert added.returncode == 0, added.stderr
    found: str = json.loads(added.stdout)["id"]
    return found, key
