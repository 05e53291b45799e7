"""Which permits a page lists: all, or those that are valid; what is left out is counted, and said."""

from collections.abc import Sequence
from dataclasses import dataclass

ALL, ACTIVE = "all", "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What may be chosen, each with its words and address, and which is chosen; `hidden` says what is left out, and why
    that matters; None when nothing is. Without addresses there is nothing to choose."""

    shown: str
    choices: tuple[tuple[str, str, str], ...]
    hidden: str | None


def parse_show(text: str | None) -> str:
    """What `?show=` asks for; anything but `active` is all."""
    return ACTIVE if text == ACTIVE else ALL


def listing(words: dict[str, str], show: str, fine: int, attention: int, counts: str, address: str) -> Listing | None:
    """The choice, where there is something to choose; `address` is that of the page with an open query, or empty."""
    if not attention or not address:
        return None
    choices: Sequence[tuple[str, str, str]] = (
        (ALL, words["show_all"].format(n=fine + attention), f"{address}show={ALL}#permits"),
        (ACTIVE, words["show_active"].format(n=fine), f"{address}show={ACTIVE}#permits"),
    )
    hidden = words["hidden"].format(n=attention, counts=counts) if show == ACTIVE else None
    return Listing(shown=show, choices=tuple(choices), hidden=hidden)
