"""The token: what a QR says, signed. Values only; `encode` and `decode` of each stage follow below.

COSE_Sign1 (RFC 9052) over a CWT claims set (RFC 8392) in deterministic CBOR (RFC 8949 section 4.2).
"""

from dataclasses import dataclass
from datetime import datetime

from certsvc.ids import Ref, Uscc


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a token says of a certificate. Instants are UTC in whole seconds; `issued_at` is the reservation's."""

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
