"""How the facts of a proof were looked into, as it stands beside a request: in which ways, and in the clerk's words."""

from collections.abc import Sequence
from enum import StrEnum

from certsvc.errors import ActNotAllowed

MARK, AND = "核实方式：", "、"


class Way(StrEnum):
    """A way in which facts are looked into."""

    RECORDS = "records"
    VISIT = "visit"
    NEIGHBOURS = "neighbours"


WAY_WORDS = {Way.RECORDS: "查资料", Way.VISIT: "入户走访", Way.NEIGHBOURS: "询问邻居"}


def looked_into(ways: Sequence[Way], words: str) -> str | None:
    """Both as one text: the ways in its first line."""
    named = MARK + AND.join(WAY_WORDS[way] for way in Way if way in ways) if ways else ""
    return "\n".join(part for part in (named, words) if part) or None


def ways_and_words(notes: str | None) -> tuple[tuple[Way, ...], str]:
    """The same taken apart; a text whose first line names no ways is words alone."""
    first, _, rest = (notes or "").partition("\n")
    named = first[len(MARK) :].split(AND) if first.startswith(MARK) else []
    ways = tuple(way for way in Way if WAY_WORDS[way] in named)
    if not named or len(ways) != len(named):
        return (), notes or ""
    return ways, rest


def is_looked_into(notes: str | None) -> bool:
    """Whether it is written down in which ways the facts were looked into, and what came of it."""
    ways, words = ways_and_words(notes)
    return bool(ways and words.strip())


def require_looked_into(notes: str | None) -> None:
    """Refuse what nobody has written down how it was looked into.

    Raises:
        ActNotAllowed: the ways are missing, or the words.
    """
    if not is_looked_into(notes):
        raise ActNotAllowed(
            "还没有写明怎样核实的和核实经过：请在“填写内容”里补上，再提交。",
            "It is not written down how the facts were looked into, and what came of it: fill that in first.",
        )
