"""Made-up certificates of the made-up city 云山市."""

import hashlib
import secrets
from datetime import UTC, date, datetime

from certsvc.domain.calendar import Term
from certsvc.domain.certificate import Category, Issuer
from certsvc.domain.issuing import Draft, HolderEntry, Order, SealedDocument
from certsvc.domain.number import NumberSeries
from certsvc.domain.seal import Placement, Seal, SealDesign, SealPeople, SealUse
from certsvc.ids import Ref, TypeCode, Uscc, new_ref, parse_uscc, slot_of_licence
from certsvc.store.register import PostgresRegister

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
TODAY = date(2026, 11, 24)
COMPANY = parse_uscc("91441900MA51ABC088")
SOLE_TRADER = parse_uscc("92441900MA52DEF10X")
AGENCY = parse_uscc("11441900007330010D")
FOOD = NumberSeries("JY1441900{serial:06}{check}", "iso7064_mod_11_10")
PEOPLE = SealPeople(applicant="申", approver="批", manager="管", keeper="用", auditor="审")
SEAL = Seal(
    id="amr",
    owner="云山市市场监督管理局",
    owner_uscc=AGENCY,
    design=SealDesign(name="云山市市场监督管理局", diameter_mm=42),
    certificate_types=frozenset({"business-licence", "food-permit"}),
    people=PEOPLE,
)
PLACE = Placement(page=1, x_mm=150, y_mm=250)


def order(key: str) -> Order:
    """An order named `key`."""
    return Order(client="desk", key=key, type_id="business-licence", payload={"name": "云山市晨光食品有限公司"})


def digest(text: str) -> bytes:
    """A SHA-256 of something."""
    return hashlib.sha256(text.encode()).digest()


def draft(
    key: str,
    category: Category,
    number: str | NumberSeries,
    business: Uscc | None = COMPANY,
    *,
    content: str = "",
    list_name: str = "1-2026q4",
) -> Draft:
    """A draft for the order `key`; equal `content` means equal order."""
    permit = category is Category.PERMIT
    name = "云山市晨光食品有限公司"
    return Draft(
        order=order(key),
        order_digest=digest(content),
        category=category,
        type_id="food-permit" if permit else "business-licence",
        type_version=1,
        type_number=2 if permit else 1,
        type_code=TypeCode(f"{AGENCY}001"),
        ref=new_ref(slot_of_licence(business) if business else None),
        previous=None,
        takes_over=TODAY,
        licence=business if permit else None,
        number=number,
        identifier_serial=secrets.token_hex(10).upper(),
        holders=(HolderEntry(name=name, code_kind="001", code=business, code_hash=None),),
        public_holder_name=name,
        place=None,
        head_office=None,
        subject=business,
        issuer=Issuer(name=SEAL.owner, uscc=AGENCY),
        seal_id=SEAL.id,
        term=Term(date(2026, 11, 24), date(2031, 11, 23) if permit else None),
        public_fields={"name": name},
        sealed_payload=b"\x00 sealed",
        payload_key_id="data-1",
        list_name=list_name,
        reserved_at=NOW,
    )


def licence(key: str = "licence", business: Uscc = COMPANY) -> Draft:
    """A draft of a licence, numbered by the business's USCC."""
    return draft(key, Category.LICENCE, business, business)


def permit(key: str = "permit", number: str | NumberSeries = FOOD, business: Uscc = COMPANY) -> Draft:
    """A draft of a permit, numbered from a series."""
    return draft(key, Category.PERMIT, number, business)


def proof(key: str = "proof") -> Draft:
    """A draft of a proof about a person: no business, no licence."""
    return draft(key, Category.PROOF, NumberSeries("云山证字〔2026〕{serial}号"), None)


def use(seal_id: str = SEAL.id, layout: str = "a4", place: Placement = PLACE) -> SealUse:
    """A use of a seal on something."""
    return SealUse(seal_id=seal_id, layout=layout, place=place, digest=digest(layout))


def documents(ref: Ref, *layouts: str) -> list[SealedDocument]:
    """What was sealed for `ref`."""
    return [
        SealedDocument(layout=layout, sha256=digest(f"{ref.typed_code} {layout}"), size=1000)
        for layout in layouts or ("a4",)
    ]


async def issue(register: PostgresRegister, made: Draft, at: datetime = NOW) -> Ref:
    """The walk, with nothing sealed."""
    await register.enrol_seals([SEAL], at)
    ref = (await register.reserve(made)).ref
    await register.book_seal_use(ref, use(), "test", at)
    await register.keep_token(ref, b"token of " + ref.to_bytes())
    await register.publish(ref, documents(ref), "test", at)
    return ref
