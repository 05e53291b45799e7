"""`certsvc client`: who may call the service, with which keys and for what."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from certsvc.commands.client_text import client_json, client_lines, client_row, event_json, event_line
from certsvc.commands.output import JSON, show
from certsvc.domain.client import (
    Client,
    ClientEvent,
    ClientKey,
    ClientKind,
    ClientState,
    RegisteredClient,
    new_client_id,
    parse_client_id,
    parse_scopes,
)
from certsvc.errors import InvalidInput
from certsvc.settings import load_settings
from certsvc.store.clients import PostgresClients

COMMAND_LINE = "command-line"
OVERLAP_DAYS, MOST_OVERLAP_DAYS = 7, 90
MOST_WORDS, MOST_ORGANISATION = 4000, 400
ID = click.argument("client_id", metavar="ID")
JWKS = click.option(
    "--jwks",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Its public keys: a JWK Set (RFC 7517), at most five keys, each with a kid.",
)
SCOPES = click.option(
    "--scope",
    "scopes",
    required=True,
    multiple=True,
    help="What it may do; repeatable, or several with blanks between.",
)
BY = click.option(
    "--by", default=COMMAND_LINE, show_default=True, metavar="NAME", help="Who does this, for the record."
)
WHY = click.option("--why", metavar="TEXT", help="Why, for the record.")
Found = TypeVar("Found")


@click.group()
def client() -> None:
    """Clients 客户端: the systems and persons that call the service; their keys and scopes.

    A scope is action:type:seal:area; seal and area may be left out: issue:food-business, read:*:*:4419. Only a person
    can have approve. What is done here is on record with who, when and why, and holds at once.
    """


@client.command()
@click.argument("name")
@JWKS
@SCOPES
@click.option("--person", is_flag=True, help="It is a person, under the own name; else it is a system.")
@click.option("--organisation", metavar="TEXT", help="Whose it is.")
@BY
@WHY
@JSON
def add(
    name: str,
    jwks: Path,
    scopes: tuple[str, ...],
    person: bool,
    organisation: str | None,
    by: str,
    why: str | None,
    as_json: bool,
) -> None:
    """Register 登记 the client NAME and print its id. Registered again with the same keys and scopes, it is the same.

    NAME is what it acts under for ever, like market-system or a person's own name: seal uses, acts and approvals are on
    record under it, and no other client ever gets it.

    Example: certsvc client add market-system --jwks market.jwks --scope "issue:food-business read:*:*:4419"
    """
    kind = ClientKind.PERSON if person else ClientKind.SYSTEM
    now = datetime.now(UTC)
    asked = Client(
        id=new_client_id(),
        name=_name(name),
        kind=kind,
        scopes=parse_scopes(scopes, kind),
        organisation=_words(organisation, "--organisation", MOST_ORGANISATION),
        state=ClientState.ACTIVE,
        registered_at=now,
    )
    keys, reason = _keys(jwks, now), _words(why, "--why")
    _show(_with_clients(lambda clients: clients.register(asked, keys, _name(by), reason)), as_json)


@client.command()
@ID
@JWKS
@click.option(
    "--overlap",
    type=click.IntRange(0, MOST_OVERLAP_DAYS),
    default=OVERLAP_DAYS,
    show_default=True,
    metavar="DAYS",
    help="How long keys that are not in the file still vouch; 0 ends them now.",
)
@BY
@WHY
@JSON
def rotate(client_id: str, jwks: Path, overlap: int, by: str, why: str | None, as_json: bool) -> None:
    """Give the client ID the public keys in the file 更换公钥; its others end after the overlap.

    Keys that were stolen: --overlap 0. They vouch for nothing from that moment on, nor do the access tokens that were
    had with them. A key that was given an end never comes back.
    """
    now = datetime.now(UTC)
    found, given, reason = parse_client_id(client_id), _keys(jwks, now), _words(why, "--why")
    days = timedelta(days=overlap)
    _show(_with_clients(lambda clients: clients.rotate(found, given, days, _name(by), reason, now)), as_json)


@client.command()
@ID
@SCOPES
@BY
@WHY
@JSON
def scope(client_id: str, scopes: tuple[str, ...], by: str, why: str | None, as_json: bool) -> None:
    """Give the client ID these scopes and no others 变更范围.

    They hold at once: access tokens that it has shrink with them.
    """
    now = datetime.now(UTC)
    found, reason = parse_client_id(client_id), _words(why, "--why")
    _show(_with_clients(lambda clients: clients.rescope(found, scopes, _name(by), reason, now)), as_json)


@client.command()
@ID
@click.option("--why", required=True, metavar="TEXT", help="Why, for the record.")
@BY
@JSON
def cut(client_id: str, why: str, by: str, as_json: bool) -> None:
    """Cut off 停用 the client ID, at once and for ever: its keys, and the access tokens that it has.

    Its name is never given again. To replace keys that were stolen, and keep the client: certsvc client rotate.
    """
    found, reason, now = parse_client_id(client_id), _words(why, "--why") or "", datetime.now(UTC)
    _show(_with_clients(lambda clients: clients.cut_off(found, _name(by), reason, now)), as_json)


@client.command("list")
@JSON
def list_clients(as_json: bool) -> None:
    """List every client, by name: id, kind, state, how many keys vouch for it.

    Those that were cut off are listed, too; certsvc client show ID tells more of one.
    """
    now, found = datetime.now(UTC), _with_clients(lambda clients: clients.clients())
    text = "\n".join(client_row(each, now) for each in found) or "没有客户端 no clients"
    show({"clients": [client_json(each, now) for each in found]}, text, as_json)


@client.command("show")
@ID
@JSON
def show_client(client_id: str, as_json: bool) -> None:
    """Show the client ID: its scopes, its keys with their terms, and everything that was done to it.

    No private key is ever with us: what is shown of a key is its kid and its thumbprint.
    """

    async def read(clients: PostgresClients) -> tuple[RegisteredClient, list[ClientEvent]]:
        found = await clients.require(parse_client_id(client_id))
        return found, [*await clients.events(found.client.id)]

    now, (found, events) = datetime.now(UTC), _with_clients(read)
    told = {**client_json(found, now), "events": [event_json(event) for event in events]}
    show(told, "\n".join([*client_lines(found, now), *map(event_line, events)]), as_json)


@client.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Changes nothing: what is printed is JSON.")
def key(file: Path, as_json: bool) -> None:
    """Make a P-256 key pair for trying things: the private key goes to FILE (mode 0600), the public JWKS is printed.

    A FILE that is there is kept, and its public half printed. What is printed is JSON, as --jwks takes it. A department
    makes its own keys, where they stay.

    Example: certsvc client key mine.pem > mine.jwks
    """
    from certsvc.access.jwks import jwks_of
    from certsvc.custody.client_keys import make_client_key

    click.echo(jwks_of(make_client_key(file)))


def _keys(path: Path, now: datetime) -> tuple[ClientKey, ...]:
    from certsvc.access.jwks import MOST_BYTES, parse_jwks

    with path.open("rb") as file:
        return parse_jwks(file.read(MOST_BYTES + 1), now)


def _name(text: str) -> str:
    from certsvc.authority.seal_plan import parse_person

    return parse_person(text)


def _words(text: str | None, option: str, most: int = MOST_WORDS) -> str | None:
    if text is None:
        return None
    if not 0 < len(text.strip()) <= most:
        raise InvalidInput(f"{option} 应有 1 至 {most} 个字。", f"{option} has 1 to {most} characters.")
    return text.strip()


def _with_clients(work: Callable[[PostgresClients], Awaitable[Found]]) -> Found:
    """Do something with the clients on record."""
    from certsvc import app
    from certsvc.store.migrate import migrate
    from certsvc.store.pool import open_pool

    async def run(uri: str) -> Found:
        await migrate(uri)
        async with open_pool(uri) as pool:
            return await work(PostgresClients(pool))

    with app.databases(load_settings()) as uris:
        return asyncio.run(run(uris.writer))


def _show(found: RegisteredClient, as_json: bool) -> None:
    now = datetime.now(UTC)
    value: dict[str, Any] = client_json(found, now)
    show(value, "\n".join(client_lines(found, now)), as_json)
