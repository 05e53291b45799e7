"""Examples are part of a type: the good ones have no problem, each bad one exactly those that it names."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from certsvc.catalog.faults import EXAMPLES, Fault, Words, fault
from certsvc.catalog.files import read_json
from certsvc.catalog.policy_checks import number_faults
from certsvc.catalog.shape import Shaped
from certsvc.catalog.types import CertificateType
from certsvc.domain.number import NumberSeries
from certsvc.errors import Problem

ENOUGH = 2
AREA = "441900"
"""An area to try numbers with."""

ORGAN_WORD = "石塘村"
"""An organ to try numbers with."""

SORTS = {"good": Words("好", "good"), "bad": Words("坏", "bad")}
Payload = Mapping[str, Any]
Examples = dict[str, dict[str, Payload]]
"""By sort (good, bad): what each file holds."""


class _Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    field: str
    code: str


class _Bad(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A `bad-*.json`: a payload, and what is wrong with it."""

    payload: dict[str, Any]
    problems: tuple[_Named, ...]


def read_examples(place: Path, published: bool, found: list[Fault]) -> Examples:
    """The examples of a version, and what is wrong with their number and form."""
    read: Examples = {"good": {}, "bad": {}}
    for path in sorted((place / EXAMPLES).glob("[!.]*")):
        sort, name = path.name.partition("-")[0], f"{EXAMPLES}/{path.name}"
        if sort not in read or path.suffix != ".json":
            found.append(fault("example_name", name, name=path.name))
            continue
        read[sort][name] = read_json(place, name, found) or {}
    for sort, words in SORTS.items():
        if not read[sort]:
            found.append(fault("examples_missing", EXAMPLES, sort=words, prefix=sort))
        elif len(read[sort]) < ENOUGH and not published:
            found.append(fault("examples_few", EXAMPLES, sort=words, prefix=sort, found=len(read[sort])))
    return {sort: {name: content for name, content in files.items() if content} for sort, files in read.items()}


def good_faults(good: Mapping[str, Payload], judge: Callable[[Payload], list[Problem]]) -> Iterator[Fault]:
    """Every problem that `judge` finds in a good example."""
    for name, payload in good.items():
        for problem in judge(payload):
            at = (int(step) if step.isdecimal() else step for step in problem.field.split("."))
            yield fault("good_example_wrong", name, *at, zh=problem.zh, en=problem.en)


def printed_faults(good: Mapping[str, Payload], kind: CertificateType) -> Iterator[Fault]:
    """Whether the policy reads the number of each good example, by whichever organ it is issued."""
    for word in (None, ORGAN_WORD) if kind.policy.number.by_organ else (None,):
        numbers = {}
        for name, payload in good.items():
            if not kind.problems(payload):
                series = kind.number(payload, AREA, kind.term(payload).start, word)
                numbers[name] = series.number(1) if isinstance(series, NumberSeries) else series
        yield from number_faults(kind.policy, numbers)


def bad_faults(bad: Mapping[str, Payload], kind: CertificateType | None) -> Iterator[Fault]:
    """Whether each bad example has its form and, where there is a type to ask, the problems that it names."""
    for name, content in bad.items():
        example = Shaped(content, _Bad, name)
        yield from example.faults
        if kind is None or example.faults:
            continue
        found = [f"{problem.field} {problem.code}" for problem in kind.problems(example.value.payload)]
        listed = [f"{problem.field} {problem.code}" for problem in example.value.problems]
        if not found:
            yield fault("bad_example_right", name, "problems")
        elif sorted(found) != sorted(listed):
            yield fault("bad_example_other", name, "problems", more=_rest(found, listed), less=_rest(listed, found))


def _rest(these: list[str], those: list[str]) -> list[str] | Words:
    """What stands in one list and not in the other, each as often as it is over."""
    rest = list(these)
    for one in those:
        if one in rest:
            rest.remove(one)
    return rest or Words("无", "none")
