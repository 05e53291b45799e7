"""What a village may prove, and what it may not: the catalogues of a place and of all that lie around it, by day.

Each jurisdiction has a catalogue with versions. What holds in a village is the nation's, its province's, its city's,
its county's and its town's laid over each other. A lower one may add, restrict, forbid and word differently, whatever
its neighbours do. What one of them forbids no lower one may keep, unless it names the law that says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from certsvc.domain.proof_item import (
    Answer,
    Catalogue,
    Discretionary,
    DiscretionaryEntry,
    Entry,
    Forbidden,
    ForbiddenEntry,
    Item,
    Kept,
    KeptEntry,
    OpenList,
    Said,
    Unknown,
)
from certsvc.domain.proof_words import likeness, plain, spellings

NATION = "000000"
LENGTHS = (6, 9, 12)
"""Digits of an area: county and above (GB/T 2260), town (GB/T 10114), village."""

LIKE, MOST_LIKE = 0.45, 6
"""From which likeness on an item is offered for other words, and how many at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What holds in an area on a day; `layers` are the catalogues it came from, the nation's first."""

    area: str
    day: date
    layers: tuple[Catalogue, ...]
    items: Mapping[str, Kept | Forbidden | Discretionary] = field(default_factory=dict)

    @property
    def kept(self) -> tuple[Kept, ...]:
        """The proofs given out here."""
        return tuple(each for each in self.items.values() if isinstance(each, Kept))

    @property
    def forbidden(self) -> tuple[Forbidden, ...]:
        """The proofs not given out here."""
        return tuple(each for each in self.items.values() if isinstance(each, Forbidden))

    @property
    def discretionary(self) -> tuple[Discretionary, ...]:
        """What the villagers decide on."""
        return tuple(each for each in self.items.values() if isinstance(each, Discretionary))

    @property
    def lists(self) -> tuple[OpenList, ...]:
        """The lists of this place and of those around it that are not all entered here."""
        return tuple(each for layer in self.layers for each in layer.lists if each.entered < each.count)

    def asked(self, words: str) -> Answer:
        """The item that `words` names, by its name or by what residents say for it. A likeness decides nothing."""
        wanted = set(spellings(words))
        for item in self.items.values():
            if wanted & {*map(plain, item.names)}:
                return item
        steps = next((layer.steps for layer in reversed(self.layers) if layer.steps), ())
        rule = next((layer.unlisted for layer in reversed(self.layers) if layer.unlisted), None)
        return Unknown(words=words, near=self.like(words), lists=self.lists, steps=steps, rule=rule)

    def like(self, words: str) -> tuple[Item, ...]:
        """The items that `words` may mean, the likeliest first."""
        found = [(likeness(words, item.names), item) for item in self.items.values()]
        likely = sorted((each for each in found if each[0] >= LIKE), key=lambda each: -each[0])
        return tuple(item for _, item in likely[:MOST_LIKE])

    def wanted(self, item: Forbidden) -> tuple[Kept, ...]:
        """The proofs given out here that who asks for a forbidden one may need in truth."""
        found = (self.items.get(each) for each in item.wants)
        return tuple(each for each in found if isinstance(each, Kept))

    def layer(self, area: str) -> Catalogue:
        """The catalogue of one of the jurisdictions that decided here."""
        return next(each for each in self.layers if each.area == area)


class Clash(Exception):
    """The catalogue of `area` says of `item` what it may not say beside those above it; `code` says what."""

    def __init__(self, code: str, area: str, item: str) -> None:
        super().__init__(f"{code}: {item} in {area}")
        self.code, self.area, self.item = code, area, item


@dataclass(frozen=True, slots=True)
class ProofCatalogue:
    """Every version of every jurisdiction's catalogue, earliest first."""

    catalogues: Mapping[str, Sequence[Catalogue]]

    def held(self, area: str, day: date) -> Held:
        """What holds in an area (6, 9 or 12 digits, with or without a catalogue of its own) on a day.

        Raises:
            Clash: a catalogue keeps what one above it forbids, or leaves out what none above it says.
        """
        layers = [self.version(each, day) for each in areas_around(area)]
        there = tuple(layer for layer in layers if layer is not None)
        return Held(area=area, day=day, layers=there, items=lay_over(there, day))

    def version(self, area: str, day: date) -> Catalogue | None:
        """The version of one jurisdiction's own catalogue that was in force on a day."""
        return max(
            (each for each in self.catalogues.get(area, ()) if each.since <= day),
            key=lambda each: each.since,
            default=None,
        )

    def asked(self, name: str, area: str, day: date) -> Answer:
        """What an area says on a day to who asks for the proof `name`."""
        return self.held(area, day).asked(name)


