"""What `policy.toml` may say: what the law lets happen to a certificate after it is issued.

It stands beside the versions of a type, not in them: nothing is printed from it, so it is corrected when the law
changes or somebody knows better, and rules at once over every certificate of the type, however old.
"""

from typing import Annotated, Literal

import msgspec

from certsvc.domain.effects import Effect, FactRule, Ground, LicenceRules, StateRule

Certainty = Literal["known", "from_memory", "local"]
Positive = Annotated[int, msgspec.Meta(ge=1, le=1000)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
Nature = Literal["licence", "permit", "filing", "proof"]
Scope = Literal["business", "premises", "device", "none"]
Fact = Literal["name", "address", "person"]
BY_ORGAN = r"^[^{}]*\{organ\}[^{}]*\{year\}[^{}]*\{serial:0[1-9]\}[^{}]*$"
LicenceState = Literal[
    "suspended", "dormant", "closing_due", "revoked", "rescinded", "withdrawn", "closed", "transferred_out"
]


class _Grounded(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a rule rests on, and how sure we are: `known` was read in the text, `from_memory` was not, `local` differs
    from place to place."""

    basis: Text
    certainty: Certainty

    @property
    def ground(self) -> Ground:
        """As the domain knows it."""
        return Ground(basis=self.basis, certainty=self.certainty)


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The authority that defines the type."""

    name: Text
    certainty: Certainty


class NumberPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the printed number: the form of its characters (a regular expression) and what they mean."""

    form: Text
    zh: Text
    en: Text


class NumberReading(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a printed number is read, part by part. Numbers are never used again. Where many organs issue the type,
    `by_organ` is their template: {organ} is the word that stands for one (机关代字), then {year} and {serial:04}."""

    parts: tuple[NumberPart, ...]
    certainty: Certainty
    kept_on_renewal: bool = True
    by_organ: Annotated[str, msgspec.Meta(pattern=BY_ORGAN, max_length=60)] | None = None
    note: str = ""

    @property
    def pattern(self) -> str:
        """The whole number as a regular expression."""
        return "".join(f"({part.form})" for part in self.parts)


class TermLimit(_Grounded, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long it is in force at most, both days counted; without either there is none, or the face states it."""

    most_years: Positive | None = None
    most_days: Positive | None = None
    note: str = ""


class RenewalWindow(_Grounded, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When renewal is applied for, in days (or months) before the end of the term; `working` counts working days only.

    An application in time keeps the certificate in force until the decision (行政许可法 art. 50).
    """

    latest_days: Positive | None = None
    latest_months: Positive | None = None
    earliest_days: Positive | None = None
    earliest_months: Positive | None = None
    working: bool = False


class LongerRecheck(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a number in the payload is great enough, the next recheck is due later."""

    field: str
    at_least: Positive
    months: Positive


class Recheck(_Grounded, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """It is looked at again every so many months, under its own name (复核, 校验, 检验)."""

    months: Positive
    zh: Text
    en: Text
    longer: LongerRecheck | None = None


class DecisionLimit(_Grounded, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many working days an application is decided in, counted from its acceptance (行政许可法 arts. 42 and 82)."""

    working_days: Annotated[int, msgspec.Meta(ge=1, le=250)]


class NeedsApproval(_Grounded, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A registered person approves every sheet of it, whatever system asks for it. Proofs need no such line: behind
    every proof there is an approved application."""


class WhenLicence(_Grounded, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What happens to the permit while its licence is in one of `states`."""

    states: Annotated[tuple[LicenceState, ...], msgspec.Meta(min_length=1)]
    effect: Effect


class FollowsLicence(_Grounded, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What happens to the permit when its `field` no longer says what the licence's `fact` says."""

    fact: Fact
    field: str
    effect: Effect = Effect.MUST_REISSUE


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole `policy.toml`. `place` names the payload's field with the premises or the device, where there is one
    certificate for each; `facts` says, in a licence, which field is its name, its address and its person;
    `head_office` which field has the code of the business that a branch belongs to."""

    nature: Nature
    defining_authority: Named
    number: NumberReading
    term: TermLimit
    one_per: Scope = "none"
    place: str | None = None
    renewal: RenewalWindow | None = None
    recheck: Recheck | None = None
    decision: DecisionLimit | None = None
    approval: NeedsApproval | None = None
    when_licence: tuple[WhenLicence, ...] = ()
    follows_licence: tuple[FollowsLicence, ...] = ()
    facts: dict[Fact, str] = {}
    head_office: str | None = None


class General(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`general.toml`: what holds for every permit of which its own policy says nothing."""

    when_licence: tuple[WhenLicence, ...]


def licence_rules(policy: Policy, general: General) -> LicenceRules:
    """The rules of a permit type: its own, and the general ones for the states its own leave out."""
    own = {state for rule in policy.when_licence for state in rule.states}
    states = [_state_rule(rule, frozenset(rule.states)) for rule in policy.when_licence]
    for rule in general.when_licence:
        rest = frozenset(rule.states) - own
        if rest:
            states.append(_state_rule(rule, rest))
    facts = tuple(
        FactRule(fact=rule.fact, field=rule.field, effect=rule.effect, ground=rule.ground)
        for rule in policy.follows_licence
    )
    return LicenceRules(states=tuple(states), facts=facts)


def _state_rule(rule: WhenLicence, states: frozenset[str]) -> StateRule:
    return StateRule(states=states, effect=rule.effect, ground=rule.ground)
