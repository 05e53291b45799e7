"""A proof that was asked for at the counter and is not given out: what, by which catalogue, and who said so.

Nothing about who asked. The words are kept as they were said only where no catalogue has the item; long numbers in them
are left out, because they are those of persons.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from certsvc.domain.proof_item import Answer, Discretionary, Forbidden, Unknown
from certsvc.errors import InvalidInput
from certsvc.ids import Uscc

LONGEST_WORDS = 60
NUMBER = re.compile(r"[0-9０-９][0-9０-９Xx \-]{3,}")


class Standing(StrEnum):
    """Why it is not given out: a catalogue forbids it, the villagers decide on it, or no catalogue has it."""

    FORBIDDEN = "forbidden"
    VILLAGERS = "villagers"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofRefusal:
    """A refusal to be put on record. `item` is that of the catalogue, None where no catalogue has it, and then `words`
    are what was asked for; `account` and `person` are the clerk. `key` names it in its organ: sent again it is the
    same; `digest` is the SHA-256 of what was sent."""

    organ: Uscc
    key: str
    digest: bytes
    standing: Standing
    item: str | None
    words: str | None
    account: str
    person: str


def standing_of(answer: Answer) -> Standing:
    """Why what was asked for is not given out.

    Raises:
        InvalidInput: it is given out.
    """
    if isinstance(answer, Forbidden):
        return Standing.FORBIDDEN
    if isinstance(answer, Discretionary):
        return Standing.VILLAGERS
    if isinstance(answer, Unknown):
        return Standing.UNKNOWN
    raise InvalidInput(
        f"“{answer.name.zh}”今天可以开具，不能登记为不予开具。",
        f"“{answer.name.en}” is given out today: it cannot be put on record as refused.",
    )


def words_asked(text: str) -> str:
    """What was asked for, in one line without what is no sign, and without long numbers.

    Raises:
        InvalidInput: nothing is left of it, or it is too long.
    """
    words = "".join(sign for sign in " ".join(text.split()) if sign.isprintable())
    if not 0 < len(words) <= LONGEST_WORDS:
        raise InvalidInput(
            f"请用 1 至 {LONGEST_WORDS} 字写明群众要的是什么证明。",
            f"Say in 1 to {LONGEST_WORDS} characters what proof was asked for.",
        )
    return NUMBER.sub("…", words)
