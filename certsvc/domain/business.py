"""What somebody holds, over time: names, persons and addresses by the versions of the licence, premises, branches."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from certsvc.domain.calendar import Term
from certsvc.domain.certificate import Category
from certsvc.domain.states import Status
from certsvc.ids import Ref, Uscc


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One version of a certificate that somebody holds, with its state on the day asked; `successor` is who took over
    the business when it was closed."""

    ref: Ref
    life: Ref
    category: Category
    type_id: str
    type_version: int
    number: str
    version: int
    subject: Uscc | None
    takes_over: date
    term: Term
    place: str | None
    head_office: Uscc | None
    public_fields: Mapping[str, Any]
    status: Status
    successor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What a fact was from a day on, until the day before `until`."""

    value: str
    since: date
    until: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """Everything known of one holder. `facts` tells name, address and person over time, by the licence's versions;
    `premises` the certificates of each place; `branches` the licences of its branches, each with a code of its own.
    """

    facts: Mapping[str, Sequence[Span]]
    premises: Mapping[str, Sequence[Held]]
    others: Sequence[Held]
    branches: Sequence[Held]
    successor: str | None


def business_of(code: str, held: Iterable[Held], fields: Mapping[tuple[str, int], Mapping[str, str]]) -> Business:
    """Put together what the holder with this code has; `fields` says, by type and version of a licence, which field is
    which fact."""
    found = list(held)
    own = [one for one in found if not code or one.head_office != code]
    licences = [one for one in own if one.category is Category.LICENCE]
    current = [one for one in own if one.status is not Status.SUPERSEDED]
    placed = [one for one in current if one.category is Category.PERMIT and one.place]
    return Business(
        facts=_facts(licences, fields),
        premises={
            place: [one for one in placed if one.place == place] for place in sorted({_place(one) for one in placed})
        },
        others=[one for one in current if one not in placed],
        branches=[one for one in found if code and one.head_office == code and one.status is not Status.SUPERSEDED],
        successor=next((one.successor for one in licences if one.successor), None),
    )


def _place(held: Held) -> str:
    return held.place or ""


def _facts(
    licences: Iterable[Held], fields: Mapping[tuple[str, int], Mapping[str, str]]
) -> Mapping[str, Sequence[Span]]:
    told: dict[str, list[Span]] = {}
    for licence in sorted(licences, key=lambda one: one.version):
        for fact, field in fields.get((licence.type_id, licence.type_version), {}).items():
            value, spans = str(licence.public_fields.get(field, "")), told.setdefault(fact, [])
            if spans and spans[-1].value == value:
                continue
            if spans:
                spans[-1] = Span(value=spans[-1].value, since=spans[-1].since, until=licence.takes_over)
            spans.append(Span(value=value, since=licence.takes_over, until=None))
    return told
