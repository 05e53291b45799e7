"""A page as it will be, before it is sealed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from certsvc.domain.certificate import Issuer


class PreviewForm(StrEnum):
    """As what it is drawn."""

    PDF = "pdf"
    PNG = "png"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToPreview:
    """A draft as it stands: the newest version of its type, who would issue it, on which day (+08:00). `replaces` is
    the typed code of the proof that it corrects."""

    type_id: str
    payload: Mapping[str, Any]
    issuer: Issuer
    on: date
    form: PreviewForm
    replaces: str | None = None
