"""What the pages of villages and of residents need, put together by `villages.py`."""

from dataclasses import dataclass

from certsvc.domain.proof_catalogue import ProofCatalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class Villages:
    """`areas` (GB/T 2260 and below) are those whose proofs residents are shown."""

    proofs: ProofCatalogue
    areas: tuple[str, ...]
