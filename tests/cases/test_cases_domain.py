"""Cases by themselves: their times, and what is masked."""

from datetime import UTC, date, datetime, timedelta

import pytest
from chosen import tree_catalog

from certsvc.domain.calendar import weekdays_after, weekdays_before
from certsvc.domain.case import DECISIONS, OPEN, PART_ACTS, PENDING, Case, Part, PartAct, PartState, Side
from certsvc.domain.masking import mask_business
from certsvc.ids import new_ref
from certsvc.issuance.cases.applying import _new_part

FRIDAY = date(2026, 11, 27)
NOW = datetime(2026, 11, 27, 8, tzinfo=UTC)


def test_working_days_leave_out_saturday_and_sunday() -> None:
    assert weekdays_after(FRIDAY, 1) == date(2026, 11, 30)
    assert weekdays_after(FRIDAY, 10) == date(2026, 12, 11)
    assert weekdays_after(date(2026, 11, 28), 1) == date(2026, 11, 30)
    for count in range(1, 40):
        assert weekdays_before(weekdays_after(FRIDAY, count), count) == FRIDAY


@pytest.mark.long
@pytest.mark.parametrize(
    ("type_id", "asked", "days"),
    [
        ("business-licence-company", {}, 3),
        ("food-business", {"food-business": 99}, 10),
        ("public-place-hygiene", {}, 20),
        ("drug-retail", {"drug-retail": 7}, 7),
        ("tobacco-retail", {"drug-retail": 7}, 20),
    ],
)
def test_the_time_for_a_decision_is_the_types_else_the_one_asked_for_else_the_laws(
    type_id: str, asked: dict[str, int], days: int
) -> None:
    kind = tree_catalog().latest(type_id)
    made = _new_part(kind, asked, FRIDAY)
    assert (made.working_days, made.deadline) == (days, weekdays_after(FRIDAY, days))


def test_a_part_is_late_on_the_day_after_its_last() -> None:
    part = Part(type_id="x", state=PartState.WAITING, working_days=1, changed_at=NOW, deadline=FRIDAY, certificate=None)
    assert not part.is_late(FRIDAY)
    assert part.is_late(FRIDAY + timedelta(days=1))
    assert not Part(type_id="x", state=PartState.RETURNED, working_days=1, changed_at=NOW).is_late(FRIDAY)


def test_a_permit_waits_for_a_licence_of_its_own_case_only() -> None:
    def case(licence_type: str | None, *, there: bool) -> Case:
        return Case(
            ref=new_ref(None),
            opened_by="x",
            opened_at=NOW,
            applicant="x",
            licence_type=licence_type,
            licence=new_ref(None) if there else None,
            parts=(),
        )

    assert case("licence", there=False).waits_for_licence("permit")
    assert not case("licence", there=False).waits_for_licence("licence")
    assert not case("licence", there=True).waits_for_licence("permit")
    assert not case(None, there=True).waits_for_licence("permit")


def test_every_state_is_reached_and_every_end_is_one() -> None:
    reached = {rule.after for rule in PART_ACTS.values()} | {PartState.NEW}
    assert reached == set(PartState)
    left = {before for rule in PART_ACTS.values() for before in rule.before}
    assert left == PENDING | {PartState.NEW}
    assert OPEN < PENDING
    assert {act for act in PART_ACTS if PART_ACTS[act].by is Side.DEPARTMENT} == DECISIONS
    running = {rule.after for rule in PART_ACTS.values() if rule.runs}
    assert running == OPEN - {PartState.RETURNED}, "time runs while a department has to decide, and only then"
    assert PART_ACTS[PartAct.REFUSE].needs == {"reason", "legal_basis", "decision_number", "remedies"}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("云山市晨光食品有限公司", "云********公司"),
        ("梁志强小食店", "梁***食店"),
        ("老五记", "老**"),
        ("店", "店"),
    ],
)
def test_of_a_business_the_first_character_and_the_last_two_are_shown(name: str, shown: str) -> None:
    assert mask_business(name) == shown
    assert len(mask_business(name)) == len(name)
