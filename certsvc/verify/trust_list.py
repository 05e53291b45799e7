"""Reading a trust list (`/trust/list.json`) as a department of another region does: all it has is a root."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import jwt
import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.verification import Criticality, ExtensionPolicy, Policy, PolicyBuilder, Store, VerificationError

from certsvc.domain.recognition import LIST_SIGNING, LIST_TYPE, TrustList
from certsvc.domain.trust import is_demonstration
from certsvc.errors import MalformedDer, TrustListInvalid
from certsvc.x509_reader import read_certificate, read_crl

MAX_LIST, MAX_CRL = 4 * 1024 * 1024, 8 * 1024 * 1024
MOST_CERTIFICATES = 4
LONGEST_TERM = timedelta(days=31)
ALGORITHMS = {ec.EllipticCurvePublicKey: "ES256", rsa.RSAPublicKey: "RS256"}
"""By the kind of the signer's key; what the message names must be the same."""


class _Jws(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Flattened JSON serialization (RFC 7515 section 7.2.2), without an unprotected header."""

    payload: str
    protected: str
    signature: str


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The protected header: these three, and nothing that would have to be understood (RFC 7515 section 4.1.11)."""

    alg: str
    typ: str
    x5c: tuple[bytes, ...]


def read_trust_list(
    data: bytes, root: x509.Certificate, crls: Sequence[bytes], now: datetime, at_least: int = 0
) -> TrustList:
    """What a trust list says at `now`, once everything about it was found right.

    `root` is the list's root as it was given to the reader in another way, `crls` the DER CRLs of the authorities of
    the chain; `at_least` is the sequence number of the list that was read last.

    Raises:
        TrustListInvalid: too large, no such JWS, of another type, not signed by a key for lists whose certificate
            leads to `root` and is not revoked (where a CRL is missing or stale that is not known), altered, out of its
            term, or older than the last.
    """
    jws, header = _parse(data)
    chain = _chain(header, root, now)
    _demand_not_revoked(chain, crls, now)
    said = _claims(jws, header, chain[0])
    if not said.iat <= now.timestamp() < said.exp or said.exp - said.iat > LONGEST_TERM.total_seconds():
        raise _invalid("不在有效期内，请重新下载", "it is not in its term: fetch it again")
    if said.sequence < at_least:
        raise _invalid("比上次读到的更旧", "it is older than the one that was read last")
    if said.demonstration != is_demonstration(chain[0]):
        raise _invalid("列表与证书对是否演示说法不一", "list and certificate differ on whether it is a demonstration")
    for each in (*said.anchors, *said.recognised):
        if _fingerprint(each.certificate) != each.sha256:
            raise _invalid(f"{each.name_zh} 的指纹与证书不符", f"fingerprint and certificate of {each.name_en} differ")
    return said


def _parse(data: bytes) -> tuple[_Jws, _Header]:
    if len(data) > MAX_LIST:
        raise _invalid("文件过大", "it is too large")
    try:
        jws = msgspec.json.decode(data, type=_Jws)
        header = msgspec.json.decode(jwt.utils.base64url_decode(jws.protected), type=_Header)
    except (msgspec.DecodeError, ValueError):
        raise _invalid("不是预期格式的 JWS", "it is no JWS of the form expected") from None
    if header.typ != LIST_TYPE:
        raise _invalid("签名的不是信任列表", "what was signed is no trust list")
    return jws, header


def _chain(header: _Header, root: x509.Certificate, now: datetime) -> list[x509.Certificate]:
    """The signer's certificate, those above it, and the root (RFC 5280 section 6)."""
    if not 1 <= len(header.x5c) <= MOST_CERTIFICATES:
        raise _invalid("证书链的长度不对", "its chain has a wrong length")
    try:
        signer, *above = [read_certificate(each) for each in header.x5c]
        found = (
            PolicyBuilder()
            .store(Store([root]))
            .time(now)
            .max_chain_depth(MOST_CERTIFICATES)
            .extension_policies(ca_policy=AUTHORITY, ee_policy=SIGNER)
            .build_client_verifier()
            .verify(signer, above)
        )
    except (MalformedDer, ValueError, VerificationError, UnsupportedAlgorithm):
        said = "签名证书不能连到给定的根，或不是用来签信任列表的"
        raise _invalid(said, "its certificate does not lead to the root, or is not for signing lists") from None
    return found.chain


def _is_for_lists(policy: Policy, certificate: x509.Certificate, purposes: x509.ExtendedKeyUsage) -> None:
    if [purpose.dotted_string for purpose in purposes] != [LIST_SIGNING]:
        raise ValueError


def _certifies(policy: Policy, certificate: x509.Certificate, usage: x509.KeyUsage) -> None:
    if not usage.key_cert_sign:
        raise ValueError


def _is_authority(policy: Policy, certificate: x509.Certificate, constraints: x509.BasicConstraints) -> None:
    if not constraints.ca:
        raise ValueError


AUTHORITY = (
    ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, Criticality.CRITICAL, _is_authority)
    .require_present(x509.KeyUsage, Criticality.AGNOSTIC, _certifies)
)
SIGNER = ExtensionPolicy.permit_all().require_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _is_for_lists)


def _demand_not_revoked(chain: Sequence[x509.Certificate], crls: Sequence[bytes], now: datetime) -> None:
    lists = [_crl(each) for each in crls]
    for certificate, issuer in pairwise(chain):
        current = [each for each in lists if _answers(each, issuer, now)]
        if not current:
            raise _invalid("缺少有效的吊销列表", "a current CRL of an authority of its chain is missing")
        if any(each.get_revoked_certificate_by_serial_number(certificate.serial_number) for each in current):
            raise _invalid("签名证书已吊销", "a certificate of its chain is revoked")


def _crl(data: bytes) -> x509.CertificateRevocationList:
    try:
        if len(data) > MAX_CRL:
            raise MalformedDer("过大", "it is too large")
        return read_crl(data)
    except MalformedDer:
        raise _invalid("吊销列表读不出来", "a CRL cannot be read") from None


def _answers(crl: x509.CertificateRevocationList, issuer: x509.Certificate, now: datetime) -> bool:
    key = issuer.public_key()
    if crl.issuer != issuer.subject or not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        return False
    current = crl.last_update_utc <= now and crl.next_update_utc is not None and now < crl.next_update_utc
    return current and crl.is_signature_valid(key)


def _claims(jws: _Jws, header: _Header, signer: x509.Certificate) -> TrustList:
    """The claims, after their signature was found right under an algorithm that the key decides."""
    key = signer.public_key()
    pinned = [algorithm for kind, algorithm in ALGORITHMS.items() if isinstance(key, kind)]
    if pinned != [header.alg]:
        raise _invalid("签名算法不对", "its signature is by a wrong algorithm")
    compact = f"{jws.protected}.{jws.payload}.{jws.signature}"
    try:
        claims = jwt.PyJWS().decode(compact, key, algorithms=pinned)  # type: ignore[arg-type]
    except jwt.PyJWTError:
        raise _invalid("签名不符，内容被改动过", "its signature does not hold: it was altered") from None
    try:
        return msgspec.json.decode(claims, type=TrustList)
    except msgspec.DecodeError:
        raise _invalid("内容不合格式", "its content has another form") from None


def _fingerprint(certificate: bytes) -> str:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(certificate)
    return digest.finalize().hex()


def _invalid(zh: str, en: str) -> TrustListInvalid:
    return TrustListInvalid(f"这份信任列表不可信：{zh}。", f"This trust list cannot be relied on: {en}.")
