"""Reading one catalogue of proofs, with the types its kept proofs are of. What is wrong is appended to `found`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from certsvc.catalog.faults import Fault, fault
from certsvc.catalog.files import read_toml
from certsvc.catalog.locate import At
from certsvc.catalog.proof_definition import (
    CatalogueTable,
    DiscretionaryTable,
    DoubtTable,
    EnteredTable,
    ForbiddenTable,
    GroundTable,
    KeptTable,
    ListTable,
    RouteTable,
    SaidTable,
)
from certsvc.catalog.shape import Shaped
from certsvc.catalog.types import CertificateType
from certsvc.domain.certificate import Category
from certsvc.domain.effects import Ground
from certsvc.domain.proof_item import (
    Catalogue,
    DiscretionaryEntry,
    Doubt,
    Entry,
    ForbiddenEntry,
    FormField,
    KeptEntry,
    OpenList,
    Proof,
    Route,
    Said,
)

Types = Mapping[str, CertificateType | None]
"""The newest version of every type; None for one that cannot be used, whose own faults are said elsewhere."""


@dataclass(slots=True)
class Reader:
    """Reads the versions of one jurisdiction. `places` is where each entry stands: file and keys, by version and id."""

    schemas: Path
    folder: str
    types: Types
    found: list[Fault]
    places: dict[tuple[int, str], tuple[str, At]] = field(default_factory=dict)

    def catalogue(self, version: int) -> Catalogue | None:
        """The version; None where its own form is wrong."""
        file = f"{self.folder}/v{version}.toml"
        table = self._table(file, CatalogueTable)
        if table is None:
            return None
        own = table.ground
        entered = {each.id: self._entered(each) for each in table.lists}
        entries = [*self._entries(table, own, date.min, file, version)]
        for each in table.lists:
            since = entered[each.id].since or date.min
            entries += self._entries(entered[each.id], each.ground, since, self._file_of(each), version)
        return Catalogue(
            area=Path(self.folder).name,
            version=version,
            since=table.since,
            name=Said(table.zh, table.en),
            ground=own,
            entries=tuple(entries),
            lists=tuple(_open(each, entered[each.id], Path(self.folder).name) for each in table.lists),
            steps=tuple(each.said for each in table.steps),
            unlisted=table.unlisted.ground if table.unlisted else None,
        )

    def _table(self, file: str, kind: type[CatalogueTable]) -> CatalogueTable | None:
        content = read_toml(self.schemas, file, self.found)
        if content is None:
            return None
        shaped = Shaped(content, kind, file)
        self.found += shaped.faults
        return None if shaped.faults else shaped.value

    def _entered(self, listed: ListTable) -> EnteredTable:
        file = self._file_of(listed)
        content = read_toml(self.schemas, file, self.found)
        shaped = Shaped(content or {}, EnteredTable, file)
        self.found += shaped.faults
        if shaped.faults:
            return EnteredTable()
        table = shaped.value
        number = len(table.kept) + len(table.forbidden)
        if number and table.since is None:
            self.found.append(fault("entered_no_day", file))
        if number > listed.count:
            self.found.append(fault("entered_many", file, name=listed.zh, count=listed.count, found=number))
        for other in {"kept", "forbidden"} - {listed.standing}:
            if getattr(table, other):
                self.found.append(fault("entered_other", file, other, id=listed.id, standing=listed.standing))
        return table

    def _file_of(self, listed: ListTable) -> str:
        return f"{self.folder}/{listed.id}.toml"

    def _entries(
        self, table: CatalogueTable | EnteredTable, own: Ground, since: date, file: str, version: int
    ) -> Iterator[Entry]:
        for number, kept in enumerate(table.kept):
            if self._place(version, kept.type, file, "kept", number):
                entry = self._kept(kept, own, since, file, number)
                yield from [entry] if entry else []
        for number, forbidden in enumerate(table.forbidden):
            if self._place(version, forbidden.id, file, "forbidden", number):
                yield self._forbidden(forbidden, own, since, file, number)
        for number, matter in enumerate(table.discretionary if isinstance(table, CatalogueTable) else ()):
            if self._place(version, matter.id, file, "discretionary", number):
                yield _discretionary(matter, own)

    def _place(self, version: int, name: str, file: str, part: str, number: int) -> bool:
        """Note where an entry stands; whether it is the first of its name."""
        if (version, name) in self.places:
            self.found.append(fault("proof_twice", file, part, number, id=name))
            return False
        self.places[version, name] = file, (part, number)
        return True

    def _kept(self, table: KeptTable, own: Ground, since: date, file: str, number: int) -> KeptEntry | None:
        kind = self.types.get(table.type)
        if kind is None:
            if table.type not in self.types:
                self.found.append(fault("proof_no_type", file, "kept", number, "type", id=table.type))
            return None
        if kind.category is not Category.PROOF:
            self.found.append(fault("proof_other_kind", file, "kept", number, "type", id=table.type))
        self.found += _sensitive_faults(table, kind, file, number)
        if table.law and table.law.certainty != "known":
            self.found.append(fault("proof_law_unsure", file, "kept", number, "law", id=table.type))
        return KeptEntry(
            proof=_proof(kind, table.sensitive or ()),
            marks=table.sensitive is not None,
            ground=_ground(table.ground, own),
            also_called=table.also_called,
            purpose=_said(table.purpose),
            receiver=_said(table.receiver),
            who=_said(table.who),
            bring=_all(table.bring),
            procedure=_said(table.procedure),
            limit=_said(table.limit),
            guide=table.guide_certainty,
            doubt=_doubt(table.doubt) if table.doubt else None,
            law=table.law.ground if table.law else None,
            since=since,
        )

    def _forbidden(self, table: ForbiddenTable, own: Ground, since: date, file: str, number: int) -> ForbiddenEntry:
        for wanted in table.wants:
            if wanted not in self.types:
                self.found.append(fault("proof_no_type", file, "forbidden", number, "wants", id=wanted))
        kind = self.types.get(table.id)
        name = Said(kind.zh, kind.en) if kind else Said(table.zh, table.en) if table.zh and table.en else None
        return ForbiddenEntry(
            id=table.id,
            ground=_ground(table.ground, own),
            name=name,
            also_called=table.also_called,
            route=_route(table.route) if table.route else None,
            wants=table.wants,
            since=since,
        )


def _sensitive_faults(table: KeptTable, kind: CertificateType, file: str, number: int) -> Iterator[Fault]:
    fields = {each.key for each in kind.definition.fields}
    for key in table.sensitive or ():
        if key not in fields:
            yield fault("proof_no_field", file, "kept", number, "sensitive", field=key, id=kind.id)


def _proof(kind: CertificateType, sensitive: Sequence[str]) -> Proof:
    required = set(kind.schema.get("required", ()))
    return Proof(
        id=kind.id,
        name=Said(kind.zh, kind.en),
        grounds=tuple(Ground(basis=each.text, certainty=each.certainty) for each in kind.legal_basis),
        fields=tuple(
            FormField(
                key=each.key,
                name=Said(each.zh, each.en),
                is_required=each.key in required,
                is_sensitive=each.key in sensitive,
            )
            for each in kind.definition.fields
        ),
        most_days=kind.policy.term.most_days,
        most_years=kind.policy.term.most_years,
        is_sensitive=kind.definition.sensitive,
    )


def _discretionary(table: DiscretionaryTable, own: Ground) -> DiscretionaryEntry:
    return DiscretionaryEntry(
        id=table.id,
        ground=_ground(table.ground, own),
        name=Said(table.zh, table.en),
        when=table.when.said,
        also_called=table.also_called,
    )


def _route(table: RouteTable) -> Route:
    return Route(
        where=_said(table.where),
        shows=_said(table.shows),
        bring=_all(table.bring),
        takes=_said(table.takes),
        ground=table.ground,
    )


def _doubt(table: DoubtTable) -> Doubt:
    return Doubt(said=Said(table.zh, table.en), handling=table.handling.said, needs=table.needs, ground=table.ground)


def _open(table: ListTable, entered: EnteredTable, area: str) -> OpenList:
    return OpenList(
        id=table.id,
        area=area,
        standing=table.standing,
        name=Said(table.zh, table.en),
        count=table.count,
        entered=len(entered.kept) + len(entered.forbidden),
        ground=table.ground,
    )


def _ground(table: GroundTable | None, own: Ground) -> Ground:
    return own if table is None else table.ground


def _said(table: SaidTable | None) -> Said | None:
    return table.said if table else None


def _all(tables: Sequence[SaidTable]) -> tuple[Said, ...]:
    return tuple(each.said for each in tables)
