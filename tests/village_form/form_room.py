"""A village whose people sign in, over the pages that begin a proof and fill in its form; everything is real but the
keys that seal."""

import html
import re
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_accounts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_requests"))
from account_room import CHEAP, PASSWORD, ROOT, Browser, Room
from app_served import app_served, free_port, quietly
from chosen import tree_catalog
from litestar import Litestar
from village_people import APPROVER, AUDITOR, CLERK, SECOND, STRANGER, TODAY, VILLAGE, account_of, settle

from certsvc.access.passwords import hash_password
from certsvc.catalog import CertificateType
from certsvc.catalog.proofs import load_proofs
from certsvc.domain.calendar import beijing_date
from certsvc.domain.certificate import Category
from certsvc.domain.organ import Member
from certsvc.domain.proof_request import ProofRequest
from certsvc.http.lifespan import Opened
from certsvc.http.village.bundle import Villages
from certsvc.http.village.choosing import choosing_routes
from certsvc.http.village.console import Console
from certsvc.http.village.filling import filling_routes
from certsvc.http.village.home import home_routes
from certsvc.http.village.session import Sessions, SigningIn
from certsvc.issuance.village.work import Content, VillageWork, member, open_content
from certsvc.store.evidence import PostgresEvidence
from certsvc.store.organs import PostgresOrgans
from certsvc.store.pool import Pool, open_pool
from certsvc.store.proof_refusals import PostgresProofRefusals
from certsvc.store.proof_requests import PostgresProofRequests

__all__ = ["APPROVER", "AUDITOR", "CLERK", "PASSWORD", "SECOND", "STRANGER", "VILLAGE", "account_of"]

CATALOG = tree_catalog()
PROOFS = load_proofs(ROOT / "schemas", CATALOG)
AT = f"/village/at/{VILLAGE}"


def proof_kinds() -> list[CertificateType]:
    """The proofs that are given now, by number."""
    return [
        kind for kind in CATALOG if kind.category is Category.PROOF and kind.version == CATALOG.latest(kind.id).version
    ]


def good(kind: CertificateType) -> list[Path]:
    """The good examples of a type."""
    return sorted((kind.folder / "examples").glob("good-*.json"))


@dataclass
class FormRoom:
    """The village over one database."""

    room: Room

    def __post_init__(self) -> None:
        self.room.run(settle(self.room.pool, day=min(TODAY, beijing_date(datetime.now(UTC)))))
        for name in (CLERK, APPROVER, SECOND, AUDITOR, STRANGER):
            self.room.rows(
                "insert into account_password (account, hash, must_change, set_at) values ($1, $2, false, $3)",
                account_of(name),
                hash_password(PASSWORD, CHEAP),
                datetime.now(UTC),
            )
        self.work = self.work_over(self.room.pool)
        self.app = self.app_of(self.room.village, self.room.pool)

    def work_over(self, pool: Pool) -> VillageWork:
        """What the use cases need, over a pool."""
        return VillageWork(
            issuing=cast(Any, SimpleNamespace(catalog=CATALOG, cipher=self.room.cipher)),
            approvals=cast(Any, None),
            organs=PostgresOrgans(pool),
            requests=PostgresProofRequests(pool),
            evidence=PostgresEvidence(pool),
            proofs=PROOFS,
        )

    def app_of(self, signing: SigningIn, pool: Pool) -> Litestar:
        """The pages as an application."""
        parts = SimpleNamespace(work=self.work_over(pool), signing=signing, refusals=PostgresProofRefusals(pool))
        console = Console(cast(Villages, parts), signing.pages, Sessions(signing))
        return self.room.app(signing, [*home_routes(console), *choosing_routes(console), *filling_routes(console)])

    @contextmanager
    def served(self) -> Iterator[str]:
        """The pages on loopback, with connections of their own; the address."""
        port = free_port()
        base = f"http://localhost:{port}"

        @asynccontextmanager
        async def made() -> AsyncIterator[Any]:
            async with open_pool(self.room.database.uri) as pool:
                yield self.app_of(self.room.village_at(base, pool), pool)

        with quietly():
            application = Opened(made)
        with app_served(application, port):
            yield base

    def request(self, request_id: str) -> ProofRequest:
        """A request as it stands."""
        return self.room.run(self.work.requests.request(request_id))

    def content(self, request_id: str) -> Content:
        """What a request says."""
        return open_content(self.work, self.request(request_id))

    def member(self, name: str) -> Member:
        """Who somebody is in the village."""
        return self.room.run(member(self.work, account_of(name), VILLAGE, datetime.now(UTC)))

    def end_session(self) -> None:
        """The session that was begun last ends."""
        self.room.rows(
            "update account_session set ended_at = now(), ended_why = 'ended' where id = "
            "(select id from account_session where ended_at is null order by begun_at desc limit 1)"
        )

    def clerk(self, name: str = CLERK) -> "Filling":
        """The browser of somebody who has signed in."""
        found = Filling(self)
        answer = self.room.run(found.browser.enter(name))
        assert answer.status_code == 303, answer.text
        return found


