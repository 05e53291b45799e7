"""Who acts, and what they may do."""

from dataclasses import dataclass, field

from certsvc.errors import Forbidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A person or a system. A scope is `action:type-id`; `*` stands for every type."""

    name: str
    scopes: frozenset[str] = field(default=frozenset())

    def require(self, action: str, type_id: str) -> None:
        """Raise `Forbidden` unless a scope covers `action` on `type_id`."""
        if not self.scopes & {f"{action}:{type_id}", f"{action}:*"}:
            raise Forbidden(
                f"{self.name} 没有对 {type_id} 进行 {action} 的权限。", f"{self.name} may not {action} {type_id}."
            )
