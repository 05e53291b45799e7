"""What the methods of the CSC API are asked, under the names of version 2 and of version 1. Parameters that we have no
use for are passed over, as the specification asks."""

import base64
import binascii
from typing import Annotated, Literal

import msgspec

from certsvc.domain.document_seal import DIGEST_BYTES, MOST_DIGESTS
from certsvc.errors import InvalidInput
from certsvc.http.csc.credentials import SHA256

Id = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9-]{1,32}\Z")]
"""Credentials are called as seals are."""

Oid = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Hashes = Annotated[list[Annotated[str, msgspec.Meta(max_length=128)]], msgspec.Meta(max_length=MOST_DIGESTS)]
Secret = Annotated[str, msgspec.Meta(max_length=512)]
Shown = Literal["none", "single", "chain"]
"""Which certificates are told."""

CAPITALS = {"credential_id": "credentialID", "hash_algorithm_oid": "hashAlgorithmOID", "sad": "SAD"}


def _as_they_write(name: str) -> str:
    first, *others = name.split("_")
    return CAPITALS.get(name, first + "".join(part.capitalize() for part in others))


class ListBody(msgspec.Struct, frozen=True, kw_only=True, rename=_as_they_write):
    """`credentials/list`."""

    credential_info: bool = False
    certificates: Shown = "single"
    cert_info: bool = False
    auth_info: bool = False
    only_valid: bool = False


class InfoBody(msgspec.Struct, frozen=True, kw_only=True, rename=_as_they_write):
    """`credentials/info`."""

    credential_id: Id
    certificates: Shown = "single"
    cert_info: bool = False
    auth_info: bool = False


class HashesBody(msgspec.Struct, frozen=True, kw_only=True, rename=_as_they_write):
    """Digests to be signed, with the names of both versions: `hashes` and `hash`, `hashAlgorithmOID` and `hashAlgo`."""

    credential_id: Id
    hashes: Hashes | None = None
    hash: Hashes | None = None
    hash_algorithm_oid: Oid | None = None
    hash_algo: Oid | None = None

    def digests(self) -> tuple[bytes, ...]:
        """The SHA-256 digests.

        Raises:
            InvalidInput: there are none, they are there under both names, or they are no SHA-256 digests in base64.
        """
        if (self.hashes is None) == (self.hash is None):
            raise InvalidInput(
                "应有 hashes（第 1 版为 hash）。", "Missing (or both) parameter hashes (hash in version 1)"
            )
        named = self.hash_algorithm_oid or self.hash_algo or SHA256
        if named != SHA256 or (self.hash_algo or named) != named:
            raise InvalidInput(f"摘要算法应为 {SHA256}。", f"Invalid parameter hashAlgorithmOID: it is {SHA256}")
        found = tuple(_digest(text) for text in (self.hashes or self.hash or []))
        if not found:
            raise InvalidInput("没有摘要。", "Empty hash array")
        return found


class AuthorizeBody(HashesBody, frozen=True, kw_only=True, rename=_as_they_write):
    """`credentials/authorize`."""

    num_signatures: Annotated[int, msgspec.Meta(ge=1, le=MOST_DIGESTS)]


class SignBody(HashesBody, frozen=True, kw_only=True, rename=_as_they_write):
    """`signatures/signHash`."""

    sad: Secret
    sign_algo: Oid
    sign_algo_params: Secret | None = None
    operation_mode: str = "S"


def _digest(text: str) -> bytes:
    try:
        digest = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != DIGEST_BYTES:
        raise InvalidInput("摘要应为 base64 的 SHA-256。", "Invalid parameter hashes: SHA-256 digests in base64")
    return digest
