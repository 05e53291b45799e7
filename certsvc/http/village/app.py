"""Every route for villages and for residents."""

from litestar.handlers import HTTPRouteHandler

from certsvc.http.pages import Pages
from certsvc.http.village.account import account_routes
from certsvc.http.village.acting import acting_routes
from certsvc.http.village.apply import apply_routes
from certsvc.http.village.asking import asking_routes
from certsvc.http.village.book import book_routes
from certsvc.http.village.bringing import bringing_routes
from certsvc.http.village.bundle import Villages
from certsvc.http.village.choosing import choosing_routes
from certsvc.http.village.console import Console
from certsvc.http.village.deciding import approval_page, deciding_routes
from certsvc.http.village.evidence import evidence_routes
from certsvc.http.village.fetching import fetching_routes
from certsvc.http.village.figures import figures_routes
from certsvc.http.village.filling import filling_routes
from certsvc.http.village.following import following_routes
from certsvc.http.village.handing import handing_routes
from certsvc.http.village.home import home_routes
from certsvc.http.village.inbox import inbox_routes
from certsvc.http.village.openid import openid_routes
from certsvc.http.village.people import people_routes
from certsvc.http.village.preview import preview_routes
from certsvc.http.village.requests import request_routes
from certsvc.http.village.resident import Limits
from certsvc.http.village.seal import seal_routes
from certsvc.http.village.session import Sessions
from certsvc.http.village.sign_in import sign_in_routes
from certsvc.http.village.sitting import sitting_routes


def village_routes(villages: Villages, pages: Pages) -> list[HTTPRouteHandler]:
    """The pages under `/apply`, for residents, and under `/village`, for those who handle what they ask.

    Raises:
        SettingsError: the public address has no TLS, and this is no demonstration.
    """
    sessions = Sessions(villages.signing)
    console = Console(villages, pages, sessions)
    limits = Limits()
    return [
        *apply_routes(pages, villages.proofs, villages.areas),
        *asking_routes(villages, pages, limits),
        *following_routes(villages, pages, limits),
        *bringing_routes(villages, pages, limits),
        *fetching_routes(villages, pages, limits),
        *handing_routes(console),
        *sign_in_routes(villages.signing, sessions),
        *account_routes(villages.signing, sessions),
        *openid_routes(villages.signing, sessions),
        *home_routes(console),
        *book_routes(console),
        *people_routes(console),
        *seal_routes(console),
        *inbox_routes(console),
        *request_routes(console, approval_page),
        *deciding_routes(console),
        *sitting_routes(console),
        *acting_routes(console),
        *preview_routes(console),
        *figures_routes(console, villages.figures),
        *evidence_routes(console),
        *choosing_routes(console),
        *filling_routes(console),
    ]
