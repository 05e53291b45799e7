"""Programs beside Python: a test that needs one says so, and what is left out is said at the end."""

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest
from chosen import ALL, FEW_FILES, LEFT_OUT, LONG

pytest_plugins = ["demonstration", "desk", "servers", "softhsm"]

MISSING = "{} is missing"
LONG_WEIGHS = 20
"""How many others a long test is worth, roughly; one marked `long(seconds=…)`, as many for each of them."""

JARS = {"verapdf": "CERTSVC_VERAPDF_JARS", "dss": "CERTSVC_DSS_JARS"}
CWT_PYTHON = "CERTSVC_CWT_PYTHON"
POSTGRES_BIN = "CERTSVC_TEST_POSTGRES_BIN"


def is_there(program: str) -> bool:
    """Whether `program` (or what stands behind its name) can be used on this machine."""
    if program == "root":
        return os.geteuid() == 0
    if program in JARS:
        return shutil.which("java") is not None and any(Path(os.environ.get(JARS[program], "/nowhere")).glob("*.jar"))
    if program == "softhsm":
        from softhsm import find_softhsm  # a plugin must not be imported before pytest does it

        return find_softhsm() is not None
    if program == "cwt-oracle":
        return Path(os.environ.get(CWT_PYTHON, "/nowhere")).is_file()
    if program == "postgres-15":
        return (Path(os.environ.get(POSTGRES_BIN, "/nowhere")) / "postgres").is_file()
    return shutil.which(program) is not None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long ones to --all, unless few files are asked for; and begin with the files that last longest, so that
    at the end no process works on one while the others have nothing left."""
    twice = {item for item in items if item.get_closest_marker("one_server") and "postgres-15" in item.name}
    items[:] = [item for item in items if item not in twice]
    config.hook.pytest_deselected(items=[*twice])
    if not ALL and len({item.path for item in items}) > FEW_FILES:
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason=LONG))
    weights = Counter[Path]()
    for item in items:
        weights[item.path] += weight(item)
    items.sort(key=lambda item: (-weights[item.path], str(item.path)))


def weight(item: pytest.Item) -> int:
    """How long it lasts, one of the short ones being 1."""
    if mark := item.get_closest_marker("long"):
        return LONG_WEIGHS * int(mark.kwargs.get("seconds", 1)) if ALL else 0
    return 1


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or with --all fail, a test whose program is missing."""
    for mark in item.iter_markers("needs"):
        for program in mark.args:
            if is_there(program):
                continue
            if os.environ.get("CERTSVC_TEST_ALL"):
                pytest.fail(f"{program} is missing, and --all leaves nothing out", pytrace=False)
            pytest.skip(MISSING.format(program))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say plainly what was left out."""
    if not ALL:
        terminalreporter.write_line(LEFT_OUT)
    reasons = [report.longrepr[2] for report in terminalreporter.stats.get("skipped", ())]
    for reason, count in sorted(Counter(reasons).items()):
        terminalreporter.write_line(f"LEFT OUT: {count} tests, because {reason.removeprefix('Skipped: ')}")
