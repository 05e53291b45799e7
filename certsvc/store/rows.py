"""Rows to values."""

import json

from asyncpg import Record

from certsvc.domain.calendar import Term
from certsvc.domain.certificate import (
    Category,
    Gathered,
    Issuer,
    RegisteredCertificate,
    RegisteredDocument,
    Status,
    StatusChange,
)
from certsvc.domain.issuing import Reservation
from certsvc.ids import CertificateIdentifier, Ref, Uscc, ref_from_bytes

ISSUE = "issue"
"""The act of the first event of every certificate: not a change of state."""


def ref_or_none(raw: bytes | None) -> Ref | None:
    """A reference that may be absent."""
    return None if raw is None else ref_from_bytes(raw)


def to_reservation(row: Record) -> Reservation:
    """A row of `reservation`."""
    return Reservation(
        ref=ref_from_bytes(row["ref"]),
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
    )


def to_document(row: Record) -> RegisteredDocument:
    """A row of `find_document` or `documents`."""
    ref = ref_from_bytes(row["ref"])
    return RegisteredDocument(sha256=row["sha256"], ref=ref, layout=row["layout"], sealed_at=row["sealed_at"])


def to_certificate(row: Record) -> RegisteredCertificate:
    """A row of `gather`. A day for which the register has no state is `unknown`."""
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
        status_age_s=row["status_age_s"],
        change=_to_change(row),
        successor=ref_or_none(row["successor"]),
    )


def to_gathered(rows: list[RegisteredCertificate], asked: Ref) -> Gathered | None:
    """Which of the rows was asked for, and what hangs together with it."""
    certificate = next((row for row in rows if row.ref == asked), None)
    if certificate is None:
        return None
    if certificate.category is Category.PERMIT:
        licence = next((row for row in rows if row.category is Category.LICENCE), None)
        return Gathered(certificate=certificate, licence=licence)
    return Gathered(certificate=certificate, permits=tuple(row for row in rows if row.category is Category.PERMIT))


def _to_change(row: Record) -> StatusChange | None:
    if row["act"] is None or row["act"] == ISSUE:
        return None
    return StatusChange(
        act=row["act"],
        effective=row["effective"],
        recorded_at=row["recorded_at"],
        reason=row["reason"],
        legal_basis=row["legal_basis"],
        decision_number=row["decision_number"],
    )
