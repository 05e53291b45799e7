"""Made-up cases of the made-up city 云山市, on a register in which nothing is sealed."""

import hashlib
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from made_up import COMPANY, NOW, TODAY, issue, licence, permit

from certsvc.domain.case import PartAct, PartGround
from certsvc.domain.case_requests import CaseOpening, Correction, NewPart, PartRequest
from certsvc.ids import Ref, new_ref, slot_of_licence
from certsvc.store.register import PostgresRegister

LICENCE, FOOD, HYGIENE = "business-licence", "food-permit", "hygiene"
AREA = "441900"
REFUSAL = PartGround(
    reason="场所面积不足",
    legal_basis="某某条例第二条",
    decision_number="云卫不许〔2026〕1号",
    remedies="六十日内申请复议",
)
FOLLOWS = PartGround(reason="租赁合同", legal_basis="容缺受理办法", due=TODAY + timedelta(days=20))
GROUNDS = {
    PartAct.REFUSE: REFUSAL,
    PartAct.ACCEPT_WITH_DOCUMENTS: FOLLOWS,
    PartAct.RETURN: PartGround(reason="缺平面图"),
    PartAct.WITHDRAW: PartGround(reason="不办了"),
    PartAct.END: PartGround(reason="执照没有登记"),
}
LATER = TODAY + timedelta(days=14)


def digest(text: str) -> bytes:
    """A SHA-256 of something."""
    return hashlib.sha256(text.encode()).digest()


def opening(
    key: str = "case",
    *types: str,
    held: Ref | None = None,
    client: str = "counter",
    content: str = "",
    deadline: date = LATER,
) -> CaseOpening:
    """A case for these types (else the licence and two permits), or under a licence on record."""
    parts = types or ((FOOD, HYGIENE) if held else (LICENCE, FOOD, HYGIENE))
    return CaseOpening(
        ref=new_ref(slot_of_licence(COMPANY) if held else None),
        client=client,
        key=key,
        digest=digest(content),
        applicant="云*******公司",
        licence_type=None if held else LICENCE,
        licence=held,
        parts=tuple(NewPart(type_id=type_id, working_days=10, deadline=deadline) for type_id in parts),
        sealed=b"\x00 sealed",
        key_id="data-1",
    )


def asked(
    ref: Ref, act: PartAct, type_id: str, key: str | None = None, ground: PartGround | None = None
) -> PartRequest:
    """A request to act on a part, with what that act must say."""
    name = key or f"{ref.typed_code} {type_id} {act}"
    said = ground or GROUNDS.get(act, PartGround())
    return PartRequest(
        ref=ref, client="desk", key=name, digest=digest(repr((act, said))), act=act, type_id=type_id, ground=said
    )


def correction(ref: Ref, key: str = "correction", content: str = "") -> Correction:
    """Corrected answers."""
    deadlines = dict.fromkeys((LICENCE, FOOD, HYGIENE), LATER + timedelta(days=7))
    return Correction(
        ref=ref,
        client="counter",
        key=key,
        digest=digest(content),
        deadlines=deadlines,
        sealed=b"\x00 corrected",
        key_id="data-1",
    )


async def issued_licence(register: PostgresRegister) -> Ref:
    """The licence of the company, issued."""
    return await issue(register, licence())


async def issued_permit(register: PostgresRegister, key: str = "permit", type_id: str = FOOD) -> Ref:
    """A permit under it, issued."""
    return await issue(register, replace(permit(key), type_id=type_id))


__all__ = ["NOW", "TODAY"]
