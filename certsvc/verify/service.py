"""What verifying needs."""

from dataclasses import dataclass

from certsvc.catalog import Catalog
from certsvc.services import RecordReader, RegisterReader
from certsvc.verify.anchors import Anchors, AnchorSource
from certsvc.verify.inspector import Inspector


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifying:
    """The frozen bundle of a verifier; without a register the verdict is never better than undetermined.
    Without `records` nothing is said of permits from elsewhere."""

    catalog: Catalog
    trust: AnchorSource
    register: RegisterReader | None
    inspector: Inspector
    records: RecordReader | None = None

    @property
    def anchors(self) -> Anchors:
        """What we trust at this moment."""
        return self.trust.current()
