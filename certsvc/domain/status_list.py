"""Signed lists of states: what each of the 16 values means, how a list is packed, and what stands around it.

IETF Token Status List (draft-ietf-oauth-status-list-21), 4 bits a certificate. The values 0 to 2 are the standard's; 3
and 0xC to 0xF it leaves to applications, and all others are reserved. What acts on a permit from its licence is in the
permit's own value, so that who reads a list is never better off than who asks the register.
"""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum

from certsvc.domain.calendar import TermState, quarter
from certsvc.domain.certificate import RegisteredCertificate
from certsvc.domain.effects import Effect
from certsvc.domain.states import Status

BITS = 4
ENTRIES = 1 << 20
"""Every list has so many, whatever was issued: its size tells nothing, and a reader knows the most it may unpack."""

LIST_BYTES = ENTRIES * BITS // 8
MOST_SIGNED = 1 << 20
"""Bytes of a signed list: entries that do not compress at all have 933,000 in it, its header 3,000. A full list of
mixed states has 183,000."""

LEVEL = 6
"""Of compression: level 9 makes a full list a tenth smaller and takes eighteen times as long (0.8 s)."""

LASTS = timedelta(hours=24)
"""At most so long a reader may rely on a list; less where a type's limit for the age of a state is less."""

FRESH_FOR = timedelta(seconds=60)
"""`ttl`: after that a reader asks for the next one. Also how long caches may keep it."""

SHORTEST, LONGEST = timedelta(seconds=1), timedelta(days=7)
"""Terms of a list that a reader takes."""

LIST_SIGNING = "1.3.6.1.5.5.7.3.30"
"""Purpose of the key that signs lists: id-kp-oauthStatusSigning (section 10.1 of the draft)."""

LIST_TYPE, KEYS_TYPE = "statuslist+jwt", "verifier-keys+jwt"
"""Explicit types (RFC 8725 section 3.11): nothing else that is signed can be taken for one of these."""

MEDIA_TYPE = f"application/{LIST_TYPE}"
FOLDER = "status"
INDEX = f"{FOLDER}/index.json"
KEYS_FILE = "trust/verifier.json"
NAME = re.compile(r"[1-9][0-9]{0,4}-[0-9]{4}q[1-4]", re.ASCII)


class ListedState(IntEnum):
    """What a list says of a certificate."""

    VALID = 0x0
    INVALID = 0x1
    """Revoked, rescinded, withdrawn, closed, to be closed, or ended with its licence."""
    SUSPENDED = 0x2
    """Itself, or with its licence."""
    SUPERSEDED = 0x3
    TRANSFERRED_OUT = 0xC
    RENEWAL_PENDING = 0xD
    """In force, also beyond the printed end; there may be further conditions."""
    CONDITIONAL = 0xE
    """In force, with a condition that only the register tells."""
    NO_STATEMENT = 0xF
    """Not issued, its term not begun, or not known. What nobody said anything of reads like this."""

    @property
    def word(self) -> str:
        """Its name in JSON."""
        return self.name.lower()


HOLDS = frozenset({ListedState.VALID, ListedState.RENEWAL_PENDING, ListedState.CONDITIONAL})
FILLING = (ListedState.NO_STATEMENT << BITS | ListedState.NO_STATEMENT).to_bytes(1, "big")

OWN: Mapping[Status, ListedState] = {
    Status.VALID: ListedState.VALID,
    Status.RENEWAL_PENDING: ListedState.RENEWAL_PENDING,
    Status.RECHECK_DUE: ListedState.CONDITIONAL,
    Status.CONDITIONAL: ListedState.CONDITIONAL,
    Status.DORMANT: ListedState.CONDITIONAL,
    Status.SUSPENDED: ListedState.SUSPENDED,
    Status.CLOSING_DUE: ListedState.INVALID,
    Status.REVOKED: ListedState.INVALID,
    Status.RESCINDED: ListedState.INVALID,
    Status.WITHDRAWN: ListedState.INVALID,
    Status.CLOSED: ListedState.INVALID,
    Status.SUPERSEDED: ListedState.SUPERSEDED,
    Status.TRANSFERRED_OUT: ListedState.TRANSFERRED_OUT,
    Status.UNKNOWN: ListedState.NO_STATEMENT,
}

