"""Timestamp requests (RFC 3161 section 2.4.1), read strictly, and what is said of those that are refused."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from certsvc import der
from certsvc.der_reader import DerReader
from certsvc.errors import InvalidInput

DIGEST_BYTES: Final = {
    "2.16.840.1.101.3.4.2.1": 32,
    "2.16.840.1.101.3.4.2.2": 48,
    "2.16.840.1.101.3.4.2.3": 64,
}
"""SHA-256, SHA-384, SHA-512, and how long their digests are."""

NONCE_BYTES = 128
EXTENSIONS = 0xA0


class Failure(IntEnum):
    """The bits of PKIFailureInfo (section 2.4.2)."""

    BAD_ALG = 0
    BAD_REQUEST = 2
    BAD_DATA_FORMAT = 5
    TIME_NOT_AVAILABLE = 14
    UNACCEPTED_POLICY = 15
    UNACCEPTED_EXTENSION = 16
    SYSTEM_FAILURE = 25


class RejectedRequest(InvalidInput, title_zh="时间戳请求被拒绝"):
    """The timestamp request is rejected"""

    def __init__(self, failure: Failure, zh: str, en: str) -> None:
        super().__init__(zh, en)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class TimestampRequest:
    """What is asked for. `imprint` and `nonce` are DER as it came; `nonce` is empty where there is none."""

    imprint: bytes
    nonce: bytes
    wants_certificates: bool


def parse_request(message: bytes, policy: str) -> TimestampRequest:
    """Read a TimeStampReq; `policy` is the only one there is.

    A nonce is taken and given back as it is, also where it reads as a negative number: clients draw random bytes. An
    explicit `certReq FALSE` is taken too.

    Raises:
        MalformedDer: it is no DER of a TimeStampReq, or has something after it.
        RejectedRequest: it asks for what there is not.
    """
    outside = DerReader(message)
    reader = outside.sequence()
    outside.finish()
    version = reader.integer()
    imprint = reader.whole(der.SEQUENCE)
    asked_policy = reader.object_identifier() if reader.has(der.OID) else policy
    nonce = _nonce(reader) if reader.has(der.INTEGER) else b""
    wants_certificates = reader.has(der.BOOLEAN) and reader.boolean()
    has_extensions = reader.has(EXTENSIONS) and bool(reader.whole(EXTENSIONS))
    reader.finish()
    if version != 1:
        raise RejectedRequest(Failure.BAD_REQUEST, "请求的版本应为 1。", "The version of a request is 1.")
    _require_known_digest(imprint)
    if asked_policy != policy:
        raise RejectedRequest(
            Failure.UNACCEPTED_POLICY, f"只按策略 {policy} 签时间戳。", f"The only policy here is {policy}."
        )
    if has_extensions:
        raise RejectedRequest(Failure.UNACCEPTED_EXTENSION, "不支持任何扩展。", "No extension is supported.")
    return TimestampRequest(imprint, nonce, wants_certificates)


def _nonce(reader: DerReader) -> bytes:
    encoded = reader.whole(der.INTEGER)
    DerReader(encoded).integer()
    if len(DerReader(encoded).value(der.INTEGER)) > NONCE_BYTES:
        raise RejectedRequest(
            Failure.BAD_DATA_FORMAT,
            f"随机数超过 {NONCE_BYTES} 字节。",
            f"The nonce is longer than {NONCE_BYTES} octets.",
        )
    return encoded


def _require_known_digest(imprint: bytes) -> None:
    reader = DerReader(imprint).sequence()
    algorithm = reader.sequence()
    digest = reader.value(der.OCTET_STRING)
    reader.finish()
    name = algorithm.object_identifier()
    if algorithm.has(der.NULL[0]):
        algorithm.value(der.NULL[0])
    algorithm.finish()
    if name not in DIGEST_BYTES:
        raise RejectedRequest(
            Failure.BAD_ALG, "摘要算法应为 SHA-256、SHA-384 或 SHA-512。", "Use SHA-256, SHA-384 or SHA-512."
        )
    if len(digest) != DIGEST_BYTES[name]:
        raise RejectedRequest(
            Failure.BAD_DATA_FORMAT, "摘要的长度与算法不符。", "The digest is not as long as its algorithm's are."
        )
