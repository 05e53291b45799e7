"""A page as it is drawn anew from what the public may see."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from certsvc.domain.calendar import Term
from certsvc.domain.certificate import Issuer


@dataclass(frozen=True, slots=True, kw_only=True)
class PageToDraw:
    """What stands on the page of a certificate whose whole face is public. `digits` are those of its own QR, `layout`
    is the name of the sheet; `seals` are the owners of joint seals, none with one seal."""

    type_id: str
    type_version: int
    layout: str
    fields: Mapping[str, Any]
    number: str
    identifier: str
    version: int
    issuer: Issuer
    seals: tuple[Issuer, ...]
    term: Term
    issued_on: date
    typed_code: str
    digits: str
    specimen: bool
