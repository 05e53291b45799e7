"""What the commands about keys do."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from certsvc.app import databases
from certsvc.authorities import publish_trust
from certsvc.authority.ceremony import read_authority, read_inventory
from certsvc.authority.later import LaterPlan, hold_later, require_possible
from certsvc.catalog import load_catalog
from certsvc.commands.progress import advancing
from certsvc.custody.payloads import DATA, LOOK_UP, make_next_key
from certsvc.domain.compromise import Reach, Touched, TouchedRequest
from certsvc.errors import CertsvcError, CustodyError
from certsvc.issuance import data_keys as contents
from certsvc.issuance.compromise import ending, reach_of, reissue
from certsvc.issuance.service import silent_walk
from certsvc.issuing import open_issuing
from certsvc.settings import Settings
from certsvc.store.data_keys import DataKeys
from certsvc.store.migrate import migrate
from certsvc.store.pool import open_pool
from certsvc.store.touched import touched, touched_requests

OPERATOR = "command-line"
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class CompromiseCommand:
    """What was typed after `certsvc compromised`."""

    name: str
    since: datetime
    why: str
    by: str
    confirmed_by: str
    roots: Path | None = None
    listing: Path | None = None
    dry_run: bool = False
    reissue: bool = False


def end_compromised(settings: Settings, typed: CompromiseCommand, *, quiet: bool) -> dict[str, Any]:
    """What a compromised key touched and what was done about it, for a program to read.

    Raises:
        NotFound: there is no such key.
        CeremonyError, Conflict: see `require_possible`; the dry run says it too.
        CustodyError: see `hold_later`.
    """
    now = datetime.now(UTC)
    authority = read_authority(settings.home, settings.secret, roots=typed.roots)
    reach = reach_of(authority, typed.name, typed.since, now)
    plan = ending(authority, typed.name, typed.since, typed.why, typed.by, typed.confirmed_by)
    require_possible(plan, authority, now)
    with databases(settings) as uris, open(typed.listing or os.devnull, "w", encoding="utf-8") as file:
        if not typed.dry_run:
            asyncio.run(migrate(uris.writer))
        counted = asyncio.run(_count(uris.writer, reach, file.write, quiet))
        shown = _found(typed, plan, counted)
        if typed.dry_run:
            return shown
        shown["transcript"] = str(hold_later(plan, settings.home, settings.secret, now, typed.roots))
        with suppress(CustodyError):  # without the list's key the list of before stays, and the worker says so
            catalog = load_catalog(settings.schemas)
            publish_trust(settings, read_authority(settings.home, settings.secret), catalog, now)
        if typed.reissue and reach is not None:
            shown |= asyncio.run(_reissue(settings, uris.writer, reach, typed.why, plan.id, quiet))
    return shown


@dataclass(slots=True)
class _Counted:
    """What was touched: certificates by type, documents of departments, and digests."""

    by_type: dict[str, int] = field(default_factory=dict)
    documents: int = 0
    digests: int = 0


def _found(typed: CompromiseCommand, plan: LaterPlan, counted: _Counted) -> dict[str, Any]:
    by_type = {type_id: count for type_id, count in counted.by_type.items() if count}
    return {
        "key": typed.name,
        "since": typed.since.isoformat(),
        "certificates": sum(by_type.values()),
        "by_type": by_type,
        "documents": counted.documents,
        "digests": counted.digests,
        "revoke": [each.name for each in plan.revoke],
        "roll": list(plan.roll),
        "transcript": None,
        "reissued": None,
        "not_reissued": None,
    }


async def _count(writer: str, reach: Reach | None, write: Callable[[str], object], quiet: bool) -> _Counted:
    """How much was touched; each certificate, document and lot of digests is written as a line of JSON, too."""
    counted = _Counted()
    if reach is None:
        return counted
    async with open_pool(writer) as pool:
        with advancing("查找 looking", quiet=quiet) as advance:
            async for each in touched(pool, reach):
                counted.by_type[each.type_id] = counted.by_type.get(each.type_id, 0) + each.issued
                write(_line(each))
                advance(1)
            async for request in touched_requests(pool, reach):
                counted.documents += request.is_document and request.done
                counted.digests += len(request.digests)
                write(_request_line(request))
                advance(1)
    return counted


def _line(each: Touched) -> str:
    shown = {
        "typed_code": each.ref.typed_code,
        "type": each.type_id,
        "number": each.number,
        "version": each.version,
        "issued": each.issued,
    }
    return json.dumps(shown, ensure_ascii=False) + "\n"


def _request_line(each: TouchedRequest) -> str:
    shown = {
        "request": each.id,
        "client": each.client,
        "done": each.done,
        "document": each.sealed.hex() if each.sealed else None,
        "digests": [digest.hex() for digest in each.digests],
    }
    return json.dumps(shown, ensure_ascii=False) + "\n"


async def _reissue(settings: Settings, writer: str, reach: Reach, why: str, key: str, quiet: bool) -> dict[str, Any]:
    """How many were made anew, and what is wrong with those that were not: one that cannot be made holds up no other.
    What is made meanwhile lies after the end of the reach and is not met again."""
    done, failed = 0, []
    async with open_pool(writer) as pool, open_issuing(settings, writer, silent_walk, datetime.now(UTC)) as bundle:
        with advancing("换发 reissuing", quiet=quiet) as advance:
            async for each in touched(pool, reach):
                try:
                    done += await reissue(bundle, each, why, key, datetime.now(UTC)) is not None
                except CertsvcError as error:
                    failed.append({"typed_code": each.ref.typed_code, "code": error.code})
                advance(1)
    return {"reissued": done, "not_reissued": failed}


def key_states(settings: Settings) -> list[dict[str, Any]]:
    """Every key of the authority, for a program to read.

    Raises:
        CeremonyError: no ceremony was held here.
    """
    return [
        {
            "name": state.name,
            "where": state.where,
            "issuer": state.issuer,
            "until": state.until.isoformat(),
            "crl_until": state.crl_until and state.crl_until.isoformat(),
            "uses": state.uses,
            "limit": state.limit,
            "revoked": state.revoked,
            "trouble": state.trouble and dict(zip(("zh", "en"), state.trouble, strict=True)),
        }
        for state in read_inventory(settings.home, settings.secret, datetime.now(UTC))
    ]


def data_keys(settings: Settings) -> list[dict[str, Any]]:
    """Every data key on record, for a program to read."""

    async def run(keys: DataKeys) -> list[dict[str, Any]]:
        return [
            {
                "id": key.id,
                "uses": key.uses,
                "first_used_at": key.first_used_at.isoformat(),
                "ended_at": key.ended_at and key.ended_at.isoformat(),
                "ended_why": key.ended_why,
            }
            for key in await keys.keys()
        ]

    return _with_keys(settings, run)


def move_contents(settings: Settings, *, make: bool, quiet: bool) -> dict[str, Any]:
    """Encrypt everything under the newest data key, made first if wanted.

    Raises:
        CustodyError: a key that is needed is not there.
    """

    async def run(keys: DataKeys) -> dict[str, Any]:
        now, folder = datetime.now(UTC), settings.home / "secrets"
        await contents.open_cipher(folder, keys, now)
        if make:
            make_next_key(folder, DATA)
        cipher = await contents.open_cipher(folder, keys, now)
        moved = await _advance(contents.move(cipher, keys, now, OPERATOR), "加密 encrypting", quiet)
        return {"key": cipher.key_id, "moved": moved}

    return _with_keys(settings, run)


def declare_lost(
    settings: Settings, key_id: str, by: str, confirmed_by: str, why: str, *, quiet: bool
) -> dict[str, Any]:
    """Declare a key lost, make the next one, and make the hashes anew if it was a look-up key.

    Raises:
        NotFound, InvalidInput: see `contents.declare_lost`.
    """

    async def run(keys: DataKeys) -> dict[str, Any]:
        now, folder = datetime.now(UTC), settings.home / "secrets"
        made = await contents.declare_lost(folder, keys, key_id, by, confirmed_by, why, now)
        hashed = None
        if key_id.startswith(LOOK_UP):
            cipher, catalog = await contents.open_cipher(folder, keys, now), load_catalog(settings.schemas)
            hashed = await _advance(contents.rehash(cipher, keys, catalog), "重算 hashing", quiet)
        return {"lost": key_id, "next": made, "hashed": hashed}

    return _with_keys(settings, run)


async def _advance(batches: AsyncIterator[int], what: str, quiet: bool) -> int:
    total = 0
    with advancing(what, quiet=quiet) as advance:
        async for count in batches:
            total += count
            advance(count)
    return total


def _with_keys(settings: Settings, work: Callable[[DataKeys], Awaitable[Result]]) -> Result:
    async def run(writer: str) -> Result:
        async with open_pool(writer) as pool:
            return await work(DataKeys(pool))

    with databases(settings) as uris:
        asyncio.run(migrate(uris.writer))
        return asyncio.run(run(uris.writer))
