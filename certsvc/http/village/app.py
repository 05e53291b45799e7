"""Every route for villages and for residents."""

from litestar.handlers import HTTPRouteHandler

from certsvc.http.pages import Pages
from certsvc.http.village.account import account_routes
from certsvc.http.village.apply import apply_routes
from certsvc.http.village.bundle import Villages
from certsvc.http.village.console import Console
from certsvc.http.village.home import home_routes
from certsvc.http.village.session import Sessions
from certsvc.http.village.sign_in import sign_in_routes


def village_routes(villages: Villages, pages: Pages) -> list[HTTPRouteHandler]:
    """The pages under `/apply`, for residents, and under `/village`, for those who handle what they ask.

    Raises:
        SettingsError: the public address has no TLS, and this is no demonstration.
    """
    sessions = Sessions(villages.signing)
    console = Console(villages, pages, sessions)
    return [
        *apply_routes(pages, villages.proofs, villages.areas),
        *sign_in_routes(villages.signing, sessions),
        *account_routes(villages.signing, sessions),
        *home_routes(console),
    ]
