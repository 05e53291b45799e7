"""The key of receipts in use: what stands behind it, and what a validator will need. No other key is opened, and no
list is signed for it: what the worker published has to be current."""

from cryptography.hazmat.primitives.serialization import Encoding

from certsvc.authority.authority import Authority
from certsvc.authority.issuing import SealCredential
from certsvc.authority.names import RECEIPT, TIMESTAMP
from certsvc.authority.shelf import Shelf
from certsvc.domain.seal import ValidationData
from certsvc.errors import CustodyError, RevocationDataStale


def receipt_credential(authority: Authority) -> SealCredential:
    """The newest key of receipts, its certificate and the chain up to the root.

    Raises:
        NotFound: none was made.
        CustodyError: it cannot be used, or its certificate is revoked.
    """
    name = authority.newest(RECEIPT)
    if authority.is_revoked(name):
        raise CustodyError(
            f"回执证书 {name} 已吊销：请先换新钥。",
            f"The certificate {name} of receipts is revoked: make the next one.",
        )
    return authority.credential(name)


def receipt_evidence(authority: Authority, shelf: Shelf) -> ValidationData:
    """The chains of receipt and timestamp key, and the published CRL of each authority in them; whoever seals refuses
    what is not current.

    Raises:
        NotFound: a key was never made.
        RevocationDataStale: a CRL was never published.
    """
    names: list[str] = []
    for leaf in (authority.newest(RECEIPT), authority.newest(TIMESTAMP)):
        names.append(leaf)
        while (above := authority.issuer_name(names[-1])) != names[-1]:
            names.append(above)
    known = tuple(dict.fromkeys(names))
    authorities = dict.fromkeys(authority.issuer_name(name) for name in known)
    return ValidationData(
        certificates=tuple(authority.certificate(name).public_bytes(Encoding.DER) for name in known),
        crls=tuple(_published(shelf, name) for name in authorities),
    )


def _published(shelf: Shelf, name: str) -> bytes:
    crl = shelf.get(f"crl/{name}.crl")
    if crl is None:
        raise RevocationDataStale(f"{name} 的吊销列表没有公布。", f"The CRL of {name} is not published.")
    return crl
