"""Whether the machine's clock may be put under a timestamp.

Two questions: does the kernel call the clock synchronised, and has it run evenly since it was last looked at? The
second is answered by CLOCK_BOOTTIME, which nobody can set and which goes on while the machine sleeps: the two clocks
drift apart only when one of them is set.
"""

import ctypes
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from certsvc.errors import TimestampUnavailable

LEAP = timedelta(seconds=2)
"""Further apart is a jump. A leap second, and the moment between the two readings, are none."""

SETTLED = timedelta(seconds=60)
"""After a jump the clock must have run evenly for so long; as long as a request may take (`timestamps.REQUEST`), so
that none is answered that took its time before the jump."""

STA_UNSYNC, TIME_ERROR = 0x0040, 5
TIMEX_BYTES = 256
"""More than the kernel's `struct timex` has, on any machine."""


class _Timex(ctypes.Structure):
    """The beginning of `struct timex` of adjtimex(2): with `modes` 0 the call only reads."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        *((name, ctypes.c_long) for name in ("offset", "freq", "maxerror", "esterror")),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * TIMEX_BYTES),
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the clocks: wall clock and time since boot in nanoseconds, and what the kernel says."""

    wall_ns: int
    boot_ns: int
    synchronised: bool


def read_clocks() -> Reading:
    """Look at this machine's clocks."""
    return Reading(time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME), is_synchronised())


def is_synchronised() -> bool:
    """What adjtimex(2) says. A clock that was set is unsynchronised until whoever keeps it says otherwise; so is one
    that cannot be asked."""
    timex = _Timex()
    adjtimex = getattr(_LIBC, "adjtimex", None)
    state = adjtimex(ctypes.byref(timex)) if adjtimex else -1
    return 0 <= state < TIME_ERROR and not timex.status & STA_UNSYNC


_LIBC: Final = ctypes.CDLL(None)


class Clock:
    """The clock under timestamps.

    It is good when it has run evenly since the first look, or for `SETTLED` since it last jumped, and the kernel calls
    it synchronised. `unsafe_unsynchronised` leaves out the last: for demonstrations, whose tokens say so.
    """

    def __init__(self, *, unsafe_unsynchronised: bool, read: Callable[[], Reading] = read_clocks) -> None:
        self._unsafe_unsynchronised, self._read = unsafe_unsynchronised, read
        self._lock = threading.Lock()
        self._apart_ns: int | None = None
        self._jumped_ns: int | None = None

    def require_good(self) -> bool:
        """See that the clock is good now; whether the kernel calls it synchronised.

        Raises:
            TimestampUnavailable: it jumped, or it is not synchronised and must be.
        """
        with self._lock:
            reading = self._read()
            self._notice(reading)
            if self._jumped_ns is not None:
                raise TimestampUnavailable(
                    "系统时钟被调过，走稳一分钟后才签时间戳。",
                    "The clock has jumped: no timestamp until it has run evenly for a minute.",
                )
        if not (reading.synchronised or self._unsafe_unsynchronised):
            raise TimestampUnavailable(
                "系统时钟没有同步，不签时间戳：请检查 NTP。",
                "The clock is not synchronised: no timestamp is given. Look at NTP on this machine.",
            )
        return reading.synchronised

    def _notice(self, reading: Reading) -> None:
        """Compared is with the first look, not the last: many small leaps are one great one."""
        apart = reading.wall_ns - reading.boot_ns
        if self._apart_ns is None:
            self._apart_ns = apart
        elif abs(apart - self._apart_ns) > LEAP.total_seconds() * 1e9:
            self._apart_ns, self._jumped_ns = apart, reading.boot_ns
        elif self._jumped_ns is not None and reading.boot_ns - self._jumped_ns >= SETTLED.total_seconds() * 1e9:
            self._jumped_ns = None
