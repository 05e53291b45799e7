"""Sealed files under the names that people know: the certificate identifier, as the standard has it for files."""

from pathlib import Path

from certsvc.domain.issuing import Reservation
from certsvc.issuance.service import Issuing


async def write_papers(issuing: Issuing, reservation: Reservation, folder: Path) -> list[Path]:
    """Copy the sealed files of a certificate to `folder/<identifier>.pdf`, further layouts to `….<layout>.pdf`.

    Raises:
        NotFound, StoreError: a blob is missing or damaged.
    """
    kind = issuing.catalog.version(reservation.type_id, reservation.type_version)
    main = kind.layouts[0].name
    written = []
    for document in await issuing.register.documents(reservation.ref):
        suffix = "" if document.layout == main else f".{document.layout}"
        written.append(folder / f"{reservation.identifier}{suffix}.pdf")
        _replace(written[-1], issuing.blobs.get(document.sha256))
    return written


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}")
    unfinished.write_bytes(data)
    unfinished.replace(path)
