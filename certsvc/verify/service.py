"""What verifying needs."""

from dataclasses import dataclass

from certsvc.catalog import Catalog
from certsvc.services import RegisterReader
from certsvc.verify.anchors import Anchors
from certsvc.verify.inspector import Inspector


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifying:
    """The frozen bundle of a verifier; without a register the verdict is never better than undetermined."""

    catalog: Catalog
    anchors: Anchors
    register: RegisterReader | None
    inspector: Inspector
