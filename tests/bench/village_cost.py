"""What a page costs in processor time: the office's own process, and the sessions of PostgreSQL."""

import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor seconds of one page."""

    office: float
    postgres: float

    @property
    def whole(self) -> float:
        """Both."""
        return self.office + self.postgres


def middle(costs: Sequence[Cost]) -> float:
    """The median of the whole, in seconds."""
    return statistics.median(cost.whole for cost in costs)


def said(costs: Sequence[Cost]) -> str:
    """Median, share of PostgreSQL and 95th percentile, in words."""
    whole = sorted(cost.whole for cost in costs)
    postgres = statistics.median(cost.postgres for cost in costs)
    half, most = middle(costs), whole[int(0.95 * (len(whole) - 1))]
    return f"{1000 * half:6.1f} ms (PostgreSQL {1000 * postgres:5.1f}) 95 % {1000 * most:6.1f}"


async def postmaster_of(uri: str) -> int:
    """The process that begins the sessions of a server."""
    connection = await asyncpg.connect(uri)
    try:
        backend: int = await connection.fetchval("select pg_backend_pid()")
        return _parent(backend)
    finally:
        await connection.close()


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def backends(postmaster: int) -> dict[int, float]:
    """Seconds on a processor of every session of PostgreSQL, to the nanosecond."""
    found = {}
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    for pid in map(int, children):
        try:
            if Path(f"/proc/{pid}/cmdline").read_text().startswith("postgres: certsvc "):  # no autovacuum
                found[pid] = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
        except OSError:
            continue
    return found


def load() -> float:
    """How busy the machine is."""
    return os.getloadavg()[0]
