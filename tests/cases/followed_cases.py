"""A case with a part in every state, on a public site over a register in memory."""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "http"))
from public_site import NOW, TODAY, PublicSite

from certsvc.domain.case import PartState, PendingPart, Progress
from certsvc.ids import new_ref

STATES = [
    ("business-licence-company", PartState.ISSUED, None),
    ("food-business", PartState.ACCEPTED_WITH_DOCUMENTS, 6),
    ("public-place-hygiene", PartState.ACCEPTED, -2),
    ("drug-retail", PartState.RETURNED, None),
    ("fire-safety-check", PartState.WAITING, 12),
    ("publications-retail", PartState.GRANTED, None),
    ("hotel-special-trade", PartState.REFUSED, None),
    ("tobacco-retail", PartState.WITHDRAWN, None),
    ("entertainment-venue", PartState.ENDED, None),
]


def part(type_id: str, state: PartState, days: int | None, **more: Any) -> PendingPart:
    """A part whose time ends in so many days."""
    deadline = None if days is None else TODAY + timedelta(days=days)
    return PendingPart(type_id=type_id, state=state, deadline=deadline, **more)


def progress(site: PublicSite) -> Progress:
    """A case with a part in every state."""
    licence = site.shelf.certificates[0]
    parts = [part(*said) for said in STATES]
    parts[0] = part(*STATES[0], certificate=licence.ref)
    parts[1] = part(*STATES[1], documents_due=TODAY + timedelta(days=20))
    return Progress(ref=new_ref(None), applicant="云*******公司", opened_at=NOW - timedelta(days=9), parts=tuple(parts))
