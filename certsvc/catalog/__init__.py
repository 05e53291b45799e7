"""Certificate types as data: loaded and checked once, refused when wrong."""

from certsvc.catalog.load import Catalog, load_catalog
from certsvc.catalog.types import CertificateType, Layout

__all__ = ["Catalog", "CertificateType", "Layout", "load_catalog"]
