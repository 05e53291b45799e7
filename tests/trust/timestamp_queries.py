"""Timestamp requests (RFC 3161 section 2.4.1) with a flaw each, named after it, and the failure they are to meet."""

import hashlib

from certsvc import der
from certsvc.authority.timestamp_request import Failure
from certsvc.authority.timestamps import POLICY

SHA1, SHA256, SHA384, SHA512 = (
    "1.3.14.3.2.26",
    "2.16.840.1.101.3.4.2.1",
    "2.16.840.1.101.3.4.2.2",
    "2.16.840.1.101.3.4.2.3",
)
DIGEST = hashlib.sha256(b"a signature").digest()
EXTENSION = der.explicit(0, der.sequence(der.object_identifier("1.2.3.4"), der.octet_string(der.NULL)))
FALSE = b"\x01\x01\x00"


def imprint(algorithm: str = SHA256, digest: bytes = DIGEST, parameters: bytes = der.NULL) -> bytes:
    """MessageImprint."""
    return der.sequence(der.sequence(der.object_identifier(algorithm), parameters), der.octet_string(digest))


def query(*rest: bytes, version: bytes | None = None, of: bytes | None = None) -> bytes:
    """TimeStampReq; `rest` is what follows the imprint."""
    return der.sequence(der.integer(1) if version is None else version, imprint() if of is None else of, *rest)


def deep() -> bytes:
    """SEQUENCEs in each other, as many as a large request has room for."""
    nested = b""
    while len(nested) < 8000:
        nested = der.sequence(nested)
    return nested


FLAWED: dict[str, tuple[bytes, Failure]] = {
    "empty": (b"", Failure.BAD_DATA_FORMAT),
    "text": (b"GET / HTTP/1.1", Failure.BAD_DATA_FORMAT),
    "zeros": (bytes(8192), Failure.BAD_DATA_FORMAT),
    "indefinite-length": (b"\x30\x80" + query()[2:] + b"\0\0", Failure.BAD_DATA_FORMAT),
    "length-of-2^32": (b"\x30\x85\x01\x00\x00\x00\x00" + query()[2:], Failure.BAD_DATA_FORMAT),
    "length-beyond-the-end": (b"\x30\x84\xff\xff\xff\xff" + query()[2:], Failure.BAD_DATA_FORMAT),
    "non-minimal-length": (b"\x30\x81" + query()[1:], Failure.BAD_DATA_FORMAT),
    "nested-sequences": (deep(), Failure.BAD_DATA_FORMAT),
    "nested-sequences-in-the-imprint": (query(of=deep()), Failure.BAD_DATA_FORMAT),
    "cut-off": (query()[:-1], Failure.BAD_DATA_FORMAT),
    "trailing-byte": (query() + b"\0", Failure.BAD_DATA_FORMAT),
    "two-requests": (query() * 2, Failure.BAD_DATA_FORMAT),
    "trailing-element": (query(der.TRUE, der.NULL), Failure.BAD_DATA_FORMAT),
    "two-nonces": (query(der.integer(1), der.integer(2)), Failure.BAD_DATA_FORMAT),
    "nonce-of-0-octets": (query(b"\x02\x00"), Failure.BAD_DATA_FORMAT),
    "nonce-of-129-octets": (query(der.tlv(der.INTEGER, b"\x7f" * 129)), Failure.BAD_DATA_FORMAT),
    "nonce-with-a-zero-in-front": (query(b"\x02\x02\x00\x01"), Failure.BAD_DATA_FORMAT),
    "boolean-of-1": (query(b"\x01\x01\x01"), Failure.BAD_DATA_FORMAT),
    "imprint-too-short": (query(of=imprint(digest=DIGEST[:-1])), Failure.BAD_DATA_FORMAT),
    "imprint-too-long": (query(of=imprint(digest=DIGEST + b"\0")), Failure.BAD_DATA_FORMAT),
    "imprint-of-another-algorithm": (query(of=imprint(SHA512)), Failure.BAD_DATA_FORMAT),
    "imprint-with-parameters": (query(of=imprint(parameters=der.integer(1))), Failure.BAD_DATA_FORMAT),
    "imprint-with-something-after-it": (
        query(of=der.sequence(imprint()[2:], der.NULL)),
        Failure.BAD_DATA_FORMAT,
    ),
    "version-0": (query(version=der.integer(0)), Failure.BAD_REQUEST),
    "version-2": (query(version=der.integer(2)), Failure.BAD_REQUEST),
    "version-negative": (query(version=b"\x02\x01\xff"), Failure.BAD_REQUEST),
    "sha-1": (query(of=imprint(SHA1, bytes(20))), Failure.BAD_ALG),
    "unknown-algorithm": (query(of=imprint("1.2.3.4")), Failure.BAD_ALG),
    "another-policy": (query(der.object_identifier("1.2.3.4.1")), Failure.UNACCEPTED_POLICY),
    "extension": (query(EXTENSION), Failure.UNACCEPTED_EXTENSION),
    "extension-after-everything": (
        query(der.object_identifier(POLICY), der.integer(7), der.TRUE, EXTENSION),
        Failure.UNACCEPTED_EXTENSION,
    ),
}
