"""A village whose people sign in, over the pages for evidence; accounts, database and drawing are real."""

import io
import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_accounts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_requests"))
from account_room import CHEAP, PASSWORD, Browser, Room
from chosen import tree_catalog
from evidence_files import multipart, photo
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from village_people import APPROVER, AUDITOR, CLERK, SECOND, STRANGER, TODAY, VILLAGE, account_of, opened, settle

from certsvc.access.passwords import hash_password
from certsvc.domain.calendar import beijing_date
from certsvc.domain.proof_request import ProofRequest
from certsvc.http.village.bundle import Villages
from certsvc.http.village.console import Console
from certsvc.http.village.evidence import evidence_routes
from certsvc.http.village.session import Sessions, SigningIn
from certsvc.issuance.village.work import VillageWork
from certsvc.render.evidence_pool import EvidencePictures
from certsvc.services import EvidenceDrawer
from certsvc.store.evidence import PostgresEvidence
from certsvc.store.organs import PostgresOrgans
from certsvc.store.pool import Pool
from certsvc.store.proof_requests import PostgresProofRequests

CATALOG = tree_catalog()
SET_PASSWORD = "insert into account_password (account, hash, must_change, set_at) values ($1, $2, false, $3)"


@dataclass
class EvidenceRoom:
    """The village over one database."""

    room: Room

    def __post_init__(self) -> None:
        self.requests, self.evidence = PostgresProofRequests(self.room.pool), PostgresEvidence(self.room.pool)
        self.work = self.work_over(self.room.pool)
        self.room.run(settle(self.room.pool, day=min(TODAY, beijing_date(datetime.now(UTC)))))
        for name in (CLERK, APPROVER, SECOND, AUDITOR, STRANGER):
            self.room.rows(SET_PASSWORD, account_of(name), hash_password(PASSWORD, CHEAP), datetime.now(UTC))
        self.drawer: EvidenceDrawer = self.room.run(self.room.stack.enter_async_context(EvidencePictures()))
        self.app = self.app_of(self.room.village)

    def work_over(self, pool: Pool) -> VillageWork:
        """What the use cases need, over a pool."""
        return VillageWork(
            issuing=cast(Any, SimpleNamespace(catalog=CATALOG, cipher=self.room.cipher)),
            approvals=cast(Any, None),
            organs=PostgresOrgans(pool),
            requests=PostgresProofRequests(pool),
            evidence=PostgresEvidence(pool),
            proofs=cast(Any, None),
        )

    def app_of(
        self, signing: SigningIn, work: VillageWork | None = None, drawer: EvidenceDrawer | None = None
    ) -> Litestar:
        """The pages as an application."""
        return self.room.app(signing, self.routes(signing, work, drawer))

    def routes(
        self, signing: SigningIn, work: VillageWork | None = None, drawer: EvidenceDrawer | None = None
    ) -> list[HTTPRouteHandler]:
        """The pages for evidence."""
        parts = SimpleNamespace(work=work or self.work, signing=signing, drawer=drawer or self.drawer)
        return evidence_routes(Console(cast(Villages, parts), signing.pages, Sessions(signing)))

    def opened(self, key: str, name: str | None = CLERK) -> ProofRequest:
        """A draft of somebody; None is the resident."""
        return self.room.run(opened(self.requests, key, name))

    def browser(self, name: str) -> "Attaching":
        """The browser of somebody who has signed in."""
        found = Attaching(self.room, self.app)
        answer = self.room.run(found.browser.enter(name))
        assert answer.status_code == 303, answer.text
        return found


class Attaching:
    """Somebody's browser at the pages for evidence."""

    def __init__(self, room: Room, app: Litestar) -> None:
        self.room, self.app = room, app
        self.browser = Browser(app)

    def address(self, request: ProofRequest, more: str = "") -> str:
        """Where the evidence of a request is."""
        return f"/village/at/{request.organ}/requests/{request.id}/evidence{more}"

    def get(self, address: str) -> httpx.Response:
        """Open a page."""
        return self.room.run(self.browser.get(address))

    def hidden(self, page: str) -> dict[str, str]:
        """What the form to add has in its hidden fields."""
        form = page[page.index("data-evidence") :]
        return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)"', form))

    def add(
        self,
        request: ProofRequest,
        content: bytes | None = None,
        file_name: str = "IMG_1.jpg",
        accept: str = "text/html",
        site: str = "same-origin",
        **fields: str,
    ) -> httpx.Response:
        """Send the form of the page with a file, and with other values in some of its fields."""
        page = self.get(self.address(request)).text
        known = self.hidden(page) if "data-evidence" in page else {"form_token": self.token()}
        sent = {"seen": str(request.version), "key": f"a key of nobody {request.id}"} | known | fields
        body, kind = multipart(list(sent.items()), file_name or None, photo() if content is None else content)
        return self.post(self.address(request), body, kind, accept, site)

    def post(self, address: str, body: bytes, kind: str, accept: str, site: str) -> httpx.Response:
        """Send a body."""

        async def story() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)  # type: ignore[arg-type]
            headers = {"Accept": accept, "Sec-Fetch-Site": site, "Content-Type": kind}
            url, cookies = self.browser.url, self.browser.cookies
            async with httpx.AsyncClient(transport=transport, base_url=url, cookies=cookies) as client:
                return await client.post(address, content=body, headers=headers)

        return self.room.run(story())

    def token(self) -> str:
        """The token of this session's forms."""
        found: str = self.room.run(self.browser.form_token())
        return found

    def remove(self, request: ProofRequest, evidence: str, **fields: str) -> httpx.Response:
        """Send the form that removes one."""
        sent = {"form_token": self.token(), "seen": "2", "key": f"remove {evidence}"} | fields
        return self.room.run(self.browser.post(self.address(request, f"/{evidence}/remove"), sent))


def picture_of(answer: httpx.Response) -> Image.Image:
    """What was sent as a picture."""
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/jpeg", answer.text[:300]
    return Image.open(io.BytesIO(answer.content), formats=("JPEG",))


__all__ = ["APPROVER", "AUDITOR", "CLERK", "PASSWORD", "STRANGER", "VILLAGE", "Attaching", "EvidenceRoom", "picture_of"]
