"""`certsvc source`: departments that report permits from their own systems, and how fresh each is."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import click

from certsvc.catalog import Catalog
from certsvc.commands.output import JSON, show
from certsvc.domain.client import ClientState
from certsvc.domain.source import Source, SourceHealth
from certsvc.errors import NotFound
from certsvc.ids import parse_uscc
from certsvc.settings import load_settings
from certsvc.store.clients import PostgresClients
from certsvc.store.pool import Pool
from certsvc.store.records import PostgresRecords

COMMAND_LINE = "command-line"
MOST_HOURS = 24 * 366
ID = click.argument("source_id", metavar="ID")
TYPES = click.option(
    "--type", "kinds", required=True, multiple=True, metavar="TYPE", help="A type of ours, or its own code; repeatable."
)
CLIENT = click.option("--client", "client", required=True, metavar="NAME", help="The client that reports for it.")
EVERY = click.option(
    "--every", required=True, type=click.IntRange(1, MOST_HOURS), metavar="HOURS", help="How often it is to be heard."
)
COMPLETE = click.option(
    "--complete-every",
    type=click.IntRange(1, MOST_HOURS),
    metavar="HOURS",
    help="How often it is to list all it has. Without it, it reports changes alone, and pages say so.",
)
AREA = click.option("--area", default="", help="The beginning of the area codes of its businesses, like 4419.")
MISSING = click.option(
    "--most-missing",
    type=click.IntRange(0, 100),
    default=5,
    show_default=True,
    metavar="PERCENT",
    help="How much of its records a list may lack before it must be confirmed.",
)
BY = click.option(
    "--by", default=COMMAND_LINE, show_default=True, metavar="NAME", help="Who does this, for the record."
)
Found = TypeVar("Found")


@click.group()
def source() -> None:
    """Sources 归集来源: departments that issue permits in their own systems and report them here.

    What they report is shown on the page of the business's licence, by whom and as of when, and it is never taken for
    ours. A source that does not answer in time is shown as late, then as silent, and then its permits as unknown.
    """


@source.command()
@ID
@click.option("--name", required=True, help="What pages call it.")
@click.option("--name-en", required=True, help="The same in English.")
@click.option("--organisation", required=True, metavar="USCC", help="Whose source it is.")
@CLIENT
@TYPES
@EVERY
@COMPLETE
@AREA
@MISSING
@BY
@JSON
def add(
    source_id: str,
    name: str,
    name_en: str,
    organisation: str,
    client: str,
    kinds: tuple[str, ...],
    every: int,
    complete_every: int | None,
    area: str,
    most_missing: int,
    by: str,
    as_json: bool,
) -> None:
    """Register 登记 the source ID, fed by a client that has the scope record:TYPE. The same again does nothing.

    Example: certsvc source add fire --name 云山市消防救援支队 --name-en "Yunshan Fire" --organisation
    11441900007330010D --client fire-system --type fire-safety-check --every 24 --complete-every 24
    """
    now = datetime.now(UTC)
    asked = Source(
        id=source_id,
        zh=name.strip(),
        en=name_en.strip(),
        organisation=parse_uscc(organisation),
        client=client,
        kinds=frozenset(kinds),
        area=area,
        expected_every=timedelta(hours=every),
        complete_every=timedelta(hours=complete_every) if complete_every else None,
        most_missing_percent=most_missing,
        registered_at=now,
    )
    _register(asked, _name(by), now, as_json, change=False)


@source.command()
@ID
@CLIENT
@TYPES
@EVERY
@COMPLETE
@AREA
@MISSING
@BY
@JSON
def change(
    source_id: str,
    client: str,
    kinds: tuple[str, ...],
    every: int,
    complete_every: int | None,
    area: str,
    most_missing: int,
    by: str,
    as_json: bool,
) -> None:
    """Change 变更 who feeds the source ID, its types and what it promises. All of it is given anew and holds at once.

    What it reported stays on record.
    """
    now = datetime.now(UTC)
    known = _with_records(lambda _, records: records.source(source_id)).source
    asked = replace(
        known,
        client=client,
        kinds=frozenset(kinds),
        area=area,
        expected_every=timedelta(hours=every),
        complete_every=timedelta(hours=complete_every) if complete_every else None,
        most_missing_percent=most_missing,
    )
    _register(asked, _name(by), now, as_json, change=True)


@source.command("show")
@click.argument("source_id", metavar="[ID]", required=False)
@JSON
def show_sources(source_id: str | None, as_json: bool) -> None:
    """Show every source, or the source ID: whether it is fresh, late or silent, and how much it has reported.

    Exit status 0 also where one is late: certsvc source show --json is for a monitor to read.
    """
    now = datetime.now(UTC)

    async def read(_: Pool, records: PostgresRecords) -> list[dict[str, Any]]:
        found = [*await records.sources()] if source_id is None else [await records.source(source_id)]
        return [_json(one, now, await records.counts(one.source.id)) for one in found]

    table = _with_records(read)
    show({"sources": table}, "\n".join(map(_row, table)) or "没有来源 no sources", as_json)


def _register(asked: Source, by: str, now: datetime, as_json: bool, *, change: bool) -> None:
    from certsvc.issuance.records.sources import Registered, add_source, change_source

    async def work(pool: Pool, records: PostgresRecords) -> Registered:
        await _require_client(pool, asked.client)
        if change:
            return await change_source(records, _catalog(), asked, by, now)
        return await add_source(records, _catalog(), asked, by)

    registered = _with_records(work)
    told = _json(registered.health, now, None)
    warnings = [f"  {one.zh} {one.en}" for one in registered.warnings]
    show(
        {**told, "warnings": [{"field": one.field, "code": one.code} for one in registered.warnings]},
        "\n".join([_row(told), *warnings]),
        as_json,
    )


async def _require_client(pool: Pool, name: str) -> None:
    known = [found.client for found in await PostgresClients(pool).clients()]
    if not any(one.name == name and one.state is ClientState.ACTIVE for one in known):
        raise NotFound(
            f"没有名为 {name} 的在用客户端：先用 certsvc client add 登记。",
            f"No client in use has the name {name}: register it first (certsvc client add).",
        )


def _catalog() -> Catalog:
    from certsvc.catalog import load_catalog

    return load_catalog(load_settings().schemas)


def _name(text: str) -> str:
    from certsvc.authority.seal_plan import parse_person

    return parse_person(text)


def _with_records(work: Callable[[Pool, PostgresRecords], Awaitable[Found]]) -> Found:
    """Do something with the sources on record."""
    from certsvc import app
    from certsvc.store.migrate import migrate
    from certsvc.store.pool import open_pool

    async def run(uri: str) -> Found:
        await migrate(uri)
        async with open_pool(uri) as pool:
            return await work(pool, PostgresRecords(pool))

    with app.databases(load_settings()) as uris:
        return asyncio.run(run(uris.writer))


def _json(health: SourceHealth, now: datetime, counts: tuple[int, int, int] | None) -> dict[str, Any]:
    found, heard = health.source, health.heard
    told: dict[str, Any] = {
        "id": found.id,
        "name": found.zh,
        "client": found.client,
        "types": sorted(found.kinds),
        "freshness": health.freshness(now).value,
        "expected_every_hours": found.expected_every.total_seconds() / 3600,
        "complete_every_hours": found.complete_every.total_seconds() / 3600 if found.complete_every else None,
        "last_heard_at": heard.last_heard_at.isoformat() if heard.last_heard_at else None,
        "complete_as_of": heard.complete_as_of.isoformat() if heard.complete_as_of else None,
    }
    if counts is not None:
        told |= dict(zip(("records", "missing", "contradicted"), counts, strict=True))
    return told


def _row(told: dict[str, Any]) -> str:
    last = told["last_heard_at"] or "never"
    counted = f"  records {told['records']}, missing {told['missing']}" if "records" in told else ""
    return f"{told['id']}  {told['freshness']}  {told['name']}  last heard {last}{counted}"
