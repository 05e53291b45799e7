"""The organs that receive proofs: `schemas/proof-catalogue/<area>/receivers.toml`, where a place has entered them; and
`receivers-demonstration.toml`, made up, for a demonstration alone."""

import tomllib
from pathlib import Path
from typing import Annotated

import msgspec

from certsvc.catalog.folder_checks import PROOFS
from certsvc.catalog.load import Catalog
from certsvc.catalog.policy import Text
from certsvc.catalog.proof_definition import Id
from certsvc.domain.proof_item import Said
from certsvc.domain.receiver import Receiver, Receivers
from certsvc.errors import CatalogError, NotFound

FILE, FILE_OF_DEMONSTRATION = "receivers.toml", "receivers-demonstration.toml"


class ReceiverTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An organ; `types` are the proofs that it receives, `client` is the name under which it is registered here."""

    id: Id
    zh: Text
    en: Text
    types: Annotated[tuple[Id, ...], msgspec.Meta(min_length=1)]
    client: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None


class ReceiversTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    receiver: tuple[ReceiverTable, ...] = ()


def load_receivers(schemas: Path, catalog: Catalog, is_demonstration: bool) -> Receivers:
    """Load the organs of all areas; in a demonstration also those that are made up.

    Raises:
        CatalogError: a file is wrong, names a type that there is not, or an id twice.
    """
    found: dict[str, tuple[Receiver, ...]] = {}
    for name in (FILE, FILE_OF_DEMONSTRATION) if is_demonstration else (FILE,):
        for path in sorted((schemas / PROOFS).glob(f"[!.]*/{name}")):
            found[path.parent.name] = found.get(path.parent.name, ()) + _read(path, catalog)
    return Receivers(found)


def _read(path: Path, catalog: Catalog) -> tuple[Receiver, ...]:
    try:
        table = msgspec.convert(tomllib.loads(path.read_text("utf-8")), ReceiversTable)
    except (OSError, ValueError) as error:
        raise _wrong(path, str(error)) from None
    if len({one.id for one in table.receiver}) < len(table.receiver):
        raise _wrong(path, "an id stands twice")
    for type_id in (each for one in table.receiver for each in one.types):
        try:
            catalog.latest(type_id)
        except NotFound:
            raise _wrong(path, f"there is no type {type_id}") from None
    return tuple(
        Receiver(id=one.id, name=Said(one.zh, one.en), types=frozenset(one.types), client=one.client)
        for one in table.receiver
    )


def _wrong(path: Path, why: str) -> CatalogError:
    return CatalogError(f"接收单位名单 {path} 有误：{why}", f"The receiving organs in {path} are wrong: {why}")
