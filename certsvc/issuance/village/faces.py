"""What a proof of a kind shows, for pages about requests: its fields in the words of its face."""

from certsvc.catalog import CertificateType
from certsvc.catalog.types import shown_value

Kind = CertificateType

__all__ = ["Kind", "shown_value"]
