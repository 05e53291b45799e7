"""Certificates: anything we issue. A licence is the root for one business; permits are tied to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from certsvc.domain.calendar import Term
from certsvc.ids import CertificateIdentifier, Ref, Uscc


class Category(StrEnum):
    """What kind of certificate a type defines."""

    LICENCE = "licence"
    PERMIT = "permit"
    PROOF = "proof"


class Status(StrEnum):
    """Answer (b): the register's state. The words are part of the public interface."""

    VALID = "valid"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    RESCINDED = "rescinded"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"
    SUPERSEDED = "superseded"
    RENEWAL_PENDING = "renewal_pending"
    TRANSFERRED_OUT = "transferred_out"
    UNKNOWN = "unknown"


IN_FORCE = frozenset({Status.VALID, Status.RENEWAL_PENDING})
"""The states in which a certificate may be relied on, term and document permitting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A holder: name, code and the kind of that code (GB/T 36903 Annex A: 001 USCC, 111 citizen ID, …)."""

    name: str
    code: str | None
    code_kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """The organ whose seal stands under the certificate."""

    name: str
    uscc: Uscc


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChange:
    """Why a state holds: the act, its ground and its dates."""

    act: str
    effective: date
    recorded_at: datetime
    reason: str | None = None
    legal_basis: str | None = None
    decision_number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredCertificate:
    """One certificate as the public may see it. `public_fields` is already masked; `status_age_s` counts from
    the moment its source last confirmed the state."""

    ref: Ref
    licence_ref: Ref | None
    category: Category
    type_id: str
    type_version: int
    type_number: int
    number: str
    version: int
    identifier: CertificateIdentifier
    holder_name: str
    subject: Uscc | None
    issuer: Issuer
    term: Term
    issued_at: datetime
    public_fields: Mapping[str, Any]
    status: Status
    status_age_s: int
    change: StatusChange | None = None
    successor: Ref | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What one query brings: the certificate asked for, its licence if it is a permit, and every permit tied to
    it if it is a licence."""

    certificate: RegisteredCertificate
    licence: RegisteredCertificate | None = None
    permits: tuple[RegisteredCertificate, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredDocument:
    """A sealed file we know by its SHA-256."""

    sha256: bytes
    ref: Ref
    layout: str
    sealed_at: datetime
