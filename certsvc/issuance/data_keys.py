"""The keys that contents are encrypted with: the next one, moving to it, and going on when one was lost."""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

from certsvc.catalog import Catalog
from certsvc.custody.payloads import DATA, AesPayloadCipher, has_key, make_next_key, open_payload_cipher
from certsvc.errors import Conflict, InvalidInput
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
        return cipher.encrypt(cipher.decrypt(old.sealed, old.context, old.key_id), old.context)

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
    verification need none of it. Of a look-up key nothing is lost: `rehash` makes the hashes anew. The next key is
    there before the loss is on record: interrupted, it is begun again.

    Raises:
        InvalidInput: one person alone, or no reason.
        NotFound: the key is not on record.
        Conflict: the key is there.
        CustodyError: the key's file may not be read, or the next key cannot be written.
    """
    if not by or not confirmed_by or by == confirmed_by or not why:
        raise InvalidInput("须写明原因，并由两人办理。", "This takes two persons, and the reason in words.")
    await keys.require(key_id)
    known = await keys.known()
    if key_id in known and has_key(folder, key_id, known[key_id]):
        raise _not_lost(folder / key_id)
    made = make_next_key(folder, key_id.partition("-")[0], beyond=key_id)
    await keys.end(key_id, LOST, by, {"confirmed_by": confirmed_by, "why": why}, now)
    return made


def _not_lost(path: Path) -> Conflict:
    return Conflict(
        f"{path} 还在，就是登记簿中的那一把，不能宣布丢失：要换新的数据密钥，请用 certsvc data-key next"
        "（中断后 certsvc data-key rekey）；如确须按丢失处理，请先移走此文件。",
        f"{path} is there, and is the key on record: it is not lost. To replace a data key that works use "
        "`certsvc data-key next` (and `certsvc data-key rekey`, if that was interrupted). If it must be treated as "
        "lost, move its file away first.",
    )


async def rehash(cipher: AesPayloadCipher, keys: DataKeys, catalog: Catalog) -> AsyncIterator[int]:
    """Make the keyed hashes of all codes anew under the newest look-up key; yields how many after each batch."""

    def hashes(content: Content) -> list[bytes | None]:
        kind = catalog.version(content.type_id, content.type_version)
        payload = json.loads(cipher.decrypt(content.sealed, content.ref.to_bytes(), content.key_id))
        return [entry.code_hash for entry in holder_entries(cipher, kind, payload)]

    async for count in keys.rehash(hashes):
        yield count
