"""Orders for licences that the registrar laid out, and what becomes of them."""

import json
import sys
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from foreign_pages import a_page

from certsvc.domain.external import EXTERNAL, ExternalFile, SealSpot
from certsvc.domain.issuing import Order, Reservation
from certsvc.domain.token import to_digits
from certsvc.issuance.external.files import take_file
from certsvc.issuance.service import Issuing
from certsvc.store.blobs import FileBlobs

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "issuance"))
from holders import company_code
from walked import ACTOR, Walks

__all__ = ["ACTOR", "Walks"]
TESTS = Path(__file__).resolve().parents[1]
LICENCE = "business-licence-company"
EXAMPLE = TESTS.parent / "schemas" / LICENCE / "v1" / "examples" / "good-lingnan.json"
X_MM, Y_MM = 200.0, 20.0
Result = TypeVar("Result")


def order(serial: int, file: ExternalFile | None = None, client: str = "test") -> Order:
    """An order for a licence of a business of its own, laid out elsewhere."""
    payload = {**json.loads(EXAMPLE.read_text("utf-8")), "uscc": company_code(serial)}
    return Order(client=client, key=f"external-{serial}", type_id=LICENCE, payload=payload, layout=EXTERNAL, file=file)


def own(asked: Order) -> Order:
    """The same with the layouts of its type."""
    return replace(asked, layout=None, file=None, key=asked.key + "-own")


def with_issuing(walks: Walks, work: Callable[[Issuing], Coroutine[Any, Any, Result]]) -> Result:
    """Do something with the parts of issuing."""

    async def run() -> Result:
        async with walks.desk.issuing(walks.settings, walks.uri) as issuing:
            return await work(issuing)

    return walks.desk.run(run())


def sent(walks: Walks, data: bytes | None = None, client: str = "test", seal: SealSpot | None = None) -> ExternalFile:
    """A page that a client has sent, with a place for the QR."""
    page = a_page() if data is None else data
    taken = with_issuing(walks, lambda issuing: take_file(issuing, client, page, datetime.now(UTC)))
    return ExternalFile(sha256=taken.sha256, page=1, x_mm=X_MM, y_mm=Y_MM, seal=seal)


def files_of(walks: Walks, reservation: Reservation) -> dict[str, bytes]:
    """The sealed files of a certificate by layout."""
    rows = walks.rows("select sha256, layout from document where ref = $1", reservation.ref.to_bytes())
    blobs = FileBlobs(walks.settings.home / "blobs")
    return {row["layout"]: blobs.get(row["sha256"]) for row in rows}


def digits_of(reservation: Reservation) -> str:
    """What its QR holds."""
    return to_digits(reservation.token or b"")