class Filling:
    """Somebody's browser without script at the pages of forms."""

    def __init__(self, room: FormRoom) -> None:
        self.room, self.browser = room, Browser(room.app)

    def get(self, address: str, **headers: str) -> httpx.Response:
        """Open a page."""
        return self.room.room.run(self.browser.get(address, **headers))

    def post(self, address: str, pairs: Sequence[tuple[str, str]], **headers: str) -> httpx.Response:
        """Send a form of this site, names as often as they come."""
        fields: dict[str, list[str]] = {}
        for name, value in pairs:
            fields.setdefault(name, []).append(value)
        return self.room.room.run(self.browser.post(address, cast(Mapping[str, str], fields), **headers))

    def begin(self, type_id: str, **fields: str) -> str:
        """Open a request at the counter; its id."""
        page = self.get(f"{AT}/new?item={type_id}").text
        known = {"key": hidden(page, "key"), "form_token": hidden(page, "form_token"), **fields}
        answer = self.post(f"{AT}/new/{type_id}", [*known.items()])
        assert answer.status_code == 303, answer.text
        found = re.fullmatch(rf"{AT}/requests/([^/]+)/form", answer.headers["location"])
        assert found is not None, answer.headers["location"]
        return found[1]

    def form(self, request_id: str, query: str = "") -> httpx.Response:
        """The page of the form."""
        return self.get(f"{AT}/requests/{request_id}/form{query}")

    def send(
        self, request_id: str, changes: Mapping[str, Sequence[str]] | None = None, page: str = "", **headers: str
    ) -> httpx.Response:
        """Send the form as it stands on a page, with changes by name."""
        pairs = standing(page or self.form(request_id).text)
        changed = changes or {}
        kept = [pair for pair in pairs if pair[0] not in changed]
        sent = [*kept, *((name, value) for name, values in changed.items() for value in values)]
        return self.post(f"{AT}/requests/{request_id}/form", sent, **headers)


def hidden(page: str, name: str) -> str:
    """The value of a hidden field, of the last form that has it."""
    found = re.findall(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"no field {name}"
    return str(found[-1])


def standing(page: str) -> list[tuple[str, str]]:
    """What a browser would send of the form for entry, as it stands on a page."""
    form = page[page.index("<form", page.index("data-entry") - 40) :]
    form = form[: form.index("</form>")]
    pairs = []
    for tag in re.finditer(r"<(input|textarea|option)\b([^>]*)>(?:\n?([^<]*)</textarea>)?", form):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag[2]))
        if "name" not in attributes:
            continue
        if attributes.get("type") in ("radio", "checkbox") and " checked" not in tag[2]:
            continue
        value = (tag[3] or "") if tag[1] == "textarea" else attributes.get("value", "")
        pairs.append((attributes["name"], html.unescape(value)))
    return pairs
