"""What verifying needs."""

from dataclasses import dataclass

from certsvc.catalog import Catalog
from certsvc.services import RegisterReader
from certsvc.verify.anchors import Anchors, AnchorSource
from certsvc.verify.inspector import Inspector


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifying:
    """The frozen bundle of a verifier; without a register the verdict is never better than undetermined."""

    catalog: Catalog
    trust: AnchorSource
    register: RegisterReader | None
    inspector: Inspector

    @property
    def anchors(self) -> Anchors:
        """What we trust at this moment."""
        return self.trust.current()
