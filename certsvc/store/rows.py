"""Rows to values."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from datetime import date

from asyncpg import Record

from certsvc.domain.acts import ACTS, Act, Makes, Organ
from certsvc.domain.business import Held
from certsvc.domain.calendar import Term
from certsvc.domain.certificate import (
    Category,
    Gathered,
    Issuer,
    RegisteredCertificate,
    RegisteredDocument,
    StatusChange,
)
from certsvc.domain.document_seal import DepartmentDocument, SealOnRecord
from certsvc.domain.external import ExternalFile, SealSpot
from certsvc.domain.issuing import Reservation
from certsvc.domain.life import Event, Ground
from certsvc.domain.states import Condition, ConditionKind, Status
from certsvc.ids import CertificateIdentifier, Ref, Uscc, ref_from_bytes

MAKERS = frozenset(act.value for act, rule in ACTS.items() if rule.makes is not Makes.NOTHING)
"""Acts that make a version: by themselves no change of state."""


GROUND = tuple(field.name for field in fields(Ground))


def ref_or_none(raw: bytes | None) -> Ref | None:
    """A reference that may be absent."""
    return None if raw is None else ref_from_bytes(raw)


def to_reservation(row: Record) -> Reservation:
    """A row of `reservation`."""
    return Reservation(
        ref=ref_from_bytes(row["ref"]),
        life=ref_from_bytes(row["life_ref"]),
        act=Act(row["act"]),
        takes_over=row["takes_over"],
        licence_ref=ref_or_none(row["licence_ref"]),
        type_id=row["type_id"],
        type_version=row["type_version"],
        type_number=row["type_number"],
        number=row["number"],
        version=row["version"],
        identifier=CertificateIdentifier(row["identifier"]),
        issuer=Issuer(name=row["issuer_name"], uscc=Uscc(row["issuer_uscc"])),
        seal_id=row["seal_id"],
        term=Term(row["valid_from"], row["valid_to"]),
        subject=row["subject"],
        sealed_payload=row["sealed_payload"],
        payload_key_id=row["payload_key_id"],
        list_name=row["list_name"],
        list_index=row["list_index"],
        reserved_at=row["reserved_at"],
        token=row["token"],
        issued_at=row["issued_at"],
        layout=row["layout"],
        file=_to_file(row),
        replaces=ref_or_none(row["replaces"]),
    )


def _to_file(row: Record) -> ExternalFile | None:
    if row["file"] is None:
        return None
    seen = row["seal_x_mm"] is not None
    return ExternalFile(
        sha256=row["file"],
        page=row["page"],
        x_mm=row["x_mm"],
        y_mm=row["y_mm"],
        module_mm=row["module_mm"],
        seal=SealSpot(x_mm=row["seal_x_mm"], y_mm=row["seal_y_mm"]) if seen else None,
    )


def to_document(row: Record) -> RegisteredDocument:
    """A row of `find_document` or `documents`."""
    ref = ref_from_bytes(row["ref"])
    return RegisteredDocument(sha256=row["sha256"], ref=ref, layout=row["layout"], sealed_at=row["sealed_at"])


def to_department_document(rows: Sequence[Record]) -> DepartmentDocument:
    """The rows of `find_department_document`, one for each seal."""
    seals = (
        SealOnRecord(id=row["seal_id"], owner=row["owner"], owner_uscc=row["owner_uscc"], purpose=row["purpose"])
        for row in rows
    )
    return DepartmentDocument(sha256=rows[0]["sha256"], recorded_at=rows[0]["recorded_at"], seals=tuple(seals))


def to_certificate(row: Record) -> RegisteredCertificate:
    """A row of `gather`. A day for which the register has no state is `unknown`."""
    return replace(
        to_bare_certificate(row),
        status_age_s=row["status_age_s"],
        previous_identifier=row["previous_identifier"],
        change=_to_change(row),
        successor=ref_or_none(row["version_ref"]) if row["status"] == Status.SUPERSEDED else None,
        token_sha256=row["token_sha256"],
        layout=row["layout"],
        has_page=row["has_page"],
    )


def to_bare_certificate(row: Record) -> RegisteredCertificate:
    """A certificate with its state, as old as nothing, and without what only a page shows."""
    return RegisteredCertificate(
        ref=ref_from_bytes(row["ref"]),
        licence_ref=ref_from_bytes(row["root_ref"]) if row["category"] == Category.PERMIT else None,
        category=Category(row["category"]),
        type_id=row["type_id"],
        type_version=row["type_version"],
        type_number=row["type_number"],
        number=row["number"],
        version=row["version"],
        identifier=CertificateIdentifier(row["identifier"]),
        holder_name=row["holder_name"],
        subject=row["subject"],
        issuer=Issuer(name=row["issuer_name"], uscc=Uscc(row["issuer_uscc"])),
        term=Term(row["valid_from"], row["valid_to"]),
        issued_at=row["issued_at"],
        public_fields=json.loads(row["public_fields"]),
        status=Status(row["status"] or Status.UNKNOWN),
        status_age_s=0,
        life=ref_from_bytes(row["life_ref"]),
        conditions=to_conditions(row["conditions"]),
    )


def to_gathered(rows: list[RegisteredCertificate], asked: Ref) -> Gathered | None:
    """Which of the rows was asked for, and what hangs together with it."""
    certificate = next((row for row in rows if row.ref == asked), None)
    if certificate is None:
        return None
    holding = [*_holding(rows)]
    root = _root_among(holding)
    if certificate.category is Category.PERMIT:
        return Gathered(certificate=certificate, licence=root, root=root)
    permits = tuple(row for row in holding if row.category is Category.PERMIT)
    return Gathered(certificate=certificate, root=root, permits=permits)


def root_among(rows: list[RegisteredCertificate]) -> RegisteredCertificate | None:
    """Of certificates that hang together, the licence that acts on the permits: the version that holds."""
    return _root_among(_holding(rows))


def _root_among(holding: Iterable[RegisteredCertificate]) -> RegisteredCertificate | None:
    return next((row for row in holding if row.category is Category.LICENCE), None)


def _holding(rows: list[RegisteredCertificate]) -> Iterator[RegisteredCertificate]:
    """Of each life the version that holds: none that another has taken over from, and of the rest the oldest, because
    a newer one has been issued but waits for its day."""
    seen = set()
    for row in sorted(rows, key=lambda row: (row.category, row.type_number, row.number, row.version)):
        if row.status is not Status.SUPERSEDED and row.life not in seen:
            seen.add(row.life)
            yield row


def _to_change(row: Record) -> StatusChange | None:
    if row["act"] is None or row["act"] in MAKERS:
        return None
    return StatusChange(
        act=row["act"],
        effective=row["effective"],
        recorded_at=row["recorded_at"],
        reason_code=row["reason_code"],
        reason=row["reason"],
        legal_basis=row["legal_basis"],
        decision_number=row["decision_number"],
        retroactive=row["retroactive"],
        successor=row["successor"],
    )


def to_conditions(text: str | None) -> tuple[Condition, ...]:
    """The conditions in a period's column."""
    return tuple(
        Condition(
            kind=ConditionKind(one["kind"]),
            since=date.fromisoformat(one["since"]),
            due=date.fromisoformat(one["due"]) if one["due"] else None,
            basis=one["basis"],
        )
        for one in json.loads(text or "[]")
    )


