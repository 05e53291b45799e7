"""Limits of a seal's plan: how small it may be, and what stands on a name seal."""

from typing import Any

import msgspec
import pytest
from sealed_set import PLAN

from certsvc.authority.plan import load_plan
from certsvc.authority.seal_plan import SealPlan
from certsvc.errors import InvalidInput
from certsvc.render.seal_picture import draw_seal

WATER = {
    "id": "water",
    "owner": "云山市水务局",
    "owner_uscc": "114419000073312403",
    "certificate_types": ["sewage-discharge"],
}
NAME_SEAL: dict[str, Any] = {"kind": "05", "name": "张三"}


def problems(**more: Any) -> list[str]:
    """The codes of what is wrong with the plan."""
    try:
        draw_seal(msgspec.convert(WATER | more, SealPlan).seal(demonstration=True).design)
    except InvalidInput as error:
        return [problem.code for problem in error.problems] or ["refused"]
    return []


@pytest.mark.parametrize(
    ("of", "least"),
    [
        ({}, 35.0),
        ({"rank": "unit"}, 35.0),
        ({"kind": "02"}, 35.0),
        ({"kind": "04"}, 35.0),
        (NAME_SEAL, 16.0),
    ],
    ids=["department", "unit", "finance", "contract", "name"],
)
def test_a_seal_smaller_than_can_be_read_is_refused(of: dict[str, Any], least: float) -> None:
    """The flaw: a seal of 1 mm with a border of 2 mm was accepted, and drawn as a dot."""
    assert problems(**of, diameter_mm=least, border_mm=2.0) == []
    for diameter in (1.0, least - 0.1):
        assert problems(**of, diameter_mm=diameter, border_mm=2.0) == ["wrong_size"]
    with pytest.raises(InvalidInput, match=f"at least {least:g} mm") as caught:
        msgspec.convert(WATER | of | {"diameter_mm": 1.0}, SealPlan).seal(demonstration=True)
    assert f"不得小于 {least:g} 毫米" in caught.value.zh


@pytest.mark.parametrize("more", [{"purpose": "业务专用章"}, {"code": "4419000000110"}])
def test_a_purpose_or_a_code_on_a_name_seal_is_refused_and_not_dropped(more: dict[str, str]) -> None:
    assert problems(**NAME_SEAL) == []
    assert problems(**NAME_SEAL, **more) == ["name_alone"]


def test_a_purpose_or_a_code_too_long_to_be_read_is_refused() -> None:
    assert problems(purpose="行政审批业务专用章" * 9) == ["too_long"]
    assert problems(code="4" * 40) == ["too_long"]


def test_every_seal_of_the_demonstration_is_accepted_and_drawn() -> None:
    for planned in load_plan(PLAN).seals:
        assert draw_seal(planned.seal(demonstration=True).design).content
