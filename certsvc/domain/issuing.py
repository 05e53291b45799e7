"""What the issue walk passes from arrow to arrow."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from certsvc.domain.acts import Act
from certsvc.domain.calendar import Term
from certsvc.domain.certificate import Category, Issuer
from certsvc.domain.external import ExternalFile
from certsvc.domain.life import Event, Ground
from certsvc.domain.number import NumberSeries
from certsvc.errors import InvalidInput
from certsvc.ids import CertificateIdentifier, Ref, TypeCode, Uscc, parse_uscc

NUMBER_WORD = re.compile(r"[\u4e00-\u9fff]{2,8}")


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuingOrgan:
    """One of the organs that issue a type, and the word that stands for it in printed numbers (机关代字)."""

    uscc: Uscc
    number_word: str | None = None

    def __post_init__(self) -> None:
        """Raises `InvalidInput` for a word that is no short name in Chinese characters."""
        if self.number_word is not None and not NUMBER_WORD.fullmatch(self.number_word):
            raise InvalidInput("机关代字应为 2 至 8 个汉字。", "The word of an organ is 2 to 8 Chinese characters.")


def issuing_organ(uscc: str | None) -> IssuingOrgan | None:
    """The organ of a code that somebody gave, or None.

    Raises:
        InvalidIdentifier, WrongCheckCharacter: it is no USCC.
    """
    return None if uscc is None else IssuingOrgan(uscc=parse_uscc(uscc))


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A request to issue. `client` and `key` together name it: the same order sent again is the same work.

    `act` says why: a first issue, or the next version of the certificate `previous` (renewal, change of details,
    reissue, correction), of which `expects` is the newest event that whoever orders has seen. `previous_identifier`
    names, in a transfer in, the certificate elsewhere. `decided_at` is when a person approved it: that day stands on
    its face, whenever it is sealed; without one, the day it is ordered.

    `issued_by` is whose seal it takes; it may be left out where one organ alone issues the type.

    With the `layout` external somebody else laid out its page; `file` is that page where it is to be sealed here, and
    without one the certificate has no file of ours.
    """

    client: str
    key: str
    type_id: str
    payload: Mapping[str, Any]
    act: Act = Act.ISSUE
    previous: Ref | None = None
    expects: int | None = None
    previous_identifier: str | None = None
    ground: Ground = field(default_factory=Ground)
    layout: str | None = None
    file: ExternalFile | None = None
    decided_at: datetime | None = None
    issued_by: IssuingOrgan | None = None

    @property
    def organ(self) -> Uscc | None:
        """Whose seal it takes, where that was said."""
        return self.issued_by.uscc if self.issued_by else None


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderEntry:
    """A holder as the register keeps it: the name as the public may see it, the code in clear only of an organisation,
    and a keyed hash by which who knows the code finds what it holds."""

    name: str
    code_kind: str
    code: str | None
    code_hash: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An order that passed the type's rules: everything the register needs to reserve it.

    `previous` is the version it follows, `takes_over` the day it does (of a first version: the day it is issued);
    `place` names the premises, device or business for which the type allows only one certificate; `head_office` is the
    business that a branch belongs to.

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
    previous: "Reservation | None"
    takes_over: date
    licence: Uscc | None
    number: str | NumberSeries
    identifier_serial: str
    holders: tuple[HolderEntry, ...]
    public_holder_name: str
    place: str | None
    head_office: Uscc | None
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
    """A committed intent: ref, number, identifier and status-list index are taken and will not change. `layout` and
    `file` are as in the order; `replaces` is the version before."""

    ref: Ref
    life: Ref
    act: Act
    takes_over: date
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
    layout: str | None = None
    file: ExternalFile | None = None
    replaces: Ref | None = None

    @property
    def organ(self) -> Uscc:
        """Whose seal it takes: its issuer's."""
        return self.issuer.uscc


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedDocument:
    """One sealed file of a certificate."""

    layout: str
    sha256: bytes
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ActRequest:
    """A request to act on a certificate that is issued. `client` and `key` together name it, as an order's do; the
    digest is the SHA-256 of its content. `event.ref` may be any version. `expects` is the newest event that who asks
    has seen: with another one on record nothing is done."""

    client: str
    key: str
    digest: bytes
    event: Event
    expects: int | None = None
