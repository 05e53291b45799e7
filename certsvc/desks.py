"""Composition of the desk: what it has, which is no key that signs or seals."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from certsvc.http.desk.bundle import Desk
from certsvc.http.pages import Pages
from certsvc.http.site import Site
from certsvc.settings import Settings
from certsvc.store.pool import open_pool
from certsvc.store.reader import PostgresReader

DESK_CONNECTIONS = 6


@asynccontextmanager
async def open_desk(settings: Settings, site: Site, pages: Pages) -> AsyncIterator[Desk]:
    """Everything the desk needs; it connects as the roles that the settings name for it and for readers."""
    async with (
        open_pool(settings.database.public_uri, read_only=True) as reading,
        open_pool(settings.database.desk_uri, most=DESK_CONNECTIONS) as writing,
    ):
        del writing
        yield Desk(register=PostgresReader(reading), site=site, pages=pages)
