"""The catalogues in the tree, and made-up ones to lay over each other."""

from datetime import date
from functools import cache

from chosen import tree_catalog

from certsvc.catalog.proofs import load_proofs
from certsvc.domain.effects import Ground
from certsvc.domain.proof_catalogue import ProofCatalogue
from certsvc.domain.proof_item import Catalogue, Entry, ForbiddenEntry, KeptEntry, Proof, Said

TODAY = date(2026, 11, 27)
DONGGUAN, TOWN, ZHAOQING, ZHUHAI = "441900", "441900990", "441200", "440400"
GROUND = Ground(basis="某文件", certainty="known")
LAW = Ground(basis="某法第一条", certainty="known")
SAID = Said("某句。", "A sentence.")


@cache
def proofs() -> ProofCatalogue:
    """The catalogues in the tree."""
    catalog = tree_catalog()
    return load_proofs(catalog.folder, catalog)


def kept(name: str, *, law: bool = False, limit: Said | None = None) -> KeptEntry:
    """A kept proof, whole."""
    proof = Proof(
        id=name,
        name=Said(f"{name}证明", name),
        grounds=(GROUND,),
        fields=(),
        most_days=90,
        most_years=None,
        is_sensitive=False,
    )
    return KeptEntry(
        proof=proof,
        ground=GROUND,
        purpose=SAID,
        receiver=SAID,
        who=SAID,
        bring=(SAID,),
        procedure=SAID,
        limit=limit,
        law=LAW if law else None,
    )


def banned(name: str) -> ForbiddenEntry:
    """A forbidden proof, to nobody knows where."""
    return ForbiddenEntry(id=name, ground=GROUND, name=Said(f"{name}证明", name))


def catalogue(area: str, *entries: Entry, since: date = date(2020, 1, 1), version: int = 1) -> Catalogue:
    """A version of an area's catalogue."""
    name = Said(area, area)
    return Catalogue(area=area, version=version, since=since, name=name, ground=GROUND, entries=entries)
