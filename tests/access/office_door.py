"""The routes of access tokens over a world in memory, with what they log."""

import io
import json
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import httpx
from litestar import Litestar
from litestar.testing import TestClient
from signing import ISSUER, World

from certsvc.http.application import make_application
from certsvc.http.office.tokens import ASSERTION, token_routes
from certsvc.http.pages import Pages
from certsvc.http.site import Site
from certsvc.log import open_log

ROOT = Path(__file__).resolve().parents[2]
PER_MINUTE = 100_000


class Door:
    """Asks for tokens, and knows why one was refused: the log says it, the answer does not."""

    def __init__(self, world: World, per_minute: int = PER_MINUTE) -> None:
        self._logged = io.StringIO()
        with redirect_stderr(self._logged):
            log = open_log()
        site = Site("yz.example", ISSUER, ROOT / "verifier_web", ROOT, True)
        routes = token_routes(world.access, per_minute, log)
        self.app: Litestar = make_application(routes, site, Pages(site), log)
        self.client = TestClient(self.app)

    def ask(self, assertion: str, **more: str) -> httpx.Response:
        """Ask for a token."""
        form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": assertion}
        return self.client.post("/oauth/token", data=form | more)

    @property
    def reasons(self) -> list[str]:
        """Why tokens were refused, in order."""
        lines: list[dict[str, Any]] = [json.loads(line) for line in self._logged.getvalue().splitlines()]
        return [line["reason"] for line in lines if line["event"] == "token_refused"]

    @property
    def log(self) -> str:
        """Everything logged."""
        return self._logged.getvalue()
