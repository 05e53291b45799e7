"""What verifying needs."""

from dataclasses import dataclass

from certsvc.catalog import Catalog
from certsvc.services import HistoryReader, PageDrawer, RecordReader, RegisterReader
from certsvc.verify.anchors import Anchors, AnchorSource
from certsvc.verify.inspector import Inspector
from certsvc.verify.looker import Looker
from certsvc.verify.recognition import Recognised


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifying:
    """The frozen bundle of a verifier; without a register the verdict is never better than undetermined.
    Without `records` nothing is said of permits from elsewhere, without `histories` nothing of what was before, without
    `recognised` nobody elsewhere is recognised, without `looker` no photo is read and nothing compared, without
    `drawer` no page is drawn anew. `hosts` are those that our QR codes lead to; where none is named, none is looked
    at."""

    catalog: Catalog
    trust: AnchorSource
    register: RegisterReader | None
    inspector: Inspector
    records: RecordReader | None = None
    recognised: Recognised | None = None
    looker: Looker | None = None
    drawer: PageDrawer | None = None
    hosts: frozenset[str] = frozenset()
    histories: HistoryReader | None = None

    @property
    def anchors(self) -> Anchors:
        """What we trust at this moment."""
        return self.trust.current()
