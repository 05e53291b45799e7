"""What departments issue in the demonstration: every good example of a few types, licences first."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from certsvc.catalog import Catalog, CertificateType
from certsvc.catalog.load import examples
from certsvc.domain.calendar import years_after
from certsvc.domain.certificate import Category
from certsvc.domain.issuing import Order

DAYS_A_YEAR = 365.25
SHOWN = frozenset(
    "business-licence-company business-licence-sole-trader business-licence-cooperative food-business drug-retail "
    "fire-safety-check hotel-special-trade public-place-hygiene publications-retail".split()
)
"""Enough to see everything in seconds, with the proofs of `demo.village`; `certsvc preview` shows every type."""


def demo_orders(catalog: Catalog, client: str, day: date) -> list[Order]:
    """One order for each good example of the types shown; terms of permits and proofs begin on `day`.

    The same day gives the same orders, so that a second run finds what the first issued.
    """
    latest = [kind for kind in catalog if catalog.latest(kind.id) is kind]
    kinds = sorted(latest, key=lambda kind: (kind.category is not Category.LICENCE, kind.type_number))
    return [
        Order(client=client, key=f"{kind.id}/{path.stem}", type_id=kind.id, payload=from_day(kind, payload, day))
        for kind in kinds
        if kind.id in SHOWN
        for path, payload in examples(kind, "good")
    ]


def from_day(kind: CertificateType, payload: Mapping[str, Any], day: date) -> Mapping[str, Any]:
    """The payload with a term of as many years (or days, if it is shorter than one) from `day` on; a licence keeps its
    day of establishment."""
    if kind.category is Category.LICENCE:
        return payload
    start, end = kind.definition.term.start, kind.definition.term.end
    moved = {**payload, start: day.isoformat()}
    if end is not None and end in payload:
        length = date.fromisoformat(payload[end]) - date.fromisoformat(payload[start])
        years = round(length.days / DAYS_A_YEAR)
        last = years_after(day, years) - timedelta(days=1) if years else day + length
        moved[end] = last.isoformat()
    return moved
