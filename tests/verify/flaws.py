"""Altered files by name: each function is named after its flaw and makes the file; `FLAWS` is all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from seal_workshop import Made, Workshop

from certsvc.domain.seal_form import Form


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
    """A flaw and how the verifier must answer, by the form of the file: `kind.reason` of a check that did not pass, or
    an error's code. In a form without an answer the flaw cannot be made."""

    make: Maker
    answers: dict[Form, str]

    @property
    def name(self) -> str:
        """The flaw in words."""
        return self.make.__name__


FLAWS: list[Flaw] = []


def flaw(answer: str, *forms: Form, **other: str) -> Callable[[Maker], Maker]:
    """Put a flaw on the list, with its answer in these forms, or in all; `lt` is the answer where LT has another."""

    def enlist(make: Maker) -> Maker:
        answers = dict.fromkeys(forms or Form, answer) | {Form(form): one for form, one in other.items()}
        FLAWS.append(Flaw(make, answers))
        return make

    return enlist