def areas_around(area: str) -> tuple[str, ...]:
    """The jurisdictions that an area lies in, the nation first and itself last.

    Raises:
        ValueError: it is not 6, 9 or 12 digits.
    """
    if not (area.isascii() and area.isdigit() and len(area) in LENGTHS):
        raise ValueError(f"{area!r} is no area of 6, 9 or 12 digits")
    around = (NATION, area[:2] + "0000", area[:4] + "00", area[:6], area[:9], area[:12])
    return tuple(dict.fromkeys(around))


def lay_over(layers: Sequence[Catalogue], day: date) -> Mapping[str, Kept | Forbidden | Discretionary]:
    """The items of catalogues laid over each other, the widest first; by id, in the order in which they first stand.

    Raises:
        Clash: see `ProofCatalogue.held`.
    """
    items: dict[str, Kept | Forbidden | Discretionary] = {}
    steps = next((each.steps for each in reversed(layers) if each.steps), ())
    for layer, entry in _entries(layers, day):
        over = items.get(entry.id)
        lifts = isinstance(entry, ForbiddenEntry) or (isinstance(entry, KeptEntry) and entry.law is not None)
        if isinstance(over, Forbidden) and not lifts:
            raise Clash("proof_forbidden_above", layer.area, entry.id)
        if isinstance(entry, KeptEntry):
            items[entry.id] = _kept(layer, entry, over)
        elif isinstance(entry, ForbiddenEntry):
            items[entry.id] = _forbidden(layer, entry, over)
        else:
            if not steps:
                raise Clash("proof_no_steps", layer.area, entry.id)
            items[entry.id] = _discretionary(layer, entry, steps)
    return items


def _entries(layers: Sequence[Catalogue], day: date) -> Iterator[tuple[Catalogue, Entry]]:
    for layer in layers:
        for entry in layer.entries:
            if isinstance(entry, DiscretionaryEntry) or entry.since <= day:
                yield layer, entry


def _kept(layer: Catalogue, entry: KeptEntry, over: Item | None) -> Kept:
    above = over if isinstance(over, Kept) else None
    said: dict[str, Said | None] = {
        part: getattr(entry, part) or getattr(above, part, None) for part in ("purpose", "receiver", "who", "procedure")
    }
    whole = {part: text for part, text in said.items() if text is not None}
    bring = entry.bring or (above.bring if above else ())
    proof = above.proof if above and not entry.marks else entry.proof
    if proof.is_sensitive and not any(each.is_sensitive for each in proof.fields):
        raise Clash("proof_nothing_sensitive", layer.area, entry.id)
    if len(whole) < len(said) or not bring:
        raise Clash("proof_incomplete", layer.area, entry.id)
    return Kept(
        id=entry.id,
        name=entry.proof.name,
        also_called=_all(over, entry.also_called),
        area=layer.area,
        ground=entry.ground,
        proof=proof,
        bring=bring,
        limits=(*(above.limits if above else ()), *((entry.limit,) if entry.limit else ())),
        guide=entry.guide,
        doubt=entry.doubt or (above.doubt if above else None),
        law=entry.law or (above.law if above else None),
        **whole,
    )


def _forbidden(layer: Catalogue, entry: ForbiddenEntry, over: Item | None) -> Forbidden:
    name = over.name if over is not None and entry.name is None else entry.name
    if name is None:
        raise Clash("proof_no_name", layer.area, entry.id)
    above = over if isinstance(over, Forbidden) else None
    return Forbidden(
        id=entry.id,
        name=name,
        also_called=_all(over, entry.also_called),
        area=above.area if above else layer.area,
        ground=above.ground if above else entry.ground,
        route=entry.route or (above.route if above else None),
        wants=entry.wants or (above.wants if above else ()),
    )


def _discretionary(layer: Catalogue, entry: DiscretionaryEntry, steps: tuple[Said, ...]) -> Discretionary:
    return Discretionary(
        id=entry.id,
        name=entry.name,
        also_called=entry.also_called,
        area=layer.area,
        ground=entry.ground,
        when=entry.when,
        steps=steps,
    )


def _all(over: Item | None, names: Sequence[str]) -> tuple[str, ...]:
    """What it is called here and above."""
    return tuple(dict.fromkeys((*(over.also_called if over else ()), *names)))
