"""The keys that contents are encrypted with: the next one, moving to it, and going on when one was lost."""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

from certsvc.catalog import Catalog
from certsvc.custody.payloads import DATA, AesPayloadCipher, make_next_key, open_payload_cipher
from certsvc.errors import InvalidInput
from certsvc.issuance.holders import holder_entries
from certsvc.store.data_keys import LOST, RETIRED, Content, DataKeys, Encrypted


async def open_cipher(folder: Path, keys: DataKeys, now: datetime) -> AesPayloadCipher:
    """The cipher over the keys in `folder`, which go on record before they are used.

    Raises:
        CustodyError: a key that content on record was made with is missing or another; see `open_payload_cipher`.
    """
    cipher = open_payload_cipher(folder, await keys.known())
    await keys.know(cipher.fingerprints, now)
    return cipher


async def move(cipher: AesPayloadCipher, keys: DataKeys, now: datetime, by: str) -> AsyncIterator[int]:
    """Encrypt everything under the newest data key, and put on record which keys are needed no more; yields how many
    after each batch."""

    def again(old: Encrypted) -> bytes:
        context = old.ref.to_bytes()
        return cipher.encrypt(cipher.decrypt(old.sealed, context, old.key_id), context)

    async for count in keys.move(cipher.key_id, again):
        yield count
    for key in await keys.keys():
        in_use = key.uses or key.id == cipher.key_id or not key.id.startswith(DATA)
        if not in_use and key.ended_at is None:
            await keys.end(key.id, RETIRED, by, {}, now)


async def declare_lost(
    folder: Path, keys: DataKeys, key_id: str, by: str, confirmed_by: str, why: str, now: datetime
) -> str:
    """Put on record, by two persons, that a key is lost for ever, and make the one that takes its place; its name.

    What was encrypted under a data key stays unreadable: no full view, no reprint. Certificates, their states and their
    verification need none of it. Of a look-up key nothing is lost: `rehash` makes the hashes anew.

    Raises:
        InvalidInput: one person alone, or no reason.
        NotFound: the key is not on record.
    """
    if not by or not confirmed_by or by == confirmed_by or not why:
        raise InvalidInput("须写明原因，并由两人办理。", "This takes two persons, and the reason in words.")
    await keys.end(key_id, LOST, by, {"confirmed_by": confirmed_by, "why": why}, now)
    return make_next_key(folder, key_id.partition("-")[0], beyond=key_id)


async def rehash(cipher: AesPayloadCipher, keys: DataKeys, catalog: Catalog) -> AsyncIterator[int]:
    """Make the keyed hashes of all codes anew under the newest look-up key; yields how many after each batch."""

    def hashes(content: Content) -> list[bytes | None]:
        kind = catalog.version(content.type_id, content.type_version)
        payload = json.loads(cipher.decrypt(content.sealed, content.ref.to_bytes(), content.key_id))
        return [entry.code_hash for entry in holder_entries(cipher, kind, payload)]

    async for count in keys.rehash(hashes):
        yield count
