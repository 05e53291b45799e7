"""Rules across the fields of a payload, as `type.toml` states them. A rule is asked only of fields that are sound."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

import msgspec

from certsvc.domain.calendar import years_after
from certsvc.domain.holder import is_holder_code

Years = Annotated[int, msgspec.Meta(ge=1, le=100)]


class _Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="rule"):
    """`field` is the one to correct; `zh` and `en` say to people what is wrong."""

    field: str
    zh: str
    en: str

    @property
    def code(self) -> str:
        """The stable code of a problem under this rule: its name in `type.toml`."""
        return str(self.__struct_config__.tag)

    @property
    def others(self) -> tuple[str, ...]:
        """The other fields the rule looks at."""
        return ()


class Prefix(_Rule, frozen=True, kw_only=True, tag="prefix"):
    """A text begins with `value`."""

    value: str

    def holds(self, payload: Mapping[str, Any]) -> bool:
        """Whether the payload keeps the rule."""
        return str(payload[self.field]).startswith(self.value)


class NotBefore(_Rule, frozen=True, kw_only=True, tag="not_before"):
    """A date is not before that of the field `start`."""

    start: str

    @property
    def others(self) -> tuple[str, ...]:
        """The first day."""
        return (self.start,)

    def holds(self, payload: Mapping[str, Any]) -> bool:
        """Whether the payload keeps the rule."""
        return date.fromisoformat(payload[self.start]) <= date.fromisoformat(payload[self.field])


class MostYears(_Rule, frozen=True, kw_only=True, tag="most_years"):
    """A last day lies at most `years` after the first in the field `start`, both days counted."""

    start: str
    years: Years

    @property
    def others(self) -> tuple[str, ...]:
        """The first day."""
        return (self.start,)

    def holds(self, payload: Mapping[str, Any]) -> bool:
        """Whether the payload keeps the rule."""
        return date.fromisoformat(payload[self.field]) < years_after(
            date.fromisoformat(payload[self.start]), self.years
        )


class CountOf(_Rule, frozen=True, kw_only=True, tag="count_of"):
    """A number is how many entries the field `list` has."""

    list: str

    @property
    def others(self) -> tuple[str, ...]:
        """The list that is counted."""
        return (self.list,)

    def holds(self, payload: Mapping[str, Any]) -> bool:
        """Whether the payload keeps the rule."""
        return bool(payload[self.field] == len(payload[self.list]))


class CodeOfKind(_Rule, frozen=True, kw_only=True, tag="code_of_kind"):
    """A code is one of the kind (GB/T 36903 Annex A) that the field `kind` names."""

    kind: str

    @property
    def others(self) -> tuple[str, ...]:
        """The kind of the code."""
        return (self.kind,)

    def holds(self, payload: Mapping[str, Any]) -> bool:
        """Whether the payload keeps the rule."""
        return is_holder_code(str(payload[self.kind]), str(payload[self.field]))


Rule = Prefix | NotBefore | MostYears | CountOf | CodeOfKind
