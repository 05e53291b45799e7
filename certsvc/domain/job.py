"""What became of work that somebody else does."""

from dataclasses import dataclass

MOST_IN_VAIN = 3
"""So often is begun what ends its worker's process each time."""


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job failed the last time it was tried: a stable code, and what it means."""

    code: str
    zh: str
    en: str
