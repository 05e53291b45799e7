"""Puts together what villages and residents need in the office role."""

from certsvc.catalog import Catalog
from certsvc.catalog.proofs import load_proofs
from certsvc.http.village.bundle import Villages
from certsvc.settings import Settings


def open_villages(settings: Settings, catalog: Catalog, area: str) -> Villages:
    """What the pages are served from; residents are shown the proofs of the authority's `area`.

    Raises:
        CatalogError: a catalogue of proofs is wrong.
    """
    return Villages(proofs=load_proofs(settings.schemas, catalog), areas=(area,))