def to_held(row: Record) -> Held:
    """A row of `held_by`."""
    return Held(
        ref=ref_from_bytes(row["ref"]),
        life=ref_from_bytes(row["life_ref"]),
        category=Category(row["category"]),
        type_id=row["type_id"],
        type_version=row["type_version"],
        number=row["number"],
        version=row["version"],
        subject=row["subject"],
        takes_over=row["takes_over"],
        term=Term(row["valid_from"], row["valid_to"]),
        place=row["place"],
        head_office=row["head_office"],
        public_fields=json.loads(row["public_fields"]),
        status=Status(row["status"] or Status.UNKNOWN),
        successor=row["successor"],
    )


def to_event(row: Record) -> Event:
    """A row of `events`."""
    ground = Ground(**{name: row[name] for name in GROUND})
    return Event(
        id=row["id"],
        ref=ref_from_bytes(row["ref"]),
        act=Act(row["act"]),
        effective=row["effective"],
        recorded_at=row["recorded_at"],
        actor=row["actor"],
        organ=Organ(row["organ"]),
        confirmed_by=row["confirmed_by"],
        ground=ground,
        retroactive=row["retroactive"],
        strikes=row["strikes"],
        version=ref_from_bytes(row["version_ref"]) if row["version_ref"] else None,
        begins=row["begins"],
    )


def to_ground_columns(ground: Ground) -> dict[str, str]:
    """A ground as JSON can keep it, without what is absent."""
    values = {name: getattr(ground, name) for name in GROUND}
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items() if value}


def to_ground(text: str) -> Ground:
    """A ground from the column of that name."""
    values = json.loads(text)
    due = values.pop("due", None)
    return Ground(**values, due=date.fromisoformat(due) if due else None)
