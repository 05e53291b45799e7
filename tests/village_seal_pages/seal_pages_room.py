"""A made-up village with its seal, its town and its city over one database, and the pages of seal, book and people."""

import re
import secrets
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_accounts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_seals"))
import httpx
from account_room import PASSWORD, ROOT, Browser, Room, account_id
from litestar import Litestar
from made_up import PEOPLE, draft
from sealed import applied, put_in_use
from village_seal_room import Room as SealRoom
from village_seal_room import confirmed_by

from certsvc.access.totp import SECONDS, code_at
from certsvc.catalog import load_catalog
from certsvc.domain.acts import Act
from certsvc.domain.approval import Decision, ToApprove, new_approval_id
from certsvc.domain.calendar import beijing_date
from certsvc.domain.certificate import Category
from certsvc.domain.issuing import Order
from certsvc.domain.number import NumberSeries
from certsvc.domain.organ import Arrival, Handover, Organ, OrganDuty, OrganKind
from certsvc.domain.seal_authorisation import AuthorisationRequest, SealAuthorisation, Terms
from certsvc.http.village.book import book_routes
from certsvc.http.village.bundle import Villages
from certsvc.http.village.console import Console
from certsvc.http.village.home import home_routes
from certsvc.http.village.people import people_routes
from certsvc.http.village.seal import seal_routes
from certsvc.http.village.session import Sessions, SigningIn
from certsvc.ids import Ref, Uscc, organisation_check_character, parse_uscc, uscc_check_character
from certsvc.issuance.service import Issuing
from certsvc.issuance.village.work import VillageWork
from certsvc.store.approvals import PostgresApprovals
from certsvc.store.organs import PostgresOrgans
from certsvc.store.pool import Pool
from certsvc.store.seal_authorisations import PostgresSealAuthorisations
from certsvc.store.seal_book import PostgresSealBook
from certsvc.store.seal_waits import PostgresSealWaits
from certsvc.store.seals import PostgresSeals

CATALOG = load_catalog(ROOT / "schemas")
SEAL, WATER = "village", "tiered-water-proof"
KINDS = frozenset(kind.id for kind in CATALOG if kind.category is Category.PROOF)
CLERK, APPROVER, AUDITOR, NEW = "林晓芸", "黄志强", "何有为", "郭新任"
OF_TOWN, OF_CITY, OF_OTHER_TOWN, STRANGER = "陈镇督", "梁市督", "苏邻督", "邻村人"
MANAGER, CONFIRMS = PEOPLE.manager, "批"


def _uscc(number: int) -> Uscc:
    body = f"ME{number:06}"
    seventeen = f"54441900{body}{organisation_check_character(body)}"
    return Uscc(seventeen + uscc_check_character(seventeen))


VILLAGE, OTHER = parse_uscc("54441900ME0012B37D"), parse_uscc("54441900ME0034D529")
CITY, TOWN, OTHER_TOWN = _uscc(1), _uscc(2), _uscc(3)
ORGANS = (
    Organ(uscc=CITY, kind=OrganKind.CITY, name="云山市民政局", area="441900"),
    Organ(uscc=TOWN, kind=OrganKind.TOWN, name="云山市云岗镇人民政府", area="441900"),
    Organ(uscc=OTHER_TOWN, kind=OrganKind.TOWN, name="云山市荔江镇人民政府", area="441900"),
    Organ(
        uscc=VILLAGE,
        kind=OrganKind.VILLAGE,
        name="云山市云岗镇石塘村村民委员会",
        area="441900",
        town=TOWN,
        number_word="石塘村",
        seal_id=SEAL,
    ),
    Organ(
        uscc=OTHER,
        kind=OrganKind.VILLAGE,
        name="云山市荔江镇荔湾村村民委员会",
        area="441900",
        town=OTHER_TOWN,
        number_word="荔湾村",
    ),
)
DUTIES = (
    (CITY, OF_CITY, OrganDuty.OVERSEER),
    (TOWN, OF_TOWN, OrganDuty.OVERSEER),
    (OTHER_TOWN, OF_OTHER_TOWN, OrganDuty.OVERSEER),
    (VILLAGE, CLERK, OrganDuty.CLERK),
    (VILLAGE, APPROVER, OrganDuty.APPROVER),
    (VILLAGE, AUDITOR, OrganDuty.AUDITOR),
    (OTHER, STRANGER, OrganDuty.CLERK),
    (OTHER, "邻村批", OrganDuty.APPROVER),
)


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


