"""Certificates: anything we issue. A licence is the root for one business; permits are tied to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from certsvc.domain.calendar import Term
from certsvc.domain.case import PendingPart
from certsvc.domain.states import Condition, Status
from certsvc.ids import CertificateIdentifier, Ref, Uscc

ATTACHMENT = "certificate.json"
"""The name under which a sealed file carries the data of its certificate."""


class Category(StrEnum):
    """What kind of certificate a type defines."""

    LICENCE = "licence"
    PERMIT = "permit"
    PROOF = "proof"


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
    reason_code: str | None = None
    reason: str | None = None
    legal_basis: str | None = None
    decision_number: str | None = None
    retroactive: bool = False
    successor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredCertificate:
    """One certificate as the public may see it. `public_fields` is already masked; `status_age_s` counts from
    the moment its source last confirmed the state. All versions of one certificate share `life`; `successor` is the
    version that took over from this one, `previous_identifier` the certificate this one follows, here or elsewhere.
    `token_sha256` is the digest of its own token: all that counts once somebody else has the key that signed it. With
    the `layout` external its page was laid out elsewhere; `has_page` says whether that page is sealed here."""

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
    life: Ref
    conditions: tuple[Condition, ...] = ()
    previous_identifier: str | None = None
    change: StatusChange | None = None
    successor: Ref | None = None
    token_sha256: bytes | None = None
    layout: str | None = None
    has_page: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What one query brings: the certificate asked for, the licence it hangs on if it is a permit, and every permit
    tied to it if it is a licence, each in the version that holds on the day asked. `root` is the licence whose state
    acts on permits: of a licence asked for in an old version, the one that holds. `pending` is what is applied for
    under it and not at its end: none of it is a permit."""

    certificate: RegisteredCertificate
    licence: RegisteredCertificate | None = None
    root: RegisteredCertificate | None = None
    permits: tuple[RegisteredCertificate, ...] = field(default=())
    pending: tuple[PendingPart, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredDocument:
    """A sealed file we know by its SHA-256."""

    sha256: bytes
    ref: Ref
    layout: str
    sealed_at: datetime
