"""The token: what a QR says, signed. Claims → CBOR → COSE_Sign1 → digits, and strictly back.

COSE_Sign1 (RFC 9052, untagged, ES256) over a CWT claims set (RFC 8392) in deterministic CBOR (RFC 8949 section 4.2).
There is one spelling of every token: what does not re-encode to the same digits is refused.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certsvc.errors import InvalidIdentifier, MalformedToken, TokenTooLong
from certsvc.ids import Ref, Uscc, parse_uscc, ref_from_bytes

CTI, IAT, EXP, SUB, DETAIL = 7, 6, 4, 2, -65537
PROTECTED = cbor2.dumps({1: -7}, canonical=True)
KID = 4
KID_BYTES, SIGNATURE_BYTES = 4, 64
MARK = 0x01
MAX_DIGITS = 700
MAX_NAME, MAX_NAME_BYTES = 20, 72
"""Characters, and bytes of UTF-8 (rare characters have four): with both no symbol is larger than version 11."""

MAX_TYPE, MAX_VERSION, MAX_INDEX = 65_535, 999, 1 << 20
LAST_SECOND = 253_402_271_999
"""The end of 9999-12-31 in China: a later instant has no date there."""

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
HALF_ORDER = P256_ORDER // 2
"""ES256 holds for (r, s) and for (r, n − s) alike. Ours always have the smaller s, and no other counts as signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a token says of a certificate. Instants are UTC in whole seconds; `issued_at` is the reservation's.

    `subject` is the USCC of a business and None for a person; `holder_name` None for persons and for names that are
    too long, see `fits`.
    """

    ref: Ref
    issued_at: datetime
    expires_at: datetime | None
    subject: Uscc | None
    type_number: int
    version: int
    list_index: int
    holder_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token taken apart: `raw` is the COSE_Sign1, `payload` the CBOR that `signature` (r‖s, 64 bytes) covers."""

    raw: bytes
    kid: bytes
    payload: bytes
    signature: bytes
    claims: Claims


def fits(name: str) -> bool:
    """Whether a token has room for a holder's name: 1 to 20 characters, at most 72 bytes of UTF-8."""
    return 1 <= len(name) <= MAX_NAME and len(name.encode("utf-8")) <= MAX_NAME_BYTES


def key_id(public_key: PublicKeyTypes) -> bytes:
    """The first four bytes of the SHA-256 of a key's SubjectPublicKeyInfo: the `kid` of its tokens."""
    spki = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).digest()[:KID_BYTES]


def encode_claims(claims: Claims) -> bytes:
    """The claims set as deterministic CBOR."""
    detail = [claims.type_number, claims.version, claims.list_index, claims.holder_name]
    table: dict[int, Any] = {CTI: claims.ref.to_bytes(), IAT: int(claims.issued_at.timestamp()), DETAIL: detail}
    if claims.expires_at is not None:
        table[EXP] = int(claims.expires_at.timestamp())
    if claims.subject is not None:
        table[SUB] = claims.subject
    return cbor2.dumps(table, canonical=True)


def signing_input(payload: bytes) -> bytes:
    """The Sig_structure that ES256 signs (RFC 9052 section 4.4), external_aad empty."""
    return cbor2.dumps(["Signature1", PROTECTED, b"", payload], canonical=True)


def assemble(kid: bytes, payload: bytes, signature: bytes) -> bytes:
    """The untagged COSE_Sign1: algorithm protected, key id beside it."""
    return cbor2.dumps([PROTECTED, {KID: kid}, payload, signature], canonical=True)


def to_digits(token: bytes) -> str:
    """The decimal digits a QR holds: the big-endian integer of 0x01 ‖ token."""
    return str(int.from_bytes(bytes([MARK]) + token, "big"))


def parse_digits(text: str) -> Token:
    """Take the digits of a QR apart; the signature is not checked here.

    Raises:
        TokenTooLong: more than 700 characters.
        MalformedToken: any other character than ASCII 0 to 9, a leading zero, or anything but the one spelling of a
            token.
    """
    if len(text) > MAX_DIGITS:
        raise TokenTooLong("二维码内容超过 700 位。", "The QR content has more than 700 digits.")
    if not re.fullmatch(r"[1-9][0-9]*", text, re.ASCII):
        raise _malformed("不是数字", "it is not digits")
    number = int(text)
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    if raw[0] != MARK:
        raise _malformed("开头的标记不对", "its first byte is not 1")
    return _parse_cose(raw[1:])


def _parse_cose(raw: bytes) -> Token:
    match _load(raw):
        case [bytes(protected), {4: bytes(kid)}, bytes(payload), bytes(signature)] if protected == PROTECTED:
            pass
        case _:
            raise _malformed("不是约定的 COSE_Sign1", "it is not the COSE_Sign1 agreed on")
    if len(kid) != KID_BYTES or len(signature) != SIGNATURE_BYTES:
        raise _malformed("密钥编号或签名的长度不对", "its key id or signature has the wrong length")
    claims = _parse_claims(payload)
    if assemble(kid, encode_claims(claims), signature) != raw:
        raise _malformed("不是唯一的写法", "it is not the one spelling")
    return Token(raw=raw, kid=kid, payload=payload, signature=signature, claims=claims)


def _parse_claims(payload: bytes) -> Claims:
    table = _load(payload)
    if not isinstance(table, dict) or not {CTI, IAT, DETAIL} <= table.keys() <= {CTI, IAT, EXP, SUB, DETAIL}:
        raise _malformed("声明的种类不对", "its claims are not those agreed on")
    match table[DETAIL]:
        case [int(kind), int(version), int(index), (str() | None) as name]:
            pass
        case _:
            raise _malformed("证照类型一项不对", "its certificate detail is wrong")
    if bool in map(type, (kind, version, index)):
        raise _malformed("证照类型一项不是数字", "its certificate detail is not numbers")
    in_range = 1 <= kind <= MAX_TYPE and 1 <= version <= MAX_VERSION and 0 <= index < MAX_INDEX
    if not in_range or (name is not None and not fits(name)):
        raise _malformed("证照类型一项超出范围", "its certificate detail is out of range")
    return Claims(
        ref=_ref(table[CTI]),
        issued_at=_instant(table[IAT]),
        expires_at=_instant(table[EXP]) if EXP in table else None,
        subject=_subject(table[SUB]) if SUB in table else None,
        type_number=kind,
        version=version,
        list_index=index,
        holder_name=name,
    )


def _load(data: bytes) -> Any:
    try:
        return cbor2.loads(data)
    except Exception:  # whatever a decoder makes of hostile bytes, it is malformed
        raise _malformed("不是 CBOR", "it is not CBOR") from None


def _ref(value: object) -> Ref:
    if not isinstance(value, bytes):
        raise _malformed("编号不对", "its reference is wrong")
    try:
        return ref_from_bytes(value)
    except InvalidIdentifier:
        raise _malformed("编号的长度不对", "its reference has the wrong length") from None


def _instant(value: object) -> datetime:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LAST_SECOND:
        raise _malformed("时间不对", "its time is wrong")
    return datetime.fromtimestamp(value, UTC)


def _subject(value: object) -> Uscc:
    if not isinstance(value, str) or len(value) > 18:
        raise _malformed("统一社会信用代码不对", "its unified social credit code is wrong")
    try:
        return parse_uscc(value)
    except InvalidIdentifier:
        raise _malformed("统一社会信用代码不对", "its unified social credit code is wrong") from None


def _malformed(zh: str, en: str) -> MalformedToken:
    return MalformedToken(f"二维码内容不合格式：{zh}。", f"The QR content is malformed: {en}.")
