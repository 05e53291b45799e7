"""The manifest of a batch: what became of every row, in the order of lines; as NDJSON, and as a table for people.

It holds nothing of what the rows asked for, and of errors only the codes.
"""

from collections.abc import AsyncIterator, Iterable, Iterator

import msgspec

from certsvc.domain.batch import BatchRow
from certsvc.domain.spreadsheet import MARK, record
from certsvc.store.batches import KeptRow
from certsvc.store.manifests import FileManifests

COLUMNS = ("line", "key", "state", "code", "number", "identifier", "event", "error", "documents")
PIECE = 64 * 1024


class ManifestDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed file: which sheet, and its SHA-256 in hexadecimal digits."""

    layout: str
    sha256: str


class ManifestLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a row. `code` is the typed code of the certificate, `event` the number of the act on record."""

    line: int
    key: str
    state: str
    code: str | None = None
    number: str | None = None
    identifier: str | None = None
    event: int | None = None
    documents: tuple[ManifestDocument, ...] = ()
    error: str | None = None


def manifest_line(row: KeptRow | BatchRow) -> ManifestLine:
    """A row's line."""
    code = row.error_code if isinstance(row, KeptRow) else row.error.code if row.error else None
    return ManifestLine(
        line=row.line,
        key=row.key,
        state=row.state.value,
        code=row.ref.typed_code if row.ref else None,
        number=row.number,
        identifier=row.identifier,
        event=row.event,
        documents=tuple(ManifestDocument(layout=layout, sha256=sha256.hex()) for layout, sha256 in row.documents),
        error=code,
    )


async def write_manifest(manifests: FileManifests, rows: AsyncIterator[Iterable[KeptRow]]) -> bytes:
    """Write the manifest of these rows, some at a time; its SHA-256.

    Raises:
        OSError: the disk is full or refuses.
    """
    with manifests.writing() as writing:
        async for some in rows:
            writing.write(b"".join(msgspec.json.encode(manifest_line(row)) + b"\n" for row in some))
    return writing.sha256


def as_pieces(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Lines in pieces that are worth sending."""
    held = bytearray()
    for line in lines:
        held += line
        if len(held) >= PIECE:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


def as_table(lines: Iterable[bytes]) -> Iterator[bytes]:
    """A manifest as CSV; what looks like a formula is text."""
    yield (MARK + record(COLUMNS)).encode()
    for line in lines:
        one = msgspec.json.decode(line, type=ManifestLine)
        documents = ";".join(f"{document.layout}={document.sha256}" for document in one.documents)
        told = (one.line, one.key, one.state, one.code, one.number, one.identifier, one.event, one.error, documents)
        yield record(["" if cell is None else str(cell) for cell in told]).encode()
