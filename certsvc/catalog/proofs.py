"""The catalogues of proofs: load `schemas/proof-catalogue/`, check all of it once, refuse to start if it is wrong.

What must hold between catalogues is checked for every day on which one of them changes: nothing is kept that one above
forbids, nothing is left out that none above says, and no name stands for two proofs.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path

from certsvc.catalog.faults import Fault, TypeProblem, explain, fault
from certsvc.catalog.folder_checks import PROOFS as PROOFS
from certsvc.catalog.load import Catalog, refusal
from certsvc.catalog.locate import At
from certsvc.catalog.proof_reading import Reader, Types
from certsvc.domain.proof_catalogue import NATION, Clash, Held, ProofCatalogue, areas_around
from certsvc.domain.proof_item import Catalogue, DiscretionaryEntry
from certsvc.domain.proof_words import plain

RECEIVERS = frozenset({"receivers", "receivers-demonstration"})
"""The files of the organs that receive proofs (see `catalog.receivers`)."""


def load_proofs(schemas: Path, catalog: Catalog) -> ProofCatalogue:
    """Load and check all catalogues, against the types in use.

    Raises:
        CatalogError: with the first of everything wrong, by file and line.
    """
    proofs, problems = check_proofs(schemas, {kind.id: catalog.latest(kind.id) for kind in catalog})
    if problems:
        raise refusal(problems)
    return proofs


def check_proofs(schemas: Path, types: Types) -> tuple[ProofCatalogue, list[TypeProblem]]:
    """Read and check all catalogues, and say everything that is wrong; the catalogue is of use where nothing is."""
    reading = _Reading(schemas, types)
    proofs = reading.read()
    if not reading.found:
        reading.found += _between(proofs, reading.places)
    problems = [explain(each, schemas) for each in reading.found]
    return proofs, sorted(problems, key=lambda each: (str(each.file), each.line))


@dataclass(slots=True)
class _Reading:
    """Where every entry stands, by area, version and id; and what is wrong with each file by itself."""

    schemas: Path
    types: Types
    found: list[Fault] = field(default_factory=list)
    places: dict[tuple[str, int, str], tuple[str, At]] = field(default_factory=dict)

    def read(self) -> ProofCatalogue:
        folder = self.schemas / PROOFS
        areas = sorted(path for path in folder.glob("[!.]*") if path.is_dir())
        if not (folder / NATION).is_dir():
            self.found.append(fault("no_proofs", PROOFS, area=NATION))
        return ProofCatalogue({path.name: self._area(path) for path in areas})

    def _area(self, path: Path) -> Sequence[Catalogue]:
        name = f"{PROOFS}/{path.name}"
        try:
            areas_around(path.name)
        except ValueError:
            self.found.append(fault("area_name", name, folder=path.name))
            return ()
        reader = Reader(self.schemas, name, self.types, self.found)
        files = {each.stem for each in path.glob("[!.]*")}
        numbers = sorted(int(each[1:]) for each in files if re.fullmatch(r"v[1-9][0-9]{0,2}", each))
        versions = [each for each in map(reader.catalogue, numbers) if each is not None]
        self.places |= {(path.name, *key): place for key, place in reader.places.items()}
        for earlier, later in pairwise(versions):
            if later.since <= earlier.since:
                said = {"version": later.version, "earlier": earlier.version, "day": earlier.since}
                self.found.append(Fault("since_order", f"{name}/v{later.version}.toml", ("since",), said))
        if len(versions) == len(numbers):
            lists = {each.id for one in versions for each in one.lists}
            known = {f"v{number}" for number in numbers} | lists | RECEIVERS
            self.found += [fault("proof_file", f"{name}/{each}.toml", name=each) for each in sorted(files - known)]
        return versions


def _between(proofs: ProofCatalogue, places: Mapping[tuple[str, int, str], tuple[str, At]]) -> Iterator[Fault]:
    """What is wrong where catalogues lie over each other; each thing once."""
    said = set()
    for area in proofs.catalogues:
        for day in _days(proofs, area):
            for code, item, layer, other in _of_day(proofs, area, day):
                if (code, item, layer.area, layer.version) not in said:
                    said.add((code, item, layer.area, layer.version))
                    file, at = places[layer.area, layer.version, item]
                    yield _clash(code, file, at, item, other)


def _clash(code: str, file: str, at: At, item: str, other: str) -> Fault:
    faults = (
        fault("proof_forbidden_above", file, *at, id=item),
        fault("proof_incomplete", file, *at, id=item),
        fault("proof_nothing_sensitive", file, *at, id=item),
        fault("proof_no_steps", file, *at, id=item),
        fault("proof_no_name", file, *at, id=item),
        fault("proof_name_twice", file, *at, id=item, other=other),
    )
    return next(each for each in faults if each.code == code)


def _of_day(proofs: ProofCatalogue, area: str, day: date) -> Iterator[tuple[str, str, Catalogue, str]]:
    """Code, item, the catalogue at fault, and what it clashes with."""
    try:
        held = proofs.held(area, day)
    except Clash as clash:
        layer = proofs.version(clash.area, day)
        if layer is not None:
            yield clash.code, clash.item, layer, ""
        return
    owners: dict[str, str] = {}
    for item in held.items.values():
        for name in map(plain, item.names):
            other = owners.setdefault(name, item.id)
            if other != item.id:
                yield "proof_name_twice", item.id, _lowest(held, item.id), other


def _lowest(held: Held, item: str) -> Catalogue:
    return next(each for each in reversed(held.layers) if any(entry.id == item for entry in each.entries))


def _days(proofs: ProofCatalogue, area: str) -> Sequence[date]:
    """The days on which something changes in an area."""
    layers = [each for around in areas_around(area) for each in proofs.catalogues.get(around, ())]
    entered = {entry.since for each in layers for entry in each.entries if not isinstance(entry, DiscretionaryEntry)}
    return sorted({each.since for each in layers} | entered - {date.min})
