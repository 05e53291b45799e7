"""Rows of seals to values, and back."""

import hashlib
import json
from dataclasses import asdict
from typing import Any

from asyncpg import Record

from certsvc.domain.seal import Centre, Hours, Placement, Seal, SealDesign, SealKind, SealPeople
from certsvc.domain.seal_acts import BookedUse, RegisteredSeal, SealAct, SealEvent, SealRules, SealState
from certsvc.ids import Uscc, ref_from_bytes


def design_columns(design: SealDesign) -> tuple[str, bytes | None]:
    """A design as JSON, in which the SHA-256 stands for a supplied picture; and the picture."""
    picture = None if design.picture is None else hashlib.sha256(design.picture).hexdigest()
    table = {**asdict(design), "picture": picture}
    return json.dumps(table, ensure_ascii=False, sort_keys=True), design.picture


def rule_columns(seal: Seal) -> tuple[Any, ...]:
    """The rules of use, in the order of the columns."""
    place = (None, None, None) if seal.place is None else (seal.place.page, seal.place.x_mm, seal.place.y_mm)
    hours = seal.hours
    times = (None, None, False) if hours is None else (hours.opens, hours.closes, hours.weekdays_only)
    return sorted(seal.certificate_types), *place, seal.daily_quota, *times


def rules_as_json(rules: SealRules) -> str:
    """Rules under the names of their columns."""
    place, hours = rules.place, rules.hours
    columns = {
        "certificate_types": sorted(rules.certificate_types),
        "page": place.page if place else None,
        "x_mm": place.x_mm if place else None,
        "y_mm": place.y_mm if place else None,
        "daily_quota": rules.daily_quota,
        "opens_minute": hours.opens if hours else None,
        "closes_minute": hours.closes if hours else None,
        "weekdays_only": hours.weekdays_only if hours else False,
        "needs_authorisation": rules.needs_authorisation,
    }
    return json.dumps(columns, ensure_ascii=False)


def to_seal(row: Record) -> Seal:
    """A row of `seal`."""
    return Seal(
        id=row["id"],
        owner=row["owner"],
        owner_uscc=Uscc(row["owner_uscc"]),
        design=_to_design(row),
        certificate_types=frozenset(row["certificate_types"]),
        rank=row["rank"],
        place=_to_place(row),
        daily_quota=row["daily_quota"],
        hours=_to_hours(row),
        people=to_people(row),
        needs_authorisation=row["needs_authorisation"],
    )


def to_people(row: Record) -> SealPeople:
    """Who answers for a seal."""
    return SealPeople(
        applicant=row["applicant"],
        approver=row["approver"],
        manager=row["manager"],
        keeper=row["keeper"],
        auditor=row["auditor"],
    )


def to_registered_seal(row: Record) -> RegisteredSeal:
    """A row of `seals`."""
    seal, state = to_seal(row), SealState(row["state"])
    assert seal.people is not None
    return RegisteredSeal(seal=seal, people=seal.people, state=state, uses_today=row["uses_today"], uses=row["uses"])


def _to_design(row: Record) -> SealDesign:
    table = json.loads(row["design"])
    table |= {"kind": SealKind(table["kind"]), "centre": Centre(table["centre"]), "picture": row["picture"]}
    return SealDesign(**table)


def _to_place(row: Record | dict[str, Any]) -> Placement | None:
    return None if row["page"] is None else Placement(page=row["page"], x_mm=row["x_mm"], y_mm=row["y_mm"])


def _to_hours(row: Record | dict[str, Any]) -> Hours | None:
    if row["opens_minute"] is None:
        return None
    return Hours(opens=row["opens_minute"], closes=row["closes_minute"], weekdays_only=row["weekdays_only"])


def to_seal_event(row: Record) -> SealEvent:
    """A row of `seal_event`."""
    return SealEvent(
        id=row["id"],
        act=SealAct(row["act"]),
        state=SealState(row["state"]),
        actor=row["actor"],
        at=row["at"],
        reason=row["reason"],
        successor=row["successor"],
        confirmed_by=row["confirmed_by"],
        certificate=row["certificate"],
        rules=None if row["rules"] is None else _to_rules(json.loads(row["rules"])),
    )


def _to_rules(row: dict[str, Any]) -> SealRules:
    return SealRules(
        certificate_types=frozenset(row["certificate_types"]),
        place=_to_place(row),
        daily_quota=row["daily_quota"],
        hours=_to_hours(row),
        needs_authorisation=row.get("needs_authorisation", False),  # rules of before there were any have none
    )


def to_booked_use(row: Record) -> BookedUse:
    """A row of `seal_uses`."""
    return BookedUse(
        id=row["id"],
        at=row["intended_at"],
        actor=row["actor"],
        ref=None if row["ref"] is None else ref_from_bytes(row["ref"]),
        type_id=row["type_id"],
        number=row["number"],
        request_id=row["request_id"],
        layout=row["layout"],
        digest=row["digest"],
        place=_to_place(row),
        issued=row["issued"],
    )
