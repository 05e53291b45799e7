"""What `type.toml` may say. Unknown keys are refused; every struct is a table of that file."""

from typing import Annotated, Literal

import msgspec

from certsvc.catalog.policy import Certainty
from certsvc.catalog.rules import Rule
from certsvc.domain.certificate import Category

Positive = Annotated[int, msgspec.Meta(ge=1)]
Millimetres = Annotated[float, msgspec.Meta(gt=0, le=2000)]
Scale = Annotated[float, msgspec.Meta(ge=0.5, le=4)]


class SealPlace(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the seal's centre stands, in millimetres from the left and top edge."""

    x_mm: float
    y_mm: float
    page: int = 1


class LayoutTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One sheet a certificate is printed on. `scale` enlarges the A4 drawing (A3 is 1.414). `further_seals` are those
    of a joint document after the first, in their order."""

    name: str
    zh: str
    en: str
    width_mm: Millimetres
    height_mm: Millimetres
    seal: SealPlace
    further_seals: tuple[SealPlace, ...] = ()
    scale: Scale = 1.0


class FieldTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A field of the payload, in the order of the face: its labels, the masking rule under which the
    public may see it (none: not at all), and the part of the face it stands in."""

    key: str
    zh: str
    en: str
    public: str | None = None
    place: Literal["head", "main", "side"] = "main"


class HolderTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which payload fields name a holder; `public` masks the name.

    The kind of the code (GB/T 36903 Annex A) is `code_kind`, the same for all, or what `code_kind_field` says.
    """

    name: str
    code: str
    code_kind: str | None = None
    code_kind_field: str | None = None
    public: str = "clear"


class TermTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which payload fields hold the first and the last day; without the last there is no fixed term."""

    start: str
    end: str | None = None


class NumberTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The printed number: a payload field, or a template with {area}, {year}, {serial:06}, {check} and coded fields.

    `codes` gives, for a field in the template, the digits that stand for each of its values.
    """

    field: str | None = None
    template: str | None = None
    check: Literal["iso7064_mod_11_10"] | None = None
    codes: dict[str, dict[str, str]] = {}
    certainty: Certainty = "known"


class LegalBasis(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the type rests on; `certainty` says how sure we are of the text."""

    text: str
    certainty: Certainty
    since: str | None = None


class Definition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole `type.toml`. With `full_view` its face prints six characters that open the whole content on the
    verifier's page; see `domain.full_view`."""

    id: str
    version: Positive
    type_number: int
    category: Category
    zh: str
    en: str
    type_code: str
    type_code_certainty: Certainty
    issuer_rank: str
    retention_years: Positive
    status_max_age_hours: Positive
    sensitive: bool
    layouts: tuple[LayoutTable, ...]
    holder: HolderTable
    further_holders: tuple[HolderTable, ...] = ()
    term: TermTable
    number: NumberTable
    fields: tuple[FieldTable, ...]
    legal_basis: tuple[LegalBasis, ...]
    licence_field: str | None = None
    rules: tuple[Rule, ...] = ()
    full_view: bool = False
