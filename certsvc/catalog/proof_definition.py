"""What a catalogue of proofs may say: `schemas/proof-catalogue/<area>/v<n>.toml`, and the files of its open lists.

What the type of a kept proof says already (its title, legal basis, fields and longest term) does not stand here again.
"""

from datetime import date
from typing import Annotated, Literal

import msgspec

from certsvc.catalog.policy import Certainty, Text
from certsvc.domain.effects import Ground
from certsvc.domain.proof_item import Said

Id = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{1,58}[a-z0-9]$")]
Alias = Annotated[str, msgspec.Meta(min_length=2, max_length=40)]
Aliases = Annotated[tuple[Alias, ...], msgspec.Meta(max_length=40)]


class SaidTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A sentence in both languages."""

    zh: Text
    en: Text

    @property
    def said(self) -> Said:
        """As the domain knows it."""
        return Said(self.zh, self.en)


class GroundTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What something rests on; `certainty` as in policy.toml."""

    basis: Text
    certainty: Certainty

    @property
    def ground(self) -> Ground:
        """As the domain knows it."""
        return Ground(basis=self.basis, certainty=self.certainty)


class RouteTable(GroundTable, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where one goes instead; `shows` is what takes the place of any proof."""

    where: SaidTable | None = None
    shows: SaidTable | None = None
    bring: tuple[SaidTable, ...] = ()
    takes: SaidTable | None = None


class DoubtTable(GroundTable, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A doubt in law, how it is handled, and what must be on record before approval."""

    zh: Text
    en: Text
    handling: SaidTable
    needs: tuple[Literal["legal_review", "receiver_accepts", "paper"], ...]


class KeptTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A kept proof. `type` is its folder in schemas/, `sensitive` names fields of it; `law` is what lets a place keep
    what one above it forbids. What is left out is as the catalogue above says. `guide_certainty` is that of who may
    ask, what to bring and how it is checked."""

    type: Id
    also_called: Aliases = ()
    purpose: SaidTable | None = None
    receiver: SaidTable | None = None
    who: SaidTable | None = None
    bring: tuple[SaidTable, ...] = ()
    procedure: SaidTable | None = None
    sensitive: tuple[str, ...] | None = None
    limit: SaidTable | None = None
    guide_certainty: Certainty = "from_memory"
    doubt: DoubtTable | None = None
    law: GroundTable | None = None
    ground: GroundTable | None = None


class ForbiddenTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A forbidden proof. `wants` are the types of kept proofs that who asks for it may need in truth; without `ground`
    it rests on what its catalogue or list does."""

    id: Id
    zh: Text | None = None
    en: Text | None = None
    also_called: Aliases = ()
    route: RouteTable | None = None
    wants: tuple[Id, ...] = ()
    ground: GroundTable | None = None


class DiscretionaryTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A matter on which the villagers decide."""

    id: Id
    zh: Text
    en: Text
    when: SaidTable
    also_called: Aliases = ()
    ground: GroundTable | None = None


class ListTable(GroundTable, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A list that was never published: its items are entered into `<id>.toml` beside the catalogue."""

    id: Id
    standing: Literal["kept", "forbidden"]
    zh: Text
    en: Text
    count: Annotated[int, msgspec.Meta(ge=1, le=1000)]


class CatalogueTable(GroundTable, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole catalogue; its area and version are those of its folder and file. `steps` is how villagers decide, in
    their order, `unlisted` the rule on what no catalogue names."""

    zh: Text
    en: Text
    since: date
    kept: tuple[KeptTable, ...] = ()
    forbidden: tuple[ForbiddenTable, ...] = ()
    discretionary: tuple[DiscretionaryTable, ...] = ()
    lists: tuple[ListTable, ...] = ()
    steps: tuple[SaidTable, ...] = ()
    unlisted: GroundTable | None = None


class EnteredTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a place entered of a list that was never published, in force from `since` on."""

    since: date | None = None
    kept: tuple[KeptTable, ...] = ()
    forbidden: tuple[ForbiddenTable, ...] = ()
