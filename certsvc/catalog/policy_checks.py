"""What a type's policy and its newest version must agree on. Each check yields faults for `faults.explain`."""

import re
from collections.abc import Callable, Iterator, Mapping

from certsvc.catalog.definition import Definition
from certsvc.catalog.faults import POLICY, Fault, fault
from certsvc.catalog.policy import Policy
from certsvc.domain.certificate import Category

NATURES = {"licence": Category.LICENCE, "permit": Category.PERMIT, "filing": Category.PERMIT, "proof": Category.PROOF}
FACTS = ("name", "address", "person")


def policy_faults(
    policy: Policy, broken: frozenset[str], definition: Definition, broken_there: frozenset[str]
) -> Iterator[Fault]:
    """Everything wrong with a policy beside the definition. `broken` names the keys of the policy that hold nothing,
    `broken_there` those of the definition."""
    for reads, reads_there, check in CHECKS:
        if not reads & broken and not reads_there & broken_there:
            yield from check(policy, definition)


def _fields(definition: Definition) -> set[str]:
    return {field.key for field in definition.fields}


def _nature(policy: Policy, definition: Definition) -> Iterator[Fault]:
    if NATURES[policy.nature] is not definition.category:
        yield fault("nature_differs", POLICY, "nature", nature=policy.nature, category=definition.category.value)


def _place(policy: Policy, definition: Definition) -> Iterator[Fault]:
    needed = policy.one_per in ("premises", "device")
    if needed and policy.place is None:
        yield fault("place_needed", POLICY, "one_per", scope=policy.one_per)
    elif policy.place is not None:
        if not needed:
            yield fault("place_odd", POLICY, "place")
        if policy.place not in _fields(definition):
            yield fault("no_such_field", POLICY, "place", what="place", field=policy.place)


def _number(policy: Policy, definition: Definition) -> Iterator[Fault]:
    for place, part in enumerate(policy.number.parts):
        try:
            re.compile(part.form)
        except re.error as error:
            yield fault("number_form", POLICY, "number", "parts", place, form=part.form, why=error)
    if not policy.number.parts:
        yield fault("number_parts", POLICY, "number")


def _term(policy: Policy, definition: Definition) -> Iterator[Fault]:
    if definition.term.end is None and policy.renewal is not None:
        yield fault("renewal_no_end", POLICY, "renewal")
    for key, most in (("most_years", policy.term.most_years), ("most_days", policy.term.most_days)):
        if definition.term.end is None and most is not None:
            yield fault("most_no_end", POLICY, "term", key, key=key)
    window = policy.renewal
    if window is not None and (window.latest_days is None) == (window.latest_months is None):
        yield fault("renewal_latest", POLICY, "renewal")


def _recheck(policy: Policy, definition: Definition) -> Iterator[Fault]:
    longer = policy.recheck.longer if policy.recheck else None
    if longer is not None and not any(field.key == longer.field and field.public for field in definition.fields):
        yield fault("recheck_hidden", POLICY, "recheck", "longer", "field", field=longer.field)


def _licence(policy: Policy, definition: Definition) -> Iterator[Fault]:
    rules = {"when_licence": policy.when_licence, "follows_licence": policy.follows_licence}
    for table in (name for name, listed in rules.items() if listed and definition.category is not Category.PERMIT):
        yield fault("licence_rules_odd", POLICY, table, table=table)
    seen = set[str]()
    for place, rule in enumerate(policy.when_licence):
        for number, state in enumerate(rule.states):
            if state in seen:
                yield fault("state_twice", POLICY, "when_licence", place, "states", number, state=state)
            seen.add(state)
    for place, follows in enumerate(policy.follows_licence):
        if follows.field not in _fields(definition):
            at = ("follows_licence", place, "field")
            yield fault("no_such_field", POLICY, *at, what="follows_licence", field=follows.field)


def _facts(policy: Policy, definition: Definition) -> Iterator[Fault]:
    if definition.category is not Category.LICENCE:
        if policy.facts:
            yield fault("facts_odd", POLICY, "facts")
    elif odd := [fact for fact in FACTS if policy.facts.get(fact) not in _fields(definition)]:  # type: ignore[call-overload]
        yield fault("facts_needed", POLICY, "facts", odd=odd)


def number_faults(policy: Policy, numbers: Mapping[str, str]) -> Iterator[Fault]:
    """Whether the parts of the policy read the printed numbers, given by example; each part is blamed once."""
    blamed = set[int]()
    for example, number in numbers.items():
        if not re.fullmatch(policy.number.pattern, number):
            forms = [f"({part.form})" for part in policy.number.parts]
            read = max(count for count in range(len(forms) + 1) if re.match("".join(forms[:count]), number))
            place = min(read, len(forms) - 1)
            if place not in blamed:
                said = {"number": number, "example": example, "pattern": policy.number.pattern, "part": place + 1}
                yield fault("number_unread", POLICY, "number", "parts", place, **said)
            blamed.add(place)


Check = Callable[[Policy, Definition], Iterator[Fault]]

CHECKS: tuple[tuple[frozenset[str], frozenset[str], Check], ...] = (
    (frozenset({"nature"}), frozenset({"category"}), _nature),
    (frozenset({"one_per", "place"}), frozenset({"fields"}), _place),
    (frozenset({"number"}), frozenset(), _number),
    (frozenset({"term", "renewal"}), frozenset({"term"}), _term),
    (frozenset({"recheck"}), frozenset({"fields"}), _recheck),
    (frozenset({"when_licence", "follows_licence"}), frozenset({"category", "fields"}), _licence),
    (frozenset({"facts"}), frozenset({"category", "fields"}), _facts),
)
"""Each check with the keys that it reads in the policy and in the definition."""
