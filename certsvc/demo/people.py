"""The village of the demonstration: its organs, who works there, and how to sign in as each.

Passwords and secrets of one-time codes are made of names, for everybody to read: no server takes these accounts
outside a demonstration (`require_no_demonstration_accounts`).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from certsvc.access.totp import SECRET, as_text
from certsvc.domain.account import AccountId, Confirmation, Method
from certsvc.domain.calendar import beijing_date
from certsvc.domain.organ import Arrival, Handover, Organ, OrganDuty, OrganKind
from certsvc.errors import NotFound
from certsvc.ids import Uscc, parse_uscc
from certsvc.services import PayloadCipher
from certsvc.services.accounts import Shown
from certsvc.signing_in import have_demonstration_account
from certsvc.store.account_register import PostgresAccountRegister
from certsvc.store.accounts import PostgresAccounts
from certsvc.store.organs import PostgresOrgans
from certsvc.store.pool import Pool

BY, AREA, SEAL_ID = "demonstration", "441900", "village-shitang"
VILLAGE, TOWN, CITY = map(parse_uscc, ("54441900ME0012B37D", "11441900007335014X", "11441900007335022Q"))
ORGANS = (
    Organ(uscc=CITY, kind=OrganKind.CITY, name="云山市民政局", area=AREA),
    Organ(uscc=TOWN, kind=OrganKind.TOWN, name="云山市云岗镇人民政府", area=AREA),
    Organ(
        uscc=VILLAGE,
        kind=OrganKind.VILLAGE,
        name="云山市云岗镇石塘村村民委员会",
        area=AREA,
        town=TOWN,
        number_word="石塘村",
        seal_id=SEAL_ID,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody of the demonstration, with the one duty they have in an organ."""

    name: str
    organ: Uscc
    duty: OrganDuty
    password: str

    @property
    def secret(self) -> bytes:
        """Of one-time codes."""
        return hashlib.sha256(f"certsvc demonstration {self.name}".encode()).digest()[:SECRET]

    @property
    def secret_text(self) -> str:
        """As an app takes it."""
        return as_text(self.secret)


CLERK = Person(name="何婉仪", organ=VILLAGE, duty=OrganDuty.CLERK, password="stone-pond-clerk")  # noqa: S106
APPROVER = Person(name="梁国栋", organ=VILLAGE, duty=OrganDuty.APPROVER, password="stone-pond-approver")  # noqa: S106
OVERSEER = Person(name="黄卫东", organ=TOWN, duty=OrganDuty.OVERSEER, password="yungang-overseer")  # noqa: S106
PEOPLE = (
    CLERK,
    APPROVER,
    Person(name="陈秀英", organ=VILLAGE, duty=OrganDuty.AUDITOR, password="stone-pond-auditor"),  # noqa: S106
    OVERSEER,
    Person(name="罗家明", organ=CITY, duty=OrganDuty.OVERSEER, password="yunshan-overseer"),  # noqa: S106
)
"""The clerk keeps the seal: two persons suffice, and who approves never keeps it (国办发〔2001〕52号). The town's
overseer manages it (村章镇管), so that it passes in a handover."""


async def demo_people(pool: Pool, cipher: PayloadCipher, now: datetime) -> None:
    """See that the accounts, the organs and the first appointments are there. What is there stays as it is.

    Raises:
        Conflict: the seal or the number word is another organ's.
    """
    for person in PEOPLE:
        await have_demonstration_account(pool, cipher, person.name, person.password, person.secret, now)
    organs, accounts = PostgresOrgans(pool), await demo_accounts(pool, now)
    for organ in ORGANS:
        await _settle(organs, organ, accounts, now)


async def demo_accounts(pool: Pool, now: datetime) -> dict[str, AccountId]:
    """The accounts of the persons, by name."""
    return {each.account.name: each.account.id for each in await PostgresAccountRegister(pool).accounts(now)}


async def _settle(organs: PostgresOrgans, organ: Organ, accounts: dict[str, AccountId], now: datetime) -> None:
    try:
        await organs.organ(organ.uscc)
    except NotFound:
        await organs.put(organ, BY, now)
    if not await organs.appointments(organ.uscc):
        first = Handover(
            organ=organ.uscc,
            key=BY,
            day=beijing_date(now),
            goes=(),
            comes=_arrivals(organ.uscc, accounts),
            by=BY,
            reason="演示：首次任职",
        )
        await organs.hand_over(first, now)


def _arrivals(organ: Uscc, accounts: dict[str, AccountId]) -> tuple[Arrival, ...]:
    mine: Sequence[Person] = [person for person in PEOPLE if person.organ == organ]
    return tuple(Arrival(account=accounts[one.name], person=one.name, duty=one.duty) for one in mine)


async def confirmed(pool: Pool, cipher: PayloadCipher, person: Person, digest: bytes, now: datetime) -> Confirmation:
    """A confirmation of an act, on record as if the person's code had been typed: the program knows it, as everybody
    does, and a code that was used up would be missing to who signs in next."""
    account = (await demo_accounts(pool, now))[person.name]
    shown = Shown(account=account, method=Method.PASSWORD_TOTP, network=cipher.look_up(f"sign-in address {BY}"))
    return await PostgresAccounts(pool).confirm(shown, digest, now)
