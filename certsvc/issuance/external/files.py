"""Taking a page that a client laid out itself: looked at in a process of its own, then kept under its SHA-256."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from certsvc.domain.external import MAX_FILE
from certsvc.errors import FileTooLarge, InvalidInput, NotAPdf
from certsvc.issuance.service import Issuing


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenFile:
    """A file that may be named in an order: its digest, and width and height of each page in millimetres."""

    sha256: bytes
    size: int
    pages_mm: Sequence[tuple[float, float]]


async def take_file(issuing: Issuing, client: str, data: bytes, now: datetime) -> TakenFile:
    """See that a file can be taken over, and keep it for this client; the same file again is the same.

    Raises:
        FileTooLarge: over 20 MiB.
        NotAPdf: it does not begin as a PDF does.
        ExternalFileRefused: it holds what cannot be taken over; it says what.
        UnreadableFile, WorkersBusy: see `ForeignPages.look`.
        InvalidInput: pages laid out elsewhere are not taken here.
    """
    if issuing.external is None:
        raise InvalidInput("这里不办理外来版式。", "Pages laid out elsewhere are not taken here.")
    if len(data) > MAX_FILE:
        raise FileTooLarge("文件超过 20 MiB。", "The file is over 20 MiB.")
    if not data.startswith(b"%PDF-"):
        raise NotAPdf("这不是 PDF 文件。", "This is not a PDF file.")
    pages = await issuing.external.pages.look(data)
    digest = hashlib.sha256(data).digest()
    await issuing.external.files.keep(client, digest, len(data), pages, now)
    issuing.blobs.put(data)
    return TakenFile(sha256=digest, size=len(data), pages_mm=pages)
