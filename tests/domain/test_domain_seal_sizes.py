"""Sizes and centres of seals, by rank and by kind; and the table of acts."""

from dataclasses import replace
from typing import Any

import pytest

from certsvc.domain.seal import Centre, Seal, SealDesign, SealKind, Shape
from certsvc.domain.seal_acts import FINISHES, HANDED_OVER, SEAL_ACTS, Duty, SealAct, SealState
from certsvc.domain.seal_sizes import KINDS, RANKS, require_size
from certsvc.errors import InvalidInput
from certsvc.ids import Uscc

OWNER = Uscc("11441900007330010D")

RULED = {  # 国发〔1999〕25号
    "state-council": (60, "emblem"),
    "ministry": (50, "emblem"),
    "state-agency": (50, "emblem"),
    "state-agency-deputy": (45, "emblem"),
    "coordinating-body": (50, "star"),
    "state-bureau": (45, "emblem"),
    "government": (45, "emblem"),
    "prefecture-office": (45, "star"),
    "township": (42, "star"),
}
AT_MOST_45 = ("department", "unit")


def seal(rank: str = "unit", **design: Any) -> Seal:
    """A seal of this rank."""
    content: dict[str, Any] = {"name": "云山市某某", "diameter_mm": 42.0} | design
    made = SealDesign(**content)
    return Seal(id="x", owner="云山市某某", owner_uscc=OWNER, design=made, rank=rank)


def problems(of: Seal, *, demonstration: bool = True) -> list[str]:
    """The codes of what is wrong with it."""
    try:
        require_size(of, demonstration=demonstration)
    except InvalidInput as error:
        return [problem.code for problem in error.problems] or ["refused"]
    return []


@pytest.mark.parametrize("rank", RULED)
def test_a_rank_has_one_diameter_and_one_centre(rank: str) -> None:
    diameter, centre = RULED[rank]
    right = seal(rank, diameter_mm=float(diameter), centre=Centre(centre))
    assert problems(right) == []
    for wrong in (diameter - 1, diameter + 1):
        assert problems(replace(right, design=replace(right.design, diameter_mm=float(wrong)))) == ["wrong_size"]
    other = Centre.STAR if centre == "emblem" else Centre.EMBLEM
    assert problems(replace(right, design=replace(right.design, centre=other))) == ["wrong_centre"]
    assert not RANKS[rank].from_memory


@pytest.mark.parametrize("rank", AT_MOST_45)
def test_others_are_at_most_45_millimetres_with_a_star(rank: str) -> None:
    for diameter, wrong in ((38.0, []), (45.0, []), (45.1, ["wrong_size"]), (0.0, ["wrong_size"])):
        assert problems(seal(rank, diameter_mm=diameter)) == wrong
    assert problems(seal(rank, centre=Centre.NONE)) == ["wrong_centre"]
    assert problems(seal(rank, centre=Centre.NONE, purpose="业务专用章")) == []


def test_the_emblem_is_supplied_except_in_a_demonstration() -> None:
    government = seal("government", diameter_mm=45.0, centre=Centre.EMBLEM)
    assert problems(government, demonstration=True) == []
    assert problems(government, demonstration=False) == ["emblem_not_supplied"]
    assert problems(seal("government", diameter_mm=45.0, centre=Centre.EMBLEM, picture=b"x"), demonstration=False) == []


def test_an_unknown_rank_is_refused() -> None:
    assert problems(seal("emperor")) == ["refused"]


OF_KIND: dict[SealKind, tuple[dict[str, Any], float]] = {
    SealKind.FINANCE: ({"diameter_mm": 38.0, "purpose": "财务专用章"}, 40.5),
    SealKind.CONTRACT: ({"diameter_mm": 58.0, "purpose": "合同专用章（1）"}, 58.5),
    SealKind.INVOICE: ({"diameter_mm": 40.0, "height_mm": 30.0, "purpose": "发票专用章", "code": OWNER}, 41.0),
    SealKind.PERSONAL: ({"diameter_mm": 20.0, "name": "张三"}, 25.5),
}


@pytest.mark.parametrize("kind", OF_KIND)
def test_the_other_kinds_have_a_size_and_a_purpose_whoever_owns_them(kind: SealKind) -> None:
    right, too_large = OF_KIND[kind]
    for rank in ("ministry", "unit"):
        assert problems(seal(rank, kind=kind, centre=Centre.NONE, **right)) == []
    assert problems(seal(kind=kind, centre=Centre.NONE, **(right | {"diameter_mm": too_large}))) == ["wrong_size"]
    assert problems(seal(kind=kind, **right))[:1] == ["wrong_centre"]
    if "purpose" in right:
        assert problems(seal(kind=kind, centre=Centre.NONE, **(right | {"purpose": "某章"}))) == ["wrong_purpose"]


def test_an_invoice_seal_is_oval_and_shows_the_owner_s_code() -> None:
    right = OF_KIND[SealKind.INVOICE][0] | {"kind": SealKind.INVOICE, "centre": Centre.NONE}
    assert seal(**right).design.shape is Shape.OVAL
    assert problems(seal(**(right | {"code": "91441900MA51ABC088"}))) == ["wrong_code"]
    assert problems(seal(**(right | {"height_mm": None}))) == ["wrong_shape"]


@pytest.mark.parametrize("name", ["张", "一二三四五六七"])
def test_a_name_that_no_name_seal_has_room_for_is_refused(name: str) -> None:
    assert problems(seal(kind=SealKind.PERSONAL, centre=Centre.NONE, diameter_mm=20.0, name=name)) == ["wrong_name"]


def test_every_size_names_its_source_and_every_kind_has_one() -> None:
    assert all(size.source and size.zh and size.en for size in (*RANKS.values(), *KINDS.values()))
    assert {SealKind.LEGAL_NAME, *KINDS} == set(SealKind)


def test_every_act_leads_on_and_nobody_who_audits_may_do_any() -> None:
    assert set(SEAL_ACTS) == set(SealAct) - {SealAct.TAKE_OVER}
    assert all(Duty.AUDITOR not in rule.by and rule.confirmed is not Duty.AUDITOR for rule in SEAL_ACTS.values())
    reached, grown = {SealState.NEW}, True
    while grown:
        following = {rule.after for rule in SEAL_ACTS.values() if rule.after and rule.before & reached}
        grown = not following <= reached
        reached |= following
    assert reached == set(SealState)
    assert not any(SealState.DESTROYED in rule.before for rule in SEAL_ACTS.values())
    assert {SEAL_ACTS[act].before for act in FINISHES.values()} == {frozenset({state}) for state in FINISHES}
    assert set(HANDED_OVER) == {Duty.KEEPER, Duty.MANAGER, Duty.AUDITOR, Duty.APPROVER}
    assert all(rule.confirmed not in rule.by for rule in SEAL_ACTS.values())
