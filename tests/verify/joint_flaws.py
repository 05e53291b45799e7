"""Flaws of joint seals by name: each function is named after its flaw and makes the file; `JOINT_FLAWS` is all of them,
with `kind.reason` of a check that does not pass."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from joint_workshop import Change, JointBench, Objects

from certsvc.domain.revision import END
from certsvc.seal.fields import Numbers


class Maker(Protocol):
    """A flaw: makes the file. Its name says what is wrong."""

    __name__: str

    def __call__(self, bench: JointBench) -> bytes: ...


@dataclass(frozen=True)
class JointFlaw:
    """A flaw and how the verifier must answer."""

    make: Maker
    answer: str


JOINT_FLAWS: list[JointFlaw] = []


def flaw(answer: str) -> Callable[[Maker], Maker]:
    """Put a flaw on the list, with its answer."""

    def enlist(make: Maker) -> Maker:
        JOINT_FLAWS.append(JointFlaw(make, answer))
        return make

    return enlist


def up_to(bench: JointBench, seals: int) -> bytes:
    """The file with its first seals only."""
    ends = [found.end() for found in re.finditer(END, bench.pdf)]
    return bench.pdf[: ends[seals]]


def opening(old: bytes, new: bytes) -> Change:
    """Something else in the signature dictionary."""

    def change(_objects: Objects, opening: bytes, _numbers: Numbers) -> bytes:
        assert old in opening
        return opening.replace(old, new)

    return change


def changed_object(change: Callable[[bytes], bytes], which: Callable[[Numbers], int]) -> Change:
    """An object changed that the update holds anyway."""

    def apply(found: Objects, opening: bytes, numbers: Numbers) -> bytes:
        number = which(numbers)
        changed = change(found[number])
        assert changed != found[number]
        found[number] = changed
        return opening

    return apply


def also(change: Callable[[Numbers], dict[int, bytes]]) -> Change:
    """Objects more in the update."""

    def apply(found: Objects, opening: bytes, numbers: Numbers) -> bytes:
        found |= change(numbers)
        return opening

    return apply
