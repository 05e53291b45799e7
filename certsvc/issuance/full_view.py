"""The whole content of a proof, for who has the paper with its six characters: the try goes on record first."""

import hmac
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from certsvc.catalog import Catalog, CertificateType
from certsvc.domain.full_view import View, Viewer, context_of, digest_of, read_characters
from certsvc.errors import FullViewRefused
from certsvc.ids import Ref
from certsvc.services import FullViews, PayloadCipher


@dataclass(frozen=True, slots=True, kw_only=True)
class FullViewing:
    """What full views need. `cipher` gives the data keys, None before anything was encrypted: it is asked each
    time."""

    catalog: Catalog
    views: FullViews
    cipher: Callable[[], Awaitable[PayloadCipher | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody typed: the six characters, who looks, and what for; and the network they come from."""

    characters: str
    office: str
    purpose: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A proof in full, who saw it before, and how many tries of the last 30 days opened nothing."""

    kind: CertificateType
    payload: Mapping[str, Any]
    views: Sequence[View]
    failed: int


async def open_full_view(viewing: FullViewing, ref: Ref, asked: Asked, now: datetime) -> Opened:
    """Open a proof, once. Every try counts, whatever comes of it.

    Raises:
        FullViewRefused: other characters, no such proof, or one that prints none: said alike.
        NoTryLeft: it was tried five times within an hour.
        CustodyError: the key that it is encrypted with is lost.
    """
    characters = read_characters(asked.characters)
    cipher = await viewing.cipher() if characters else None
    if characters is None or cipher is None:
        raise _refused()
    network = cipher.look_up(f"full view {asked.address}")
    viewer = Viewer(office=asked.office, purpose=asked.purpose, network=network)
    begun = await viewing.views.begin(ref, viewer, now)
    if begun is None:
        raise _refused()
    kept = begun.proof.digest
    expected = cipher.decrypt(kept.sealed, context_of(ref), kept.key_id)
    if not hmac.compare_digest(expected, digest_of(ref, characters)):
        raise _refused()
    plain = cipher.decrypt(begun.proof.payload, ref.to_bytes(), begun.proof.payload_key_id)
    before, failed = await viewing.views.views(ref, now)
    await viewing.views.note_view(ref, begun.number, viewer, now)
    kind = viewing.catalog.version(begun.proof.type_id, begun.proof.type_version)
    return Opened(kind=kind, payload=json.loads(plain), views=before, failed=failed - 1)


def _refused() -> FullViewRefused:
    return FullViewRefused(
        "打不开：六个字符与这件证明不符，或者这件证照没有全文可看。请对照纸面再输；每件证明一小时最多试 5 次。",
        "It does not open: these are not the six characters of this proof, or it has no full view. Compare with the "
        "paper; a proof has five tries an hour.",
    )
