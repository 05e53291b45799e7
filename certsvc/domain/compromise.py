"""When somebody else may have a key: what it touched."""

from dataclasses import dataclass
from datetime import datetime

from certsvc.ids import Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a key may have signed from `since` on and before `until`, when it ended: documents under one seal or, with
    `seal_id` None, under any; or the tokens of certificates reserved then."""

    since: datetime
    until: datetime
    seal_id: str | None = None
    tokens: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """One certificate within reach: genuine, and on record; what others made in the meantime is not."""

    ref: Ref
    type_id: str
    number: str
    version: int
    issued: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchedRequest:
    """One sealing request within reach: a document, whose sealed file has the SHA-256 `sealed` once it is done, or
    digests that the seal was used for."""

    id: str
    client: str
    done: bool
    is_document: bool
    sealed: bytes | None
    digests: tuple[bytes, ...]
