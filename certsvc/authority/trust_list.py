"""Trust for others, as files anyone may mirror: a signed list, and all anchors as PEM and as PKCS #7."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID

from certsvc.authority.certificates import BACKDATED
from certsvc.authority.jws import flattened, sign_compact
from certsvc.domain.calendar import beijing_date
from certsvc.domain.recognition import LIST_TYPE, Addresses, CoveredType, Scope, TrustedAuthority, TrustList
from certsvc.domain.trust import is_demonstration
from certsvc.services import Sealing

LIST, PEM, PKCS7 = "trust/list.json", "trust/anchors.pem", "trust/anchors.p7b"
LIST_LASTS = timedelta(days=7)
"""As long as the issuing authority's CRL, which a reader needs too; renewed daily."""


def own_anchor(
    root: x509.Certificate, names: tuple[str, str], area: str, kinds: Mapping[str, str], addresses: Addresses
) -> TrustedAuthority:
    """One of our roots as an anchor: for every type of ours, in the term of its certificate.

    `names` are the authority's, in Chinese and English; `kinds` has the code (GB/T 36904) of each type by its id.
    """
    scope = Scope(
        certificate_types=tuple(CoveredType(kinds[name], name) for name in sorted(kinds)),
        first=beijing_date(root.not_valid_before_utc),
        last=beijing_date(root.not_valid_after_utc),
    )
    return TrustedAuthority(
        name_zh=names[0],
        name_en=names[1],
        area=area,
        certificate=root.public_bytes(Encoding.DER),
        sha256=root.fingerprint(hashes.SHA256()).hex(),
        scopes=(scope,),
        addresses=addresses,
    )


def make_trust_files(
    anchors: Sequence[TrustedAuthority], recognised: Sequence[TrustedAuthority], signer: Sealing, now: datetime
) -> dict[str, bytes]:
    """The public facts `trust/list.json`, `trust/anchors.pem` and `trust/anchors.p7b`; the same input gives the same
    bytes, but for the random part of an ECDSA signature.

    `signer` holds the list's own key, its certificate (profile `list`) and the chain up to and including a root. The
    sequence number of the list is the second it was made in, so it only grows; its `iat` lies a little before, as the
    thisUpdate of our CRLs does.

    Raises:
        CustodyError: the key cannot be used.
    """
    (organisation,) = signer.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    said = TrustList(
        iss=str(organisation.value),
        iat=int((now - BACKDATED).timestamp()),
        exp=int((now + LIST_LASTS).timestamp()),
        sequence=int(now.timestamp()),
        demonstration=is_demonstration(signer.certificate),
        anchors=tuple(anchors),
        recognised=tuple(recognised),
    )
    everyone = [*anchors, *recognised]
    certificates = [x509.load_der_x509_certificate(each.certificate) for each in everyone]
    return {
        LIST: flattened(sign_compact(msgspec.json.encode(said), signer, LIST_TYPE)),
        PEM: "\n".join(_commented(*each) for each in zip(everyone, certificates, strict=True)).encode(),
        PKCS7: pkcs7.serialize_certificates(certificates, Encoding.DER),
    }


def _commented(authority: TrustedAuthority, certificate: x509.Certificate) -> str:
    """A certificate as PEM under lines that name it; text outside the marks is passed over (RFC 7468 section 2)."""
    return "".join(f"# {line}\n" for line in _about(authority)) + certificate.public_bytes(Encoding.PEM).decode("ascii")


def _about(authority: TrustedAuthority) -> Iterator[str]:
    yield f"{authority.name_zh}  {authority.name_en}  {authority.area}"
    yield f"SHA-256 {in_groups(authority.sha256)}"
    if authority.ground_zh:
        yield f"{authority.ground_zh}  {authority.ground_en}"
    for scope in authority.scopes:
        yield f"{scope.first} – {scope.last or ''}:"
        yield from (f"  {kind.code} {kind.id or ''}".rstrip() for kind in scope.certificate_types)


def in_groups(fingerprint: str) -> str:
    """A fingerprint in hex as people compare it: capitals, in groups of four."""
    return bytes.fromhex(fingerprint).hex(" ", 2).upper()
