"""Sources: registering one, and telling others when one is late, silent, or heard again."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from certsvc.catalog import Catalog
from certsvc.domain.source import Source, SourceHealth
from certsvc.errors import CertsvcError, InvalidInput, Problem
from certsvc.issuance.records.content import type_of
from certsvc.issuance.records.reporting import SOURCE_ID
from certsvc.services import RecordRegister

KIND = re.compile(r"[A-Za-z0-9][A-Za-z0-9/_.-]{0,99}", re.ASCII)
AREA = re.compile(r"[0-9]{0,6}", re.ASCII)
LONGEST_NAME, MOST_KINDS = 200, 200
TAKEN = frozenset({"sources"})
"""What stands in an address where a source would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A source as registered, and what to think about: a promise that is longer than a type's states may be old."""

    health: SourceHealth
    warnings: Sequence[Problem]


async def add_source(records: RecordRegister, catalog: Catalog, source: Source, actor: str) -> Registered:
    """Register a source; the same again does nothing.

    Raises:
        InvalidInput: something about it is wrong; with each problem.
        Conflict: there is another source of this id.
    """
    _refuse(source)
    health = await records.add_source(source, actor)
    return Registered(health=health, warnings=[*_warnings(catalog, source)])


async def change_source(
    records: RecordRegister, catalog: Catalog, source: Source, actor: str, now: datetime
) -> Registered:
    """Change who feeds a source, its types, and what it promises; it holds at once.

    Raises:
        InvalidInput: something about it is wrong; with each problem.
        NotFound: there is no such source.
    """
    _refuse(source)
    health = await records.change_source(source, actor, now)
    return Registered(health=health, warnings=[*_warnings(catalog, source)])


async def tell_freshness(records: RecordRegister, now: datetime) -> int:
    """Tell others of every source that is late, silent or heard again, once for each change; how many were told of. One
    that fails does not hold up the others.

    Raises:
        CertsvcError: the first that came up, after all were tried.
    """
    told, failures = 0, []
    for health in await records.sources():
        try:
            told += await records.tell_freshness(health.source.id, now) is not None
        except CertsvcError as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return told


def _refuse(source: Source) -> None:
    problems = [*_problems(source)]
    if problems:
        raise InvalidInput(problems[0].zh, problems[0].en, problems=problems)


def _problems(source: Source) -> Iterator[Problem]:
    if not SOURCE_ID.fullmatch(source.id) or source.id in TAKEN:
        zh, en = "编号用小写字母、数字和连字符，最多 63 位。", "An id is small letters, digits and hyphens, 63 at most."
        yield Problem("id", "malformed", zh, en)
    for field, name in (("name", source.zh), ("name_en", source.en)):
        if not 0 < len(name.strip()) <= LONGEST_NAME:
            zh, en = f"名称为 1 至 {LONGEST_NAME} 个字。", f"A name has 1 to {LONGEST_NAME} characters."
            yield Problem(field, "malformed", zh, en)
    if not 0 < len(source.kinds) <= MOST_KINDS or not all(map(KIND.fullmatch, source.kinds)):
        zh, en = f"写明 1 至 {MOST_KINDS} 种证照。", f"Name 1 to {MOST_KINDS} types."
        yield Problem("type", "malformed", zh, en)
    if not AREA.fullmatch(source.area):
        yield Problem("area", "malformed", "区划是代码的前几位数字。", "An area is the first digits of its code.")


def _warnings(catalog: Catalog, source: Source) -> Iterator[Problem]:
    for kind in sorted(source.kinds):
        found = type_of(catalog, kind)
        if found is not None and source.expected_every > found.status_max_age:
            hours = found.status_max_age.total_seconds() / 3600
            zh = f"{found.zh}的状态超过 {hours:.0f} 小时就算不知道，而这个来源可以更久不报。"
            en = f"A state of {kind} is unknown after {hours:.0f} hours; this source may keep silent for longer."
            yield Problem("every", "longer_than_type_allows", zh, en)
