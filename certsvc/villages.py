"""Puts together what villages and residents need in the office role."""

from certsvc.catalog.entry import require_entry_forms
from certsvc.catalog.proofs import load_proofs
from certsvc.catalog.receivers import load_receivers
from certsvc.http.pages import Pages
from certsvc.http.site import Site
from certsvc.http.village.bundle import Villages
from certsvc.issuance.service import Issuing
from certsvc.issuance.village.handing import HandingOut
from certsvc.issuance.village.work import VillageWork
from certsvc.services import EvidenceDrawer, PreviewDrawer
from certsvc.settings import Settings
from certsvc.signing_in import open_provider, open_signing_in
from certsvc.store.account_register import require_no_demonstration_accounts
from certsvc.store.approvals import PostgresApprovals
from certsvc.store.evidence import PostgresEvidence
from certsvc.store.handing import PostgresHandings
from certsvc.store.organs import PostgresOrgans
from certsvc.store.pool import Pool
from certsvc.store.proof_refusals import PostgresProofRefusals
from certsvc.store.proof_requests import PostgresProofRequests
from certsvc.store.seal_authorisations import PostgresSealAuthorisations
from certsvc.store.seal_book import PostgresSealBook
from certsvc.store.seal_waits import PostgresSealWaits
from certsvc.store.seals import PostgresSeals
from certsvc.store.village_figures import PostgresVillageFigures


async def open_villages(
    settings: Settings,
    issuing: Issuing,
    pool: Pool,
    site: Site,
    pages: Pages,
    drawer: EvidenceDrawer,
    previews: PreviewDrawer,
) -> Villages:
    """What the pages are served from; residents are shown the proofs of the authority's area.

    Raises:
        CatalogError: a catalogue of proofs is wrong.
        SettingsError: there are accounts of a demonstration, and this is none.
    """
    if not site.is_demonstration:
        await require_no_demonstration_accounts(pool)
    work = village_work(settings, issuing, pool)
    provider = open_provider(settings.openid, is_demonstration=site.is_demonstration)
    return Villages(
        areas=(issuing.area,),
        work=work,
        signing=open_signing_in(pool, issuing.cipher, site, pages, provider=provider),
        seals=PostgresSeals(pool),
        authorisations=PostgresSealAuthorisations(pool),
        waits=PostgresSealWaits(pool),
        book=PostgresSealBook(pool),
        drawer=drawer,
        previews=previews,
        refusals=PostgresProofRefusals(pool),
        figures=PostgresVillageFigures(pool),
        out=HandingOut(
            work=work,
            handings=PostgresHandings(pool),
            receivers=load_receivers(settings.schemas, issuing.catalog, site.is_demonstration),
        ),
    )


def village_work(settings: Settings, issuing: Issuing, pool: Pool) -> VillageWork:
    """What the use cases of a village need.

    Raises:
        CatalogError: a catalogue of proofs is wrong, or what is said of the form of one.
    """
    require_entry_forms(issuing.catalog)
    return VillageWork(
        issuing=issuing,
        approvals=PostgresApprovals(pool),
        organs=PostgresOrgans(pool),
        requests=PostgresProofRequests(pool),
        evidence=PostgresEvidence(pool),
        proofs=load_proofs(settings.schemas, issuing.catalog),
    )