class SealPages:
    """Everything over one room: its people have accounts and duties, its seal is in use and not open."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self._steps: dict[str, int] = {}
        for name in (NEW, *(name for _, name, _ in DUTIES)):
            room.person(name)
        self.accounts = {name: account_id(room, name) for name in (NEW, *(name for _, name, _ in DUTIES))}
        room.run(self._settle(room.pool))

    async def _settle(self, pool: Pool) -> None:
        people = replace(PEOPLE, keeper=CLERK, approver=None)
        village = replace(
            applied(SEAL, needs_authorisation=True, certificate_types=KINDS, owner_uscc=VILLAGE),
            people=people,
            owner=ORGANS[3].name,
        )
        await put_in_use(PostgresSeals(pool), village, now() - timedelta(days=1))
        organs = PostgresOrgans(pool)
        for organ in ORGANS:
            await organs.put(organ, "operator", now())
            comes = tuple(self.arrival(name, duty) for its, name, duty in DUTIES if its == organ.uscc)
            await organs.hand_over(self.handover(organ.uscc, *comes), now())

    def arrival(self, name: str, duty: OrganDuty) -> Arrival:
        """Somebody who comes."""
        return Arrival(account=self.accounts[name], person=name, duty=duty)

    def handover(self, organ: Uscc, *comes: Arrival, goes: tuple[str, ...] = (), **more: Any) -> Handover:
        """A handover by the operator, if nothing else is said, from today on."""
        said: dict[str, Any] = {"day": beijing_date(now()), "by": "operator", "reason": "换届", "key": "first"}
        return Handover(organ=organ, comes=comes, goes=goes, **(said | more))

    @property
    def organs(self) -> PostgresOrgans:
        """The organs and their people."""
        return PostgresOrgans(self.room.pool)

    def seals(self) -> SealRoom:
        """The seal, its authorisations and its book."""
        return SealRoom.over(self.room.database, self.room.pool)

    def app(self, signing: SigningIn | None = None, pool: Pool | None = None) -> Litestar:
        """The pages."""
        chosen, pool = signing or self.room.village, pool or self.room.pool
        nothing = cast(Any, None)
        issuing = cast(Issuing, SimpleNamespace(catalog=CATALOG))
        work = VillageWork(
            issuing=issuing,
            approvals=nothing,
            organs=PostgresOrgans(pool),
            requests=nothing,
            evidence=nothing,
            proofs=nothing,
        )
        bundle = SimpleNamespace(
            work=work,
            seals=PostgresSeals(pool),
            authorisations=PostgresSealAuthorisations(pool),
            waits=PostgresSealWaits(pool),
            book=PostgresSealBook(pool),
        )
        console = Console(cast(Villages, bundle), chosen.pages, Sessions(chosen))
        more = [*home_routes(console), *seal_routes(console), *book_routes(console), *people_routes(console)]
        return self.room.app(chosen, more)

    def terms(self, quota: int = 5, days: int = 30, kinds: frozenset[str] = frozenset({WATER})) -> Terms:
        """From today on."""
        today = beijing_date(now())
        return Terms(certificate_types=kinds, quota=quota, first_day=today, last_day=today + timedelta(days=days - 1))

    def next_code(self, name: str, secret: bytes) -> str:
        """A one-time code that somebody has not used: of the step before this one on, for three are good at a time."""
        step = max(int(now().timestamp()) // SECONDS - 1, self._steps.get(name, 0) + 1)
        self._steps[name] = step
        return code_at(secret, step)

    async def open(self, terms: Terms) -> SealAuthorisation:
        """The keeper has opened the seal."""
        async with self.room.pool.transaction() as connection:
            confirmation = await confirmed_by(connection, CLERK, terms.digest(SEAL))
        asked = AuthorisationRequest(key=secrets.token_hex(8), seal_id=SEAL, terms=terms, confirmation=confirmation)
        return await PostgresSealAuthorisations(self.room.pool).authorise(asked, now())

    async def approved(self, holder: str = "周*芳") -> Ref:
        """A proof about water that is approved and reserved."""
        approvals, made_id = PostgresApprovals(self.room.pool), new_approval_id()
        request = ToApprove(
            id=made_id,
            client=CLERK,
            key=secrets.token_hex(8),
            digest=bytes(32),
            act=Act.ISSUE,
            type_id=WATER,
            seals=(SEAL,),
            area="441900",
            ref=None,
            sealed_request=b"sealed",
            payload_key_id="data-1",
            needed=1,
            asked_at=now(),
        )
        await approvals.ask(request)
        await approvals.decide(made_id, APPROVER, Decision(person=APPROVER, approves=True, reason=None, at=now()))
        series = NumberSeries("石塘村证字〔2026〕{serial}号")
        made = draft(made_id, Category.PROOF, series, None)
        order = Order(client=CLERK, key=made_id, type_id=WATER, payload={})
        kind = CATALOG.latest(WATER)
        made = replace(
            made,
            order=order,
            type_id=WATER,
            type_version=kind.version,
            type_number=kind.type_number,
            seal_id=SEAL,
            public_holder_name=holder,
            reserved_at=now(),
        )
        register = self.seals().register
        ref = (await register.reserve(made)).ref
        await register.keep_token(ref, b"token of " + ref.to_bytes())
        return ref


class Hand:
    """Somebody's browser of no script, signed in: sends the forms of pages with what is typed."""

    def __init__(self, pages: SealPages, name: str, browser: Browser, secret: bytes | None = None) -> None:
        self.pages, self.name, self.browser, self._secret = pages, name, browser, secret

    @classmethod
    async def entered(cls, pages: SealPages, app: Litestar, name: str, secret: bytes | None = None) -> "Hand":
        """Sign in; with one-time codes, if there are any."""
        hand = cls(pages, name, Browser(app), secret)
        await hand.browser.enter(name, hand.code())
        return hand

    def code(self) -> str:
        """A one-time code that was not used; nothing for who has none."""
        return "" if self._secret is None else self.pages.next_code(self.name, self._secret)

    def at(self, path: str, organ: Uscc = VILLAGE) -> str:
        """A page of an organ."""
        return f"/village/at/{organ}{path}"

    async def get(self, path: str, organ: Uscc = VILLAGE) -> httpx.Response:
        """Open a page of an organ."""
        return await self.browser.get(self.at(path, organ))

    async def post(self, path: str, fields: Mapping[str, Any], organ: Uscc = VILLAGE) -> httpx.Response:
        """Send a form to a page of an organ, with the token of the session."""
        whole = {"form_token": await self.browser.form_token(), **fields}
        return await self.browser.post(self.at(path, organ), whole)


def hidden(text: str) -> dict[str, str]:
    """The hidden fields of a page that come once."""
    return dict(re.findall(r'<input type="hidden" name="(key|seen|digest)" value="([^"]+)"', text))


PASSWORD_FIELD = {"password": PASSWORD}
