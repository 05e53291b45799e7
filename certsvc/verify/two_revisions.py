"""The form LT: one seal, and after it the one revision with the validation data, byte for byte as we write it.

The seal names that data, so what follows it is as fixed as what it covers.
"""

import io
from typing import Any

from pyhanko.pdf_utils.reader import PdfFileReader

from certsvc.domain.seal import ValidationData
from certsvc.domain.seal_form import store_revision
from certsvc.verify.strict import find_holes, revision_ends

REVISIONS = 3
"""The page as rendered, the seal, the validation data."""


def split_store(data: bytes) -> tuple[bytes, PdfFileReader]:
    """What the seal covers, and the reader that finds the validation data: of a file in the form LT the file without
    its last revision and a reader of the whole; of any other the file itself and its reader."""
    ends = revision_ends(data)
    if len(ends) == REVISIONS and ends[-1] == len(data) and len(find_holes(data)) == 1:
        sealed = data[: ends[-2]]
        try:
            whole = PdfFileReader(io.BytesIO(data))
            if store_revision(sealed, read_store(whole)) == data[len(sealed) :]:
                return sealed, whole
        except Exception:  # hostile bytes raise anything
            return data, PdfFileReader(io.BytesIO(data))
    return data, PdfFileReader(io.BytesIO(data))


def read_store(reader: PdfFileReader) -> ValidationData:
    """The validation data in a file, as it stands there; none without a security store."""
    root: Any = reader.root
    if "/DSS" not in root:
        return ValidationData(certificates=(), crls=())
    store = root["/DSS"]
    certificates, crls = (tuple(item.data for item in items(store[key])) for key in ("/Certs", "/CRLs"))
    return ValidationData(certificates=certificates, crls=crls)


def items(array: Any) -> list[Any]:
    """What is in an array: by index, references are followed."""
    return [array[index] for index in range(len(array))]
