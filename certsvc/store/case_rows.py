"""Rows of cases to values, and the database's refusals in our own words."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

import asyncpg
from asyncpg import Record

from certsvc.domain.case import PART_ACTS, Case, Part, PartAct, PartEvent, PartGround, PartState, PendingPart, Progress
from certsvc.domain.case_requests import ListedPart
from certsvc.errors import ActNotAllowed
from certsvc.ids import ref_from_bytes
from certsvc.store.rows import ref_or_none

REFUSED = "CS001"
"""The SQLSTATE of the triggers' refusals."""

STATES = {
    PartState.NEW: ("尚未收件", "not received yet"),
    PartState.WAITING: ("已收件，待受理", "received, waiting to be accepted"),
    PartState.ACCEPTED: ("已受理，审查中", "accepted, under review"),
    PartState.ACCEPTED_WITH_DOCUMENTS: ("已容缺受理，审查中", "accepted with documents to follow"),
    PartState.RETURNED: ("已退回补正", "returned for correction"),
    PartState.GRANTED: ("已准予，待发证", "granted, not issued yet"),
    PartState.ISSUED: ("已发证", "issued"),
    PartState.REFUSED: ("不予许可", "refused"),
    PartState.WITHDRAWN: ("申请已撤回", "withdrawn"),
    PartState.ENDED: ("已终止办理", "ended"),
}


@contextmanager
def explained(type_id: str, act: PartAct) -> Iterator[None]:
    """Say a refusal of the triggers in our own words.

    Raises:
        ActNotAllowed: the part is not in a state that allows the act, or there is no such certificate.
    """
    try:
        yield
    except asyncpg.PostgresError as error:
        if error.sqlstate != REFUSED:
            raise
        rule, met = PART_ACTS[act], str(getattr(error, "detail", None) or "")
        zh, en = STATES[PartState(met)] if str(error.args[0]) == "wrong_state" else ("没有相应的证照", "no certificate")
        raise ActNotAllowed(
            f"{type_id} 这一部分不能{rule.zh}：{zh}。", f"The part {type_id} does not allow “{rule.en}”: {en}."
        ) from None


def to_case(row: Record, parts: Sequence[Part]) -> Case:
    """A row of `case`, or the head of one of `parts`."""
    return Case(
        ref=ref_from_bytes(row["ref"]),
        opened_by=row["opened_by"],
        opened_at=row["opened_at"],
        applicant=row["applicant"],
        licence_type=row["licence_type"],
        licence=ref_or_none(row["licence_ref"]),
        parts=tuple(parts),
    )


def to_part(row: Record) -> Part:
    """A row of `case_parts` or `parts`."""
    return Part(
        type_id=row["type_id"],
        state=PartState(row["state"]),
        working_days=row["working_days"],
        changed_at=row["changed_at"],
        deadline=row["deadline"],
        documents_due=row["documents_due"],
        certificate=ref_or_none(row["certificate_ref"]),
    )


def to_listed(row: Record) -> ListedPart:
    """A row of `parts`."""
    part = to_part(row)
    return ListedPart(case=to_case(row, [part]), part=part)


def to_part_event(row: Record) -> PartEvent:
    """A row of `case_events`."""
    ground = PartGround(
        reason=row["reason"],
        legal_basis=row["legal_basis"],
        decision_number=row["decision_number"],
        remedies=row["remedies"],
        due=row["due"],
    )
    return PartEvent(
        id=row["id"],
        type_id=row["type_id"],
        act=PartAct(row["act"]),
        state=PartState(row["state"]),
        actor=row["actor"],
        at=row["at"],
        ground=ground,
        deadline=row["deadline"],
        certificate=ref_or_none(row["certificate_ref"]),
        client=row["client"],
    )


def to_progress(rows: Sequence[Record]) -> Progress | None:
    """The rows of `progress`."""
    if not rows:
        return None
    parts = (
        PendingPart(
            type_id=row["type_id"],
            state=PartState(row["state"]),
            deadline=row["deadline"],
            documents_due=row["documents_due"],
            certificate=ref_or_none(row["certificate_ref"]),
        )
        for row in rows
    )
    head = rows[0]
    return Progress(
        ref=ref_from_bytes(head["ref"]), applicant=head["applicant"], opened_at=head["opened_at"], parts=tuple(parts)
    )


def pending_of(rows: Sequence[Record]) -> tuple[PendingPart, ...]:
    """What the rows of `gather` say of the parts under a licence that are not at their end."""
    listed: list[dict[str, str]] = next((json.loads(row["pending"]) for row in rows if row["pending"]), [])
    return tuple(
        PendingPart(
            type_id=one["type"],
            state=PartState(one["state"]),
            deadline=date.fromisoformat(one["deadline"]) if one["deadline"] else None,
        )
        for one in listed
    )
