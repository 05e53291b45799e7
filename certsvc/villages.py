"""Puts together what villages and residents need in the office role."""

from certsvc.catalog.proofs import load_proofs
from certsvc.http.pages import Pages
from certsvc.http.site import Site
from certsvc.http.village.bundle import Villages
from certsvc.issuance.service import Issuing
from certsvc.issuance.village.work import VillageWork
from certsvc.settings import Settings
from certsvc.signing_in import open_signing_in
from certsvc.store.account_register import require_no_demonstration_accounts
from certsvc.store.approvals import PostgresApprovals
from certsvc.store.organs import PostgresOrgans
from certsvc.store.pool import Pool
from certsvc.store.proof_requests import PostgresProofRequests
from certsvc.store.seal_authorisations import PostgresSealAuthorisations
from certsvc.store.seal_book import PostgresSealBook
from certsvc.store.seal_waits import PostgresSealWaits


async def open_villages(settings: Settings, issuing: Issuing, pool: Pool, site: Site, pages: Pages) -> Villages:
    """What the pages are served from; residents are shown the proofs of the authority's area.

    Raises:
        CatalogError: a catalogue of proofs is wrong.
        SettingsError: there are accounts of a demonstration, and this is none.
    """
    if not site.is_demonstration:
        await require_no_demonstration_accounts(pool)
    return Villages(
        areas=(issuing.area,),
        work=VillageWork(
            issuing=issuing,
            approvals=PostgresApprovals(pool),
            organs=PostgresOrgans(pool),
            requests=PostgresProofRequests(pool),
            proofs=load_proofs(settings.schemas, issuing.catalog),
        ),
        signing=open_signing_in(pool, issuing.cipher, site, pages),
        authorisations=PostgresSealAuthorisations(pool),
        waits=PostgresSealWaits(pool),
        book=PostgresSealBook(pool),
    )
