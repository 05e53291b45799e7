"""The six characters on a proof that open its whole content: drawn, read as typed, and kept as a hash alone.

The public sees a proof masked. The office that receives the paper types what is printed on it, says who it is and why
it looks, and that is on record for who issued the proof. Six characters are 30 bits: enough against five tries an hour,
and not against who has the hashes; so a hash is encrypted under the key that the content itself is encrypted under.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from certsvc.ids import CODE_ALPHABET, Ref

LENGTH = 6
GROUP = 3
TRIES, PER = 5, timedelta(hours=1)
"""How many tries a proof has, by anybody and from anywhere; a trigger counts them, too."""

KEPT = timedelta(days=3 * 366)
"""How long tries and views stay on record (个人信息保护法 56: records of handling, three years at least)."""

LONGEST_OFFICE, LONGEST_PURPOSE = 100, 200
LOOK_ALIKE = str.maketrans("OIL", "011")
PURPOSE = b"certsvc full view\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedDigest:
    """The hash of the characters of a proof, encrypted under the data key `key_id` and bound to the proof."""

    sealed: bytes
    key_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who asks to see it: as they say themselves, and a keyed hash of the network they come from."""

    office: str
    purpose: str
    network: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedProof:
    """What the desk may read of a proof: its encrypted content, and the hash of its characters."""

    ref: Ref
    type_id: str
    type_version: int
    payload: bytes
    payload_key_id: str
    digest: SealedDigest


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """A try that is on record, before it is known what comes of it, and the proof that it is for."""

    number: int
    proof: SealedProof


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """An earlier view, as it is shown to the resident and to who looks next."""

    at: datetime
    office: str
    purpose: str


def draw_characters() -> str:
    """Six characters of the alphabet of typed codes, each drawn alone."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(LENGTH))


def read_characters(typed: str) -> str | None:
    """What was typed as it is printed: in capitals, without gaps, O as 0, I and L as 1; None if it cannot be any."""
    text = re.sub(r"[\s-]+", "", typed[: 4 * LENGTH])
    text = text.upper().translate(LOOK_ALIKE) if text.isascii() else ""
    return text if len(text) == LENGTH and set(text) <= set(CODE_ALPHABET) else None


def in_groups(characters: str) -> str:
    """As printed: two groups of three, so that they are read aloud and typed without a slip."""
    return f"{characters[:GROUP]} {characters[GROUP:]}"


def digest_of(ref: Ref, characters: str) -> bytes:
    """SHA-256 of the characters of one proof; of no use for another, nor for anything else."""
    return hashlib.sha256(PURPOSE + ref.to_bytes() + characters.encode("ascii")).digest()


def context_of(ref: Ref) -> bytes:
    """What the encrypted hash is bound to: never the context of the content, so that one cannot stand for the other."""
    return ref.to_bytes() + b" full view"
