"""Who acts, and what they may do."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

from certsvc.domain.scope import Scope, parse_scope
from certsvc.errors import Forbidden, InvalidInput
from certsvc.ids import Uscc


@dataclass(frozen=True, kw_only=True)
class Actor:
    """A person or a system. Scopes are written as `domain.scope` says; `*` stands for every type."""

    name: str
    scopes: frozenset[str] = field(default=frozenset())

    @cached_property
    def _parsed(self) -> tuple[Scope, ...]:
        """What is no scope grants nothing."""
        parsed = []
        for text in sorted(self.scopes):
            with suppress(InvalidInput):
                parsed.append(parse_scope(text))
        return tuple(parsed)

    def may(self, action: str, type_id: str, seals: Iterable[str] = (), area: str | None = None) -> bool:
        """Whether scopes cover `action` on `type_id`; under each of the seals and in the area, where they are given."""
        return all(
            any(scope.covers(action, type_id, seal, area) for scope in self._parsed)
            for seal in (tuple(seals) or (None,))
        )

    def reach(self, action: str) -> tuple[Scope, ...]:
        """How far an action goes: its scopes."""
        return tuple(scope for scope in self._parsed if scope.action == action)

    def require(self, action: str, type_id: str, seals: Iterable[str] = (), area: str | None = None) -> None:
        """Raise `Forbidden` unless `may`."""
        if not self.may(action, type_id, seals, area):
            raise Forbidden(
                f"{self.name} 没有对 {type_id} 进行 {action} 的权限。", f"{self.name} may not {action} {type_id}."
            )


def area_of(organ: Uscc) -> str:
    """The area of an organ: the six digits of GB/T 2260 in its code."""
    return organ[2:8]
