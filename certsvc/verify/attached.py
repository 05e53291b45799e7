"""The data attached to a sealed file, as far as the verifier reads it."""

from datetime import date
from typing import Any

import msgspec

from certsvc.domain.calendar import Term
from certsvc.domain.external import EXTERNAL


class AttachedIssuer(msgspec.Struct, frozen=True):
    """Who issued it, as attached."""

    name: str
    uscc: str


class AttachedTerm(msgspec.Struct, frozen=True):
    """First and last day, as attached."""

    start: date
    end: date | None


class Attached(msgspec.Struct, frozen=True):
    """What we need of `certificate.json`. `seals` are the owners of joint seals, in order, the first is the issuer;
    with one seal it is not there. With the layout `external` the page is not ours; `fields` is what it should show."""

    schema: str
    type: str
    type_version: int
    type_number: int
    number: str
    version: int
    issuer: AttachedIssuer
    term: AttachedTerm
    typed_code: str
    token: str
    seals: tuple[AttachedIssuer, ...] | None = None
    layout: str = ""
    fields: dict[str, Any] = {}

    @property
    def owners(self) -> tuple[str, ...]:
        """Whose seals there must be, in order; raises `ValueError` when those named are no joint seals of its own."""
        if self.seals is None:
            return (self.issuer.uscc,)
        owners = tuple(seal.uscc for seal in self.seals)
        if len(owners) < 2 or len(set(owners)) != len(owners) or self.seals[0] != self.issuer:
            raise ValueError("no joint seals of the issuer and others")
        return owners

    @property
    def days(self) -> Term:
        """The term; raises `ValueError` when it ends before it starts."""
        return Term(self.term.start, self.term.end)

    @property
    def is_external(self) -> bool:
        """Whether somebody else laid out the page."""
        return self.layout == EXTERNAL


def read_attached(data: bytes | None) -> Attached | None:
    """The data attached to a file; nothing where there is none, or none of its form."""
    if data is None:
        return None
    try:
        attached = msgspec.json.decode(data, type=Attached)
        return attached if attached.days and attached.owners else None
    except (msgspec.DecodeError, ValueError):
        return None