AS_STATUS: Mapping[ListedState, Status] = {
    ListedState.VALID: Status.VALID,
    ListedState.INVALID: Status.REVOKED,
    ListedState.SUSPENDED: Status.SUSPENDED,
    ListedState.SUPERSEDED: Status.SUPERSEDED,
    ListedState.TRANSFERRED_OUT: Status.TRANSFERRED_OUT,
    ListedState.RENEWAL_PENDING: Status.RENEWAL_PENDING,
    ListedState.CONDITIONAL: Status.CONDITIONAL,
    ListedState.NO_STATEMENT: Status.UNKNOWN,
}
"""As far as a verdict needs it: one of the register's states that leads to the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedCertificate:
    """A certificate with its place in a list, and the licence whose state acts on it: of a licence the version that
    holds, of a permit the one it hangs on, None where there is none. `next_day` is the next one that may change it."""

    certificate: RegisteredCertificate
    root: RegisteredCertificate | None
    list_name: str
    index: int
    next_day: date | None = None


@dataclass(frozen=True, slots=True)
class ListedValue:
    """What a list is to say at a place."""

    list_name: str
    index: int
    state: ListedState


def listed_state(status: Status, term: TermState, acting: Effect | None) -> ListedState:
    """What a list says of a certificate in this state and term, under a licence that has this effect on it; None where
    that is not known. The end of a term is in the token itself, its beginning is not."""
    own = OWN[status]
    if own in (ListedState.NO_STATEMENT, ListedState.INVALID, ListedState.SUPERSEDED, ListedState.TRANSFERRED_OUT):
        return own
    if acting in (Effect.ENDS, Effect.MUST_CLOSE):
        return ListedState.INVALID
    if own is ListedState.SUSPENDED or acting is Effect.SUSPENDS:
        return ListedState.SUSPENDED
    if acting is None or term in (TermState.NOT_YET, TermState.UNKNOWN):
        return ListedState.NO_STATEMENT
    return ListedState.CONDITIONAL if (own, acting) == (ListedState.VALID, Effect.MUST_REISSUE) else own


def list_name(type_number: int, issued_at: datetime) -> str:
    """The list that a token is in: of its type, and of the quarter of its `iat`."""
    return f"{type_number}-{quarter(issued_at)}"


def list_file(name: str) -> str:
    """Where a list lies among the public facts."""
    return f"{FOLDER}/{name}.jwt"


def list_url(public_url: str, name: str) -> str:
    """Where everybody finds it: its `sub`."""
    return f"{public_url}/{FOLDER}/{name}"


def empty_list() -> bytearray:
    """A list that says nothing of anything."""
    return bytearray(FILLING * LIST_BYTES)


def entry(packed: bytes | bytearray, index: int) -> int:
    """The value at an index: the lower half of a byte comes first.

    Raises:
        IndexError: the list is shorter.
    """
    byte = packed[index >> 1]
    return byte >> BITS if index & 1 else byte & 0xF


def set_entry(packed: bytearray, index: int, state: ListedState) -> None:
    """Put a value at an index."""
    kept = packed[index >> 1]
    packed[index >> 1] = (kept & 0x0F) | state << BITS if index & 1 else (kept & 0xF0) | state


def compress(packed: bytes) -> bytes:
    """A list as it is signed (ZLIB, RFC 1950)."""
    return zlib.compress(packed, LEVEL)


def decompress(compressed: bytes) -> bytes:
    """Unpack a list, and never more than one holds.

    Raises:
        ValueError: it is larger, broken off, no such stream, or something follows it.
    """
    unpacker = zlib.decompressobj()
    try:
        packed = unpacker.decompress(compressed, LIST_BYTES + 1)
    except zlib.error:
        raise ValueError("no ZLIB stream") from None
    if len(packed) > LIST_BYTES or not unpacker.eof or unpacker.unused_data:
        raise ValueError("too large, broken off, or followed by something")
    return packed
