"""What the desk needs, put together by `desks.py`."""

from dataclasses import dataclass

from certsvc.http.pages import Pages
from certsvc.http.site import Site
from certsvc.services import RegisterReader


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The register as the public sees it, and the pages."""

    register: RegisterReader
    site: Site
    pages: Pages
