"""The items of a catalogue of proofs: kept, forbidden (and where one goes instead), and what the villagers decide."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from certsvc.domain.effects import Ground


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence or a name in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where one goes instead, what one brings, how long it takes. `shows` is what takes the place of any proof: a
    document one has, or data that the asking organ looks up."""

    where: Said | None
    shows: Said | None
    bring: tuple[Said, ...]
    takes: Said | None
    ground: Ground


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """A field of the type's form; `is_sensitive` asks for separate consent (个人信息保护法 28 to 31)."""

    key: str
    name: Said
    is_required: bool
    is_sensitive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A doubt in law about a proof, and how it is handled: what must be on record before it is approved."""

    said: Said
    handling: Said
    needs: tuple[Literal["legal_review", "receiver_accepts", "paper"], ...]
    ground: Ground


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the type in schemas/ says of a kept proof; the longest term is in days or in years. One that `is_sensitive`
    has a sensitive field at least."""

    id: str
    name: Said
    grounds: tuple[Ground, ...]
    fields: tuple[FormField, ...]
    most_days: int | None
    most_years: int | None
    is_sensitive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What every item has: `area` is the jurisdiction that decided, `also_called` what residents say for it."""

    id: str
    name: Said
    also_called: tuple[str, ...]
    area: str
    ground: Ground

    @property
    def names(self) -> tuple[str, ...]:
        """Every name by which it may be asked for."""
        return (self.name.zh, self.name.en, *self.also_called)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept(Item):
    """A proof that the village gives out. `limits` are the restrictions of lower jurisdictions, all of which hold;
    `guide` is how certain it is who may ask, what to bring and how it is checked."""

    proof: Proof
    purpose: Said
    receiver: Said
    who: Said
    bring: tuple[Said, ...]
    procedure: Said
    limits: tuple[Said, ...]
    guide: str
    doubt: Doubt | None
    law: Ground | None

    @property
    def sensitive(self) -> tuple[FormField, ...]:
        """The fields that ask for separate consent."""
        return tuple(each for each in self.proof.fields if each.is_sensitive)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forbidden(Item):
    """A proof that the village must not give out. Without `route` it is not known here where one goes instead; `wants`
    are the kept proofs that who asks for it may need in truth."""

    route: Route | None
    wants: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Discretionary(Item):
    """A matter on which the villagers decide; `steps` is how, in the order in which it is done."""

    when: Said
    steps: tuple[Said, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenList:
    """A list that the place has and that was never published: `entered` of its `count` items were filled in here."""

    id: str
    area: str
    standing: Literal["kept", "forbidden"]
    name: Said
    count: int
    entered: int
    ground: Ground


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """No catalogue here has this name. `near` are items that may be meant, `lists` those it may stand on, `steps` how
    the villagers may decide where the place has that path."""

    words: str
    near: tuple[Item, ...]
    lists: tuple[OpenList, ...]
    steps: tuple[Said, ...]
    rule: Ground | None


Answer = Kept | Forbidden | Discretionary | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEntry:
    """What one catalogue says of a kept proof: what it leaves out is as the one above it says. It `marks` the sensitive
    fields in `proof`, or leaves that out, too. `since` is the first day of an item that was entered into an open list,
    later than its catalogue."""

    proof: Proof
    ground: Ground
    marks: bool = True
    also_called: tuple[str, ...] = ()
    purpose: Said | None = None
    receiver: Said | None = None
    who: Said | None = None
    bring: tuple[Said, ...] = ()
    procedure: Said | None = None
    limit: Said | None = None
    guide: str = "from_memory"
    doubt: Doubt | None = None
    law: Ground | None = None
    since: date = date.min

    @property
    def id(self) -> str:
        """The type's id."""
        return self.proof.id


@dataclass(frozen=True, slots=True, kw_only=True)
class ForbiddenEntry:
    """What one catalogue says of a forbidden proof; without a name it has that above. `since` is as in `KeptEntry`."""

    id: str
    ground: Ground
    name: Said | None = None
    also_called: tuple[str, ...] = ()
    route: Route | None = None
    wants: tuple[str, ...] = ()
    since: date = date.min


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscretionaryEntry:
    """What one catalogue says of a matter on which the villagers decide."""

    id: str
    ground: Ground
    name: Said
    when: Said
    also_called: tuple[str, ...] = ()


Entry = KeptEntry | ForbiddenEntry | DiscretionaryEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """One version of the catalogue of one jurisdiction, in force from `since` until the next version is."""

    area: str
    version: int
    since: date
    name: Said
    ground: Ground
    entries: tuple[Entry, ...] = ()
    lists: tuple[OpenList, ...] = ()
    steps: tuple[Said, ...] = ()
    unlisted: Ground | None = None
