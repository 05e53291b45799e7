"""What commands do: a database, an event loop, one use case, and a result to print."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certsvc.app import EMBEDDED, databases, verifying
from certsvc.catalog import load_catalog
from certsvc.issuing import open_issuing
from certsvc.settings import Settings
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.migrate import migrate
from certsvc.store.pool import open_pool

if TYPE_CHECKING:
    from certsvc.issuance.act_command import ActCommand


def verify_files(
    settings: Settings, files: Sequence[Path], show: Callable[[dict[str, Any]], None], *, offline: bool
) -> None:
    """Verify PDFs one after the other as a stranger would; `show` gets the report of each as soon as it is made.

    The register is asked unless `offline` says otherwise or there is none on this machine.
    """
    from certsvc.verify.path import verify_path

    async def verify(reader_uri: str | None) -> None:
        async with verifying(settings, reader_uri) as bundle:
            for path in files:
                show(await verify_path(bundle, path, datetime.now(UTC)))

    embedded = settings.database.uri == EMBEDDED
    if offline or (embedded and not EmbeddedServer(settings.home).exists):
        asyncio.run(verify(None))
        return
    with databases(settings) as uris:
        asyncio.run(verify(uris.reader or uris.writer))


def issue_file(settings: Settings, type_id: str, payload_file: Path, key: str | None) -> dict[str, Any]:
    """Issue one certificate of the payload in a JSON file; `key` names the order, without one its content does.

    Raises:
        PayloadInvalid: the file is no JSON object, or the payload has problems.
        KeyReused: the key was used with other content.
    """
    from certsvc.issuance.command import issue_payload, read_payload
    from certsvc.issuance.service import silent_walk

    payload = read_payload(payload_file)
    with databases(settings) as uris:
        asyncio.run(migrate(uris.writer))

        async def issue() -> dict[str, Any]:
            async with open_issuing(settings, uris.writer, silent_walk, datetime.now(UTC)) as bundle:
                return await issue_payload(bundle, type_id, payload, key, settings.papers, datetime.now(UTC))

        return asyncio.run(issue())


def act_on(settings: Settings, typed: "ActCommand") -> dict[str, Any]:
    """Do an act from the command line; keys are opened only for one that makes a sheet.

    Raises:
        see `issuance.act_command`.
    """
    from certsvc.domain.acts import ACTS, Makes
    from certsvc.issuance.act_command import do_act, make_version
    from certsvc.issuance.service import silent_walk
    from certsvc.store.register import PostgresRegister

    async def run(writer_uri: str) -> dict[str, Any]:
        if ACTS[typed.act].makes is Makes.NOTHING:
            async with open_pool(writer_uri) as pool:
                return await do_act(PostgresRegister(pool), load_catalog(settings.schemas), typed, datetime.now(UTC))
        async with open_issuing(settings, writer_uri, silent_walk, datetime.now(UTC)) as bundle:
            return await make_version(bundle, typed, settings.papers, datetime.now(UTC))

    with databases(settings) as uris:
        asyncio.run(migrate(uris.writer))
        return asyncio.run(run(uris.writer))


def show_holder(settings: Settings, code_kind: str, code: str) -> dict[str, Any]:
    """What a holder has, for a program to read.

    Raises:
        InvalidIdentifier: it is no code of that kind.
    """
    from certsvc.issuance.data_keys import open_cipher
    from certsvc.issuance.holders import business_json, find_business
    from certsvc.store.data_keys import DataKeys
    from certsvc.store.register import PostgresRegister

    async def run(writer_uri: str) -> dict[str, Any]:
        now = datetime.now(UTC)
        async with open_pool(writer_uri) as pool:
            cipher = await open_cipher(settings.home / "secrets", DataKeys(pool), now)
            found = (PostgresRegister(pool), load_catalog(settings.schemas), cipher, code_kind, code, now)
            return business_json(await find_business(*found))

    with databases(settings) as uris:
        asyncio.run(migrate(uris.writer))
        return asyncio.run(run(uris.writer))
