"""A city's people over one database, and the pages of figures as a browser meets them."""

import sys
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import asyncpg

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_accounts"))
from account_room import ROOT, Browser, Room, account_id
from figures_people import BY, Region, put, region, write
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from certsvc.catalog import load_catalog
from certsvc.catalog.proofs import load_proofs
from certsvc.domain.calendar import beijing_date
from certsvc.domain.organ import Member, OrganDuty
from certsvc.domain.proof_refusal import ProofRefusal
from certsvc.http.village.bundle import Villages
from certsvc.http.village.console import Console
from certsvc.http.village.figures import figures_routes
from certsvc.http.village.home import home_routes
from certsvc.http.village.session import Sessions, SigningIn
from certsvc.ids import Uscc
from certsvc.issuance.service import Issuing
from certsvc.issuance.village.refusing import record_refusal
from certsvc.issuance.village.work import VillageWork
from certsvc.store.organs import PostgresOrgans
from certsvc.store.pool import Pool
from certsvc.store.proof_refusals import PostgresProofRefusals
from certsvc.store.village_figures import PostgresVillageFigures

CLERK, APPROVER, AUDITOR, OF_TOWN, OF_CITY = "林晓芸", "黄志强", "何有为", "陈镇督", "梁市督"
CATALOG = load_catalog(ROOT / "schemas")
PROOFS = load_proofs(ROOT / "schemas", CATALOG)


class Land:
    """A made-up city, and who works where: clerk, approver and auditor in its first village, an overseer in its first
    town and one in the city."""

    def __init__(self, room: Room, made: Region | None = None) -> None:
        self.room, self.made = room, made or region()
        self.village, self.town, self.city = self.made.villages[0], self.made.towns[0], self.made.city
        for name in (CLERK, APPROVER, AUDITOR, OF_TOWN, OF_CITY):
            room.person(name)
        duties = (
            (CLERK, self.village, OrganDuty.CLERK),
            (APPROVER, self.village, OrganDuty.APPROVER),
            (AUDITOR, self.village, OrganDuty.AUDITOR),
            (OF_TOWN, self.town, OrganDuty.OVERSEER),
            (OF_CITY, self.city, OrganDuty.OVERSEER),
        )
        people = [(account_id(room, name), name, organ, duty) for name, organ, duty in duties]
        room.run(put(room.pool, self.made, people, datetime.now(UTC)))

    @property
    def figures(self) -> PostgresVillageFigures:
        """The figures, as they are read and added up."""
        return PostgresVillageFigures(self.room.pool)

    def work(self, pool: Pool) -> VillageWork:
        """What the use cases here need of a village's work."""
        issuing = cast(Issuing, SimpleNamespace(catalog=CATALOG))
        nothing = cast(Any, None)
        organs = PostgresOrgans(pool)
        return VillageWork(
            issuing=issuing, approvals=nothing, organs=organs, requests=nothing, evidence=nothing, proofs=PROOFS
        )

    def member(self, name: str) -> Member:
        """Who somebody is today, in the organ where they have a duty."""
        found = PostgresOrgans(self.room.pool).memberships(account_id(self.room, name), beijing_date(datetime.now(UTC)))
        return self.room.run(found)[0]

    def write(self, some: Sequence[Any]) -> None:
        """Histories go on record."""

        async def story() -> None:
            connection = await asyncpg.connect(self.room.database.super_uri)
            try:
                await write(connection, some)
            finally:
                await connection.close()

        self.room.run(story())

    def move(self, number: int, town: Uscc | None) -> None:
        """A village belongs to another town from now on."""
        moved = replace(self.made.villages[number], town=town)
        self.made = self.made.with_village(number, moved)
        self.room.run(PostgresOrgans(self.room.pool).put(moved, BY, datetime.now(UTC)))

    def refuse(self, name: str, item: str | None, asked: str, key: str = "one", now: datetime | None = None) -> Any:
        """Somebody says at the counter that a proof is not given out."""
        refusals = PostgresProofRefusals(self.room.pool)
        work, who = self.work(self.room.pool), self.member(name)
        made: Coroutine[Any, Any, ProofRefusal] = record_refusal(
            work, refusals, who, item, asked, key, now or datetime.now(UTC)
        )
        return self.room.run(made)

    def app(self, signing: SigningIn | None = None, pool: Pool | None = None) -> Litestar:
        """The pages."""
        chosen, pool = signing or self.room.village, pool or self.room.pool
        villages = cast(Villages, SimpleNamespace(work=self.work(pool)))
        console = Console(villages, chosen.pages, Sessions(chosen))
        more: list[HTTPRouteHandler] = [
            *home_routes(console),
            *figures_routes(console, PostgresVillageFigures(pool)),
        ]
        return self.room.app(chosen, more)

    def opened(self, name: str, path: str) -> Any:
        """What somebody who signs in is shown there."""

        async def story() -> Any:
            browser = Browser(self.app())
            await browser.enter(name)
            return await browser.get(path)

        return self.room.run(story())

    def at(self, organ: Any, path: str = "/figures") -> str:
        """A page of an organ."""
        return f"/village/at/{organ.uscc}{path}"
