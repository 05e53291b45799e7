"""Sealed files under the names that people know: the certificate identifier, as the standard has it for files."""

from pathlib import Path

from certsvc.domain.external import EXTERNAL
from certsvc.domain.issuing import Reservation
from certsvc.files import replace_file
from certsvc.issuance.service import Issuing


async def write_papers(issuing: Issuing, reservation: Reservation, folder: Path) -> list[Path]:
    """Copy the sealed files of a certificate to `folder/<identifier>.pdf`, further layouts to `….<layout>.pdf`. A page
    laid out elsewhere is the only one.

    Raises:
        NotFound, StoreError: a blob is missing or damaged.
    """
    kind = issuing.catalog.version(reservation.type_id, reservation.type_version)
    main = kind.layouts[0].name
    written = []
    for document in await issuing.register.documents(reservation.ref):
        suffix = "" if document.layout in (main, EXTERNAL) else f".{document.layout}"
        written.append(folder / f"{reservation.identifier}{suffix}.pdf")
        replace_file(written[-1], issuing.blobs.get(document.sha256))
    return written
