"""`./dev bench` says how it is called, and measures nothing that nobody asked for."""

import subprocess
import sys

import pytest
from demonstration import ROOT


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """As `./dev bench` calls it."""
    command = [sys.executable, "-m", "tests.bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("arguments", "says"), [([], "the console of villages"), (["village"], "[VILLAGES] [OPEN]"), (["api"], "[ROWS]")]
)
def test_village_asked_for_help_a_bench_ran_or_broke_down(arguments: list[str], says: str) -> None:
    done = bench(*arguments, "--help")
    assert done.returncode == 0 and "usage: ./dev bench" in done.stdout and done.stderr == ""
    assert says in done.stdout


@pytest.mark.parametrize("arguments", [["village", "many"], ["api", "0"], ["nothing"], ["trust", "3"]])
def test_village_what_a_bench_cannot_measure_is_refused_in_words(arguments: list[str]) -> None:
    done = bench(*arguments)
    assert done.returncode == 2 and "usage: ./dev bench" in done.stderr and "Traceback" not in done.stderr
