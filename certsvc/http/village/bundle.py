"""What the pages of villages and of residents need, put together by `villages.py`."""

from dataclasses import dataclass

from certsvc.domain.proof_catalogue import ProofCatalogue
from certsvc.http.village.session import SigningIn
from certsvc.issuance.village.handing import HandingOut
from certsvc.issuance.village.work import VillageWork
from certsvc.services import EvidenceDrawer, PreviewDrawer, SealAuthorisations, SealBook, SealRegister, SealWaits
from certsvc.services.village_figures import ProofRefusals, VillageFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class Villages:
    """`areas` (GB/T 2260 and below) are those whose proofs residents are shown."""

    areas: tuple[str, ...]
    work: VillageWork
    signing: SigningIn
    seals: SealRegister
    authorisations: SealAuthorisations
    waits: SealWaits
    book: SealBook
    drawer: EvidenceDrawer
    previews: PreviewDrawer
    refusals: ProofRefusals
    figures: VillageFigures
    out: HandingOut

    @property
    def proofs(self) -> ProofCatalogue:
        """What is given out where."""
        return self.work.proofs
