"""What the desk needs, put together by `desks.py`."""

from dataclasses import dataclass

from certsvc.http.pages import Pages
from certsvc.http.site import Site
from certsvc.issuance.full_view import FullViewing
from certsvc.issuance.problem_reports.taking import Taking
from certsvc.services import RegisterReader
from certsvc.telling.following import FollowDesk


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The register as the public sees it, the pages, and what is needed for full views and for reports, whose words are
    kept so many days after the answer."""

    register: RegisterReader
    site: Site
    pages: Pages
    full_views: FullViewing
    taking: Taking
    keep_days: int
    following: FollowDesk
