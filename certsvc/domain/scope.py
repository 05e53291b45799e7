"""Scopes: what somebody may do, down to action, certificate type, seal and area.

Written `action:type:seal:area`; seal and area may be left out and then stand for all. An area is the beginning of the
digits of GB/T 2260, so `4419` covers the whole of a city.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from certsvc.domain.acts import Act
from certsvc.errors import InvalidInput

ALL = "*"
LONGEST = 200
READ, VIEW, APPROVE, CASE, DECIDE, RECORD, DOCUMENT, NOTIFY, ANSWER = (
    "read",
    "view",
    "approve",
    "case",
    "decide",
    "record",
    "document",
    "notify",
    "answer",
)
ACTIONS = frozenset({*Act, READ, VIEW, APPROVE, CASE, DECIDE, RECORD, DOCUMENT, NOTIFY, ANSWER})
"""Every act on a certificate; to read what the public sees, and to view the whole content and every sealed file; to
approve what others asked for; to open a case, and to decide a part of one; to register records from elsewhere; to seal
documents of one's own; to be told what happens; to answer what the public reports as wrong."""

NAME = re.compile(r"[a-z0-9][a-z0-9/_.-]{0,99}|\*", re.ASCII)
AREA = re.compile(r"[0-9]{1,6}|\*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One thing that may be done. `seal_id` is a seal's, or `*`; `area` the beginning of an area code, or `*`."""

    action: str
    type_id: str = ALL
    seal_id: str = ALL
    area: str = ALL

    def __str__(self) -> str:
        parts = [self.action, self.type_id, self.seal_id, self.area]
        while len(parts) > 2 and parts[-1] == ALL:
            parts.pop()
        return ":".join(parts)

    def covers(self, action: str, type_id: str, seal_id: str | None, area: str | None) -> bool:
        """Whether this allows `action` there; None stands for “any will do”."""
        return (
            self.action == action
            and (type_id == ALL or self.type_id in (ALL, type_id))
            and (seal_id is None or self.seal_id in (ALL, seal_id))
            and (area is None or self.area == ALL or area.startswith(self.area))
        )


def parse_scope(text: str) -> Scope:
    """A scope from text.

    Raises:
        InvalidInput: it names no action of ours, has too many parts, or a part is malformed.
    """
    action, *rest = text[:LONGEST].split(":")
    if action not in ACTIONS:
        raise InvalidInput(
            f"范围 {text[:LONGEST]!r} 的动作不存在；可用：{'、'.join(sorted(ACTIONS))}。",
            f"The scope {text[:LONGEST]!r} names no action; there are: {', '.join(sorted(ACTIONS))}.",
        )
    patterns = (NAME, NAME, AREA)
    fits = 1 <= len(rest) <= len(patterns) and all(
        pattern.fullmatch(part) for pattern, part in zip(patterns, rest, strict=False)
    )
    if len(text) > LONGEST or not fits:
        raise InvalidInput(
            f"范围 {text[:LONGEST]!r} 应写作 动作:证照类型:印章:区划，印章和区划可省略。",
            f"Write the scope {text[:LONGEST]!r} as action:type:seal:area; seal and area may be left out.",
        )
    type_id, seal_id, area = (*rest, ALL, ALL, ALL)[:3]
    return Scope(action=action, type_id=type_id, seal_id=seal_id, area=area)


def narrowed(registered: Iterable[Scope], asked: Scope) -> bool:
    """Whether what is asked is wholly within one of the scopes registered."""
    return any(
        scope.action == asked.action
        and scope.type_id in (ALL, asked.type_id)
        and scope.seal_id in (ALL, asked.seal_id)
        and (scope.area == ALL or (asked.area != ALL and asked.area.startswith(scope.area)))
        for scope in registered
    )
