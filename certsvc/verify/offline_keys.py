"""The keys that a check without network goes by: from anchors and CRLs, or from `trust/verifier.json`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Protocol

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec

from certsvc.domain.jwk import jwk_of, key_of, thumbprint
from certsvc.domain.recognition import LIST_SIGNING as TRUST_LIST_SIGNING
from certsvc.domain.status_list import KEYS_TYPE, LIST_SIGNING
from certsvc.domain.token import LAST_SECOND
from certsvc.errors import MalformedDer, TrustListInvalid
from certsvc.verify.anchors import Anchors, TokenKey
from certsvc.verify.jws import split_jws
from certsvc.x509_reader import read_certificate

MOST_KEYS_FILE = 1024 * 1024
MOST_KEYS = 1000
MOST_AUTHORITIES = 4
Second = Annotated[int, msgspec.Meta(ge=0, le=LAST_SECOND)]
"""Since 1970."""


class OfflineKeys(Protocol):
    """Keys of tokens and of lists, with what is known of them."""

    @property
    def token_keys(self) -> Mapping[bytes, tuple[TokenKey, ...]]:
        """By key id; several may share one."""

    def list_key(self, kid: str, x5c: Sequence[bytes]) -> TokenKey | None:
        """The key for lists of states with this thumbprint; `x5c` is the chain (DER) that a list brings along."""

    def are_known(self, x5c: Sequence[bytes], now: datetime) -> bool:
        """Whether what is known of revocations is from a time that reaches until now."""


@dataclass(frozen=True, slots=True)
class AnchorKeys:
    """`OfflineKeys` from anchors: who signed a list is found by our authorities and CRLs."""

    anchors: Anchors

    @property
    def token_keys(self) -> Mapping[bytes, tuple[TokenKey, ...]]:
        """See `OfflineKeys`."""
        return self.anchors.token_keys

    def list_key(self, kid: str, x5c: Sequence[bytes]) -> TokenKey | None:
        """See `OfflineKeys`: a certificate of our authorities, for signing lists of states and nothing else."""
        signer = _signer(self.anchors, x5c, LIST_SIGNING)
        key = signer.public_key() if signer else None
        if signer is None or not isinstance(key, ec.EllipticCurvePublicKey) or _thumbprint(key) != kid:
            return None
        first, last = signer.not_valid_before_utc, signer.not_valid_after_utc
        found = self.anchors.revocation(signer)
        if found is None:
            return TokenKey(key, first, last)
        return TokenKey(key, first, last if found.compromised else min(last, found.since), found.compromised)

    def are_known(self, x5c: Sequence[bytes], now: datetime) -> bool:
        """See `OfflineKeys`: every authority above the signer has a CRL that is current."""
        try:
            above = read_certificate(x5c[0]).issuer
        except (MalformedDer, IndexError):
            return False
        for _ in range(MOST_AUTHORITIES):
            found = next((each for each in self.anchors.authorities if each.subject == above), None)
            until = self.anchors.crl_until.get(above.public_bytes())
            if found is None or until is None or not now < until:
                return False
            if found.issuer == found.subject:
                return True
            above = found.issuer
        return False


class _Flattened(msgspec.Struct, frozen=True):
    """A JWS in flattened form (RFC 7515 section 7.2.2)."""

    protected: str
    payload: str
    signature: str


class _Key(msgspec.Struct, frozen=True):
    kid: Annotated[str, msgspec.Meta(max_length=100)]
    jwk: dict[str, str]
    not_before: Second
    not_after: Second
    compromised: bool


_Keys = Annotated[tuple[_Key, ...], msgspec.Meta(max_length=MOST_KEYS)]


class _Claims(msgspec.Struct, frozen=True):
    """What `trust/verifier.json` says; further claims are passed over."""

    iss: str
    iat: Second
    exp: Second
    sequence: int
    demonstration: bool
    public_url: str
    token_keys: _Keys
    status_keys: _Keys
    list_keys: _Keys


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedKeys:
    """`OfflineKeys` from `trust/verifier.json`; past `until` nothing is known of revocations."""

    token_keys: Mapping[bytes, tuple[TokenKey, ...]]
    status_keys: Mapping[str, TokenKey]
    until: datetime
    sequence: int
    is_demonstration: bool

    def list_key(self, kid: str, x5c: Sequence[bytes]) -> TokenKey | None:
        """See `OfflineKeys`; the chain is not looked at."""
        return self.status_keys.get(kid)

    def are_known(self, x5c: Sequence[bytes], now: datetime) -> bool:
        """See `OfflineKeys`."""
        return now < self.until


def read_keys_file(data: bytes, anchors: Anchors, now: datetime, at_least: int = 0) -> PublishedKeys:
    """The keys in `trust/verifier.json`, once it was found signed by our key for trust lists and in its term.

    `at_least` is the sequence number of the file that was read last.

    Raises:
        TrustListInvalid: it is not.
    """
    try:
        said = msgspec.json.decode(data[: MOST_KEYS_FILE + 1], type=_Flattened)
        jws = split_jws(f"{said.protected}.{said.payload}.{said.signature}".encode(), KEYS_TYPE)
        signer = _signer(anchors, jws.x5c, TRUST_LIST_SIGNING)
        key = signer.public_key() if signer else None
        if signer is None or not isinstance(key, ec.EllipticCurvePublicKey) or anchors.revocation(signer) is not None:
            raise ValueError("not by a key of ours for this")
        if not jws.is_signed_by(key):
            raise ValueError("altered")
        found = _keys(jws.claims(_Claims))
    except (msgspec.DecodeError, ValueError):
        raise _invalid("它不是由我们的列表密钥签名的，或被改动过", "our key for lists did not sign it") from None
    if not now < found.until or found.sequence < at_least:
        raise _invalid("它已过期，或比上次的旧，请重新下载", "it is out of date: fetch it again")
    return found


def parse_keys(claims: bytes) -> PublishedKeys:
    """The keys in the claims of `trust/verifier.json`; who signed them is not asked here.

    Raises:
        ValueError: they have another form.
    """
    try:
        return _keys(msgspec.json.decode(claims, type=_Claims))
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def _keys(said: _Claims) -> PublishedKeys:
    tokens: dict[bytes, tuple[TokenKey, ...]] = {}
    for each in said.token_keys:
        if not re.fullmatch(r"[0-9a-f]{8}", each.kid, re.ASCII):
            raise ValueError("the id of a token key has 8 hex digits")
        kid = bytes.fromhex(each.kid)
        tokens[kid] = (*tokens.get(kid, ()), _key(each))
    return PublishedKeys(
        token_keys=tokens,
        status_keys={each.kid: _key(each) for each in said.status_keys},
        until=datetime.fromtimestamp(said.exp, UTC),
        sequence=said.sequence,
        is_demonstration=said.demonstration,
    )


def _key(said: _Key) -> TokenKey:
    first, last = (datetime.fromtimestamp(each, UTC) for each in (said.not_before, said.not_after))
    return TokenKey(key_of(said.jwk), first, last, said.compromised)


def _signer(anchors: Anchors, x5c: Sequence[bytes], purpose: str) -> x509.Certificate | None:
    """The first certificate of a chain, if one of our authorities made it for this purpose alone: who issues is found
    by our anchors, never by what comes with a message."""
    try:
        signer = read_certificate(x5c[0])
        purposes = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        usage = signer.extensions.get_extension_for_class(x509.KeyUsage).value
    except (MalformedDer, ValueError, IndexError, x509.ExtensionNotFound):
        return None
    if [each.dotted_string for each in purposes] != [purpose] or not usage.digital_signature:
        return None
    return signer if any(_issued(signer, above) for above in anchors.authorities) else None


def _issued(certificate: x509.Certificate, above: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(above)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _thumbprint(key: ec.EllipticCurvePublicKey) -> str | None:
    try:
        return thumbprint(jwk_of(key))
    except ValueError:
        return None


def _invalid(zh: str, en: str) -> TrustListInvalid:
    return TrustListInvalid(f"这份查验公钥不可信：{zh}。", f"These verifier keys cannot be relied on: {en}.")
