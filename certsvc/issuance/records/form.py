"""What a source sends: one record, or a list of all it has. Structure and limits are checked here, sense elsewhere."""

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from certsvc.domain.record import ReportedState

Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Kind = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9/_.-]{0,99}$(?!\n)", description="A type of ours, or a code of yours.")
]
RecordId = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:~-]{0,99}$(?!\n)",
        description="The permit's id in the source's own system.",
    ),
]
Organisation = Annotated[
    str,
    Meta(
        pattern=r"^[0-9A-Za-z]{18}$",
        max_length=18,
        description="A unified social credit code. A wrong check character is a warning, not a refusal.",
    ),
]
FactKey = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,59}$(?!\n)")]
FactText = Annotated[str, Meta(max_length=2000, pattern=r"^[^\x00]*$")]
FactNumber = Annotated[int, Meta(ge=-(10**15), le=10**15)]
Fact = FactText | FactNumber | bool | Annotated[list[FactText], Meta(max_length=100)]
Instant = Annotated[datetime, Meta(tz=True)]
MOST_EXPECTED = 1_000_000_000


class IssuerForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The organ that issued the permit."""

    name: Name
    uscc: Organisation


class TermForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """First and last day of force; no last day means no fixed term."""

    start: date
    end: date | None = None


class NationalStateForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A state in the words of the national collection interface (certState); 99 with a description."""

    code: Literal["01", "02", "03", "04", "05", "06", "07", "99"]
    description: Annotated[str, Meta(min_length=1, max_length=100)] | None = None


class RecordForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A permit as its source has it. The state is given by `state`, in our words, or by `national_state`.

    `facts` are those that the type of ours lets the public see; a kind that is no type of ours has none, for nobody
    could say which of them may be seen. `kind_name` is needed for such a kind alone.
    """

    kind: Kind
    number: Name
    holder_name: Name
    subject: Organisation
    issuer: IssuerForm
    term: TermForm
    kind_name: Name | None = None
    state: ReportedState | None = None
    national_state: NationalStateForm | None = None
    facts: Annotated[dict[FactKey, Fact], Meta(max_length=50)] = {}


class PutForm(RecordForm, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One record; `observed_at` is when it was so in the source's own system."""

    observed_at: Instant


class RowForm(RecordForm, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record in a list of all that a source has."""

    id: RecordId


class ComparedForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record in a list that is to be compared: its digest as this service gave it (hexadecimal), or fields of it, or
    nothing but its id."""

    id: RecordId
    digest: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$", max_length=64)] | None = None
    state: ReportedState | None = None
    national_state: NationalStateForm | None = None
    number: Name | None = None
    term: TermForm | None = None


class Begin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a list begins: the time it speaks of; for one that lacks much of what was there before, how much may be
    missing."""

    observed_at: Instant
    expect_missing: Annotated[int, Meta(ge=0, le=MOST_EXPECTED)] = 0


class BeginLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first line of a list."""

    begin: Begin


class End(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a list ends: with the number of its rows, so that one that broke off is known."""

    rows: Annotated[int, Meta(ge=0)]


class EndLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last line of a list."""

    end: End
