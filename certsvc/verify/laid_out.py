"""Pages that somebody else laid out (`layout: external`). A sealed one shows what we never set, so its attached data is
compared with the register, and people compare the page. For an unsealed one see `unsealed.py`.
"""

from collections.abc import Iterator

from certsvc.catalog import Catalog
from certsvc.domain.certificate import RegisteredCertificate, RegisteredDocument
from certsvc.domain.external import EXTERNAL
from certsvc.errors import NotFound
from certsvc.verify.attached import Attached
from certsvc.verify.gather import Asked
from certsvc.verify.report import Check, Outcome


def check_layout(attached: Attached | None, known: RegisteredDocument | None) -> Iterator[Check]:
    """Whether a file is laid out as it is on record: a page of others does not pass for one of ours, nor the reverse.
    Nothing of a file of ours that says so."""
    if attached is None:
        return
    if known is not None and (known.layout == EXTERNAL) != attached.is_external:
        yield Check("layout", Outcome.FAILED, "layout_differs")
    elif attached.is_external:
        yield Check("layout", Outcome.PASSED, "made_elsewhere")


def check_data(catalog: Catalog, attached: Attached | None, asked: Asked) -> Iterator[Check]:
    """Whether the data attached to a page of others is what the register has: nobody sees it on the page."""
    if attached is None or not attached.is_external or asked.gathered is None:
        return
    same = _says_the_same(catalog, attached, asked.gathered.certificate)
    yield Check("data_agrees", Outcome.PASSED if same else Outcome.FAILED, "same_data" if same else "other_data")


def _says_the_same(catalog: Catalog, attached: Attached, certificate: RegisteredCertificate) -> bool:
    try:
        kind = catalog.version(attached.type, attached.type_version)
    except NotFound:
        return False
    if kind.problems(attached.fields):
        return False
    issuer = (attached.issuer.name, attached.issuer.uscc)
    return (
        kind.public_view(attached.fields) == certificate.public_fields
        and attached.number == certificate.number
        and issuer == (certificate.issuer.name, certificate.issuer.uscc)
        and attached.days == certificate.term
    )
