"""What the issue walk passes from arrow to arrow."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from certsvc.domain.calendar import Term
from certsvc.domain.certificate import Category, Issuer, Party, Status
from certsvc.domain.number import NumberSeries
from certsvc.ids import CertificateIdentifier, Ref, TypeCode, Uscc


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A request to issue. `client` and `key` together name it: the same order sent again is the same work."""

    client: str
    key: str
    type_id: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An order that passed the type's rules: everything the register needs to reserve it.

    `order_digest` is the SHA-256 of the order's content; `licence` is the business a permit is tied to;
    `sealed_payload` the whole payload, encrypted under `payload_key_id` and bound to `ref`.
    """

    order: Order
    order_digest: bytes
    category: Category
    type_id: str
    type_version: int
    type_number: int
    type_code: TypeCode
    ref: Ref
    licence: Uscc | None
    number: str | NumberSeries
    identifier_serial: str
    holder: Party
    public_holder_name: str
    subject: Uscc | None
    issuer: Issuer
    seal_id: str
    term: Term
    public_fields: Mapping[str, Any]
    sealed_payload: bytes
    payload_key_id: str
    list_name: str
    reserved_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A committed intent: ref, number, identifier and status-list index are taken and will not change."""

    ref: Ref
    licence_ref: Ref | None
    type_id: str
    type_version: int
    type_number: int
    number: str
    version: int
    identifier: CertificateIdentifier
    issuer: Issuer
    seal_id: str
    term: Term
    subject: Uscc | None
    sealed_payload: bytes
    payload_key_id: str
    list_name: str
    list_index: int
    reserved_at: datetime
    token: bytes | None
    issued_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedDocument:
    """One sealed file of a certificate."""

    layout: str
    sha256: bytes
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusEvent:
    """A dated change of state to put on record: `effective` may lie in the past or the future."""

    ref: Ref
    act: str
    status: Status
    effective: date
    recorded_at: datetime
    actor: str
    reason: str | None = None
    legal_basis: str | None = None
    decision_number: str | None = None
