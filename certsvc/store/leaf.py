"""What the transparency log will publish of an event: a salted hash, which shows nothing and cannot be disputed."""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from certsvc.domain.life import Event
from certsvc.domain.states import Status

SALT_BYTES = 32
LEAF = b"\x00"
"""Sets leaves apart from the inner nodes of a Merkle tree (RFC 6962 section 2.1)."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """The salt stays in the register; the hash goes into the log."""

    salt: bytes
    hash: bytes


def leaf_of(event: Event, status: Status, documents: Sequence[bytes] = ()) -> Leaf:
    """A leaf with a fresh salt over an event and the digests of the files it issued."""
    salt = secrets.token_bytes(SALT_BYTES)
    return Leaf(salt, leaf_hash(salt, leaf_content(event, status, documents)))


def leaf_content(event: Event, status: Status, documents: Sequence[bytes] = ()) -> dict[str, object]:
    """What the leaf commits to; `status` is the state after the act. Who acted and why are left out: both may name
    persons. A leaf names the version that an act made; other acts are of the whole life."""
    return {
        "ref": (event.version or event.ref).typed_code,
        "act": event.act.value,
        "status": status.value,
        "effective": event.effective.isoformat(),
        "recorded_at": int(event.recorded_at.timestamp() * 1000),
        "decision_number": event.ground.decision_number,
        "documents": sorted(digest.hex() for digest in documents),
    }


def leaf_hash(salt: bytes, content: Mapping[str, object]) -> bytes:
    """SHA-256 over 0x00, the salt and the content as JSON: UTF-8, keys sorted, no white space (as RFC 8785 has it)."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(LEAF + salt + text.encode("utf-8")).digest()
