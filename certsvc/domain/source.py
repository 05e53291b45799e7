"""Sources: departments that keep their own system and report permits from it. How fresh each is, never rounded up."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from certsvc.ids import Uscc

SILENT_AFTER = 3
"""So many times the interval it promised, and a source counts as silent: nothing is known from it any more."""


class Freshness(StrEnum):
    """How a source keeps its promise. The words are part of the public interface."""

    FRESH = "fresh"
    LATE = "late"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A source as registered. `kinds` are the types it answers for: ids of ours, or codes of types we do not know.
    `area` is the beginning of the area codes of the businesses it answers for, empty for all. It promises to be heard
    every `expected_every`, and to list all it has every `complete_every`; None: it reports changes alone.
    `most_missing_percent` is how much of what it reported may be missing from a list before somebody must confirm it.
    """

    id: str
    zh: str
    en: str
    organisation: Uscc
    client: str
    kinds: frozenset[str]
    area: str
    expected_every: timedelta
    complete_every: timedelta | None
    most_missing_percent: int
    registered_at: datetime

    def answers_for(self, subject: str) -> bool:
        """Whether a business with this code is one that the source would know of."""
        return subject[2:8].startswith(self.area)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """When a source was heard. `last_snapshot_at` is when it last tried to list all it has, `last_complete_at` when
    such a list was taken, `complete_as_of` the time that list speaks of."""

    last_heard_at: datetime | None = None
    last_snapshot_at: datetime | None = None
    last_complete_at: datetime | None = None
    complete_as_of: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """A source, and when it was heard."""

    source: Source
    heard: Heard

    def freshness(self, now: datetime) -> Freshness:
        """The worse of its two promises: to be heard, and to list all it has. A list is as old as what it speaks of."""
        found = [_by_age(self.heard.last_heard_at, self.source.expected_every, now)]
        if self.source.complete_every is not None:
            found.append(_by_age(self.heard.complete_as_of, self.source.complete_every, now))
        return max(found, key=list(Freshness).index)

    def confirmed_at(self, observed_at: datetime) -> datetime:
        """The last time the source is known to have said what it said at `observed_at`, or to have kept to it: by its
        last list; where it sends no lists, by being heard and saying nothing else."""
        alive = self.heard.last_heard_at if self.source.complete_every is None else self.heard.complete_as_of
        return max(observed_at, alive) if alive else observed_at


def _by_age(last: datetime | None, every: timedelta, now: datetime) -> Freshness:
    if last is None or now - last > SILENT_AFTER * every:
        return Freshness.SILENT
    return Freshness.FRESH if now - last <= every else Freshness.LATE
