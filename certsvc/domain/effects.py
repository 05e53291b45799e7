"""What the state of a licence does to a permit under it. The rules are data (`policy.toml`); this applies them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class Effect(StrEnum):
    """What becomes of a permit, the gravest first."""

    ENDS = "ends"
    MUST_CLOSE = "must_close"
    SUSPENDS = "suspends"
    MUST_REISSUE = "must_reissue"
    UNAFFECTED = "unaffected"


STOPS = frozenset({Effect.ENDS, Effect.MUST_CLOSE, Effect.SUSPENDS})
"""The effects under which a permit may not be relied on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a rule rests on; `certainty` is `known`, `from_memory` or `local`."""

    basis: str
    certainty: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRule:
    """While the licence is in one of `states` (a status or the kind of a condition), the permit suffers `effect`."""

    states: frozenset[str]
    effect: Effect
    ground: Ground


@dataclass(frozen=True, slots=True, kw_only=True)
class FactRule:
    """Where the permit's `field` differs from the licence's `fact` (name, address, person), `effect` follows."""

    fact: str
    field: str
    effect: Effect
    ground: Ground


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequence:
    """A rule that acts: what it does, on what ground, because of which state or fact, since which day if known."""

    effect: Effect
    cause: str
    ground: Ground
    since: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceRules:
    """All rules of one permit type towards its licence; of several that act, the gravest comes first."""

    states: tuple[StateRule, ...] = field(default=())
    facts: tuple[FactRule, ...] = field(default=())

    def of_states(self, states: Iterable[tuple[str, date | None]]) -> Iterable[Consequence]:
        """The consequences of the states the licence is in, each with the day it began."""
        found = dict(states)
        for name, since in found.items():
            for rule in self.states:
                if name in rule.states:
                    yield Consequence(effect=rule.effect, cause=name, ground=rule.ground, since=since)

    def of_facts(self, permit: Mapping[str, str], licence: Mapping[str, str]) -> Iterable[Consequence]:
        """The consequences of facts that the permit and its licence state differently."""
        for rule in self.facts:
            mine, its = permit.get(rule.field), licence.get(rule.fact)
            if mine is not None and its is not None and mine != its:
                yield Consequence(effect=rule.effect, cause=rule.fact, ground=rule.ground)


def gravest(found: Iterable[Consequence]) -> tuple[Consequence, ...]:
    """Those that do something, the gravest first."""
    order = list(Effect)
    acting = [item for item in found if item.effect is not Effect.UNAFFECTED]
    return tuple(sorted(acting, key=lambda item: order.index(item.effect)))
