"""The department API as an application."""

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from structlog.typing import FilteringBoundLogger

from certsvc.errors import RegisterUnavailable
from certsvc.http.application import make_application
from certsvc.http.csc.routes import csc_routes
from certsvc.http.office.acting import act_routes
from certsvc.http.office.approvals import approval_routes
from certsvc.http.office.batches import batch_routes
from certsvc.http.office.bundle import Office
from certsvc.http.office.caller import Doorkeeper, caller_of
from certsvc.http.office.cases import case_routes
from certsvc.http.office.certificates import certificate_routes
from certsvc.http.office.docs import reference_routes
from certsvc.http.office.events import event_routes
from certsvc.http.office.external import external_routes
from certsvc.http.office.once import Once
from certsvc.http.office.operation import Operations
from certsvc.http.office.problem_reports import problem_report_routes
from certsvc.http.office.records import record_routes
from certsvc.http.office.seal_requests import seal_request_routes
from certsvc.http.office.searching import search_routes
from certsvc.http.office.tokens import token_routes
from certsvc.http.office.types import type_routes
from certsvc.http.office.webhooks import webhook_routes
from certsvc.http.routes import route
from certsvc.http.shared import shared_routes
from certsvc.http.village.app import village_routes
from certsvc.log import open_log

TOKENS_A_MINUTE = 120
"""Access tokens for one address: each is good for five minutes."""


def office_routes(office: Office, log: FilteringBoundLogger) -> list[HTTPRouteHandler]:
    """Every route of the API; who has no access token gets to none but those that give one."""
    doorkeeper = Doorkeeper(office.access, office.requests_per_minute)
    operations = Operations(Once(office.answers, office.pages), doorkeeper, caller_of)
    routes = [
        *token_routes(office.access, TOKENS_A_MINUTE, log),
        *type_routes(operations, office),
        *certificate_routes(operations, office),
        *search_routes(operations, office),
        *act_routes(operations, office),
        *external_routes(operations, office),
        *approval_routes(operations, office),
        *case_routes(operations, office),
        *record_routes(operations, office),
        *problem_report_routes(operations, office),
        *batch_routes(operations, office.batches),
        *event_routes(operations, office.notices),
        *webhook_routes(operations, office.webhooks),
        *seal_request_routes(operations, office.documents),
    ]
    issuer, name = office.access.tokens.issuer, office.site.host
    csc = csc_routes(office.documents, office.certificates, doorkeeper, issuer, name, log)
    return [*routes, *csc, *reference_routes(routes, office)]


def create_office_app(office: Office) -> Litestar:
    """The office role as an ASGI application."""
    log = open_log()

    async def health() -> dict[str, str]:
        if not await office.issuing.register.ready():
            raise RegisterUnavailable("登记簿现在查不了。", "The register cannot be asked now.")
        return {"status": "ready"}

    routes = [
        *office_routes(office, log),
        *village_routes(office.villages, office.pages),
        *shared_routes(office.site, office.pages),
        route("/health", "health", health),
    ]
    return make_application(routes, office.site, office.pages, log, per_minute=office.requests_per_minute)
