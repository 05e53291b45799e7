"""Altered files by name: each function is named after its flaw and makes the file; `FLAWS` is all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from seal_workshop import Made, Workshop


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What a forger or an insider starts from: a genuine file, another of the same issuer, and the workshop."""

    workshop: Workshop
    genuine: Made
    other: Made


class Maker(Protocol):
    """A flaw: makes the altered file. Its name says what is wrong."""

    __name__: str

    def __call__(self, bench: Bench) -> bytes: ...


@dataclass(frozen=True)
class Flaw:
    """A flaw and how the verifier must answer: `kind.reason` of a check that did not pass, or an error's code."""

    make: Maker
    answer: str

    @property
    def name(self) -> str:
        """The flaw in words."""
        return self.make.__name__


FLAWS: list[Flaw] = []


def flaw(answer: str) -> Callable[[Maker], Maker]:
    """Put a flaw on the list, with its answer."""

    def enlist(make: Maker) -> Maker:
        FLAWS.append(Flaw(make, answer))
        return make

    return enlist
