"""The clock under timestamps, with readings put in: jumps either way, sleep, leap seconds, who keeps it."""

import ctypes
from collections.abc import Sequence

import pytest

from certsvc.authority import clock as clock_module
from certsvc.authority.clock import Clock, Reading, is_synchronised, read_clocks
from certsvc.errors import TimestampUnavailable

SECOND = 1_000_000_000
Look = tuple[float, float]


def verdicts(looks: Sequence[Look], *, synchronised: bool = True) -> list[bool]:
    """Whether the clock is good at each look: (wall, boot) in seconds."""
    readings = iter(Reading(int(wall * SECOND), int(boot * SECOND), synchronised) for wall, boot in looks)
    clock = Clock(unsafe_unsynchronised=False, read=lambda: next(readings))
    return [is_good(clock) for _ in looks]


def is_good(clock: Clock) -> bool:
    """Whether tokens may be given."""
    try:
        clock.require_good()
    except TimestampUnavailable:
        return False
    return True


@pytest.mark.parametrize(
    ("looks", "good"),
    [
        pytest.param([(100, 0), (101, 1), (5000, 4900)], [True] * 3, id="even"),
        pytest.param([(100, 0), (2_600_100, 2_600_000)], [True] * 2, id="slept-for-a-month"),
        pytest.param([(100, 0), (110, 11), (111, 11)], [True] * 3, id="leap-seconds"),
        pytest.param([(100, 0), (110, 5), (115, 10)], [True, False, False], id="forwards"),
        pytest.param([(100, 0), (95, 5), (100, 10)], [True, False, False], id="backwards"),
        pytest.param([(100, 0), (110, 5), (166, 61), (170, 65)], [True, False, False, True], id="settled-after-60-s"),
        pytest.param([(100, 0), (110, 5), (110, 10), (170, 70)], [True, False, False, True], id="jumped-back"),
        pytest.param(
            [(100, 0), (110, 5), (150, 40), (180, 70), (210, 100)],
            [True, False, False, False, True],
            id="jumped-again-before-it-settled",
        ),
        pytest.param(
            [(100, 0), (101.5, 1), (103, 2), (104.5, 3), (106, 4), (107.5, 5)], [True] * 5 + [False], id="creeping"
        ),
    ],
)
def test_a_clock_is_good_while_it_runs_evenly(looks: list[Look], good: list[bool]) -> None:
    assert verdicts(looks) == good


def test_an_unsynchronised_clock_is_good_for_a_demonstration_alone() -> None:
    assert verdicts([(100, 0), (101, 1)], synchronised=False) == [False, False]
    clock = Clock(unsafe_unsynchronised=True, read=lambda: Reading(0, 0, False))
    assert clock.require_good() is False


def test_it_comes_back_when_it_is_synchronised_again() -> None:
    readings = iter([Reading(0, 0, True), Reading(SECOND, SECOND, False), Reading(2 * SECOND, 2 * SECOND, True)])
    clock = Clock(unsafe_unsynchronised=False, read=lambda: next(readings))
    assert [is_good(clock) for _ in range(3)] == [True, False, True]


def test_a_jump_is_forgotten_only_when_somebody_keeps_the_clock() -> None:
    looks = [(0, 0, True), (9, 1, False), (100, 92, False), (200, 192, True)]
    readings = iter(Reading(wall * SECOND, boot * SECOND, kept) for wall, boot, kept in looks)
    clock = Clock(unsafe_unsynchronised=False, read=lambda: next(readings))
    assert [is_good(clock) for _ in looks] == [True, False, False, True]


def test_this_machines_clocks_can_be_read() -> None:
    first, second = read_clocks(), read_clocks()
    assert second.boot_ns >= first.boot_ns > 0
    assert abs((second.wall_ns - second.boot_ns) - (first.wall_ns - first.boot_ns)) < SECOND


@pytest.mark.parametrize(
    ("state", "status", "synchronised"),
    [
        pytest.param(0, 0x2001, True, id="kept"),
        pytest.param(1, 0x2001, True, id="a-leap-second-is-to-come"),
        pytest.param(5, 0x2001, False, id="error"),
        pytest.param(0, 0x0041, False, id="unsynchronised"),
        pytest.param(-1, 0, False, id="refused"),
    ],
)
def test_what_the_kernel_says(state: int, status: int, synchronised: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    class Kernel:
        def adjtimex(self, pointer: object) -> int:
            timex = ctypes.cast(pointer, ctypes.POINTER(clock_module._Timex)).contents  # type: ignore[arg-type]
            assert timex.modes == 0  # it only reads
            timex.status = status
            return state

    monkeypatch.setattr(clock_module, "_LIBC", Kernel())
    assert is_synchronised() is synchronised


def test_a_kernel_that_cannot_be_asked_is_not_synchronised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock_module, "_LIBC", object())
    assert not is_synchronised()
