"""The village's day as a fixture: one served demonstration for a module."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from day_room import Day
from demonstration import Demonstration, Home, NewHome
from playwright.sync_api import Browser

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "browser"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "demo"))
from gallery import browser
from served import free_port, served

__all__ = ["browser"]


@pytest.fixture(scope="module")
def village_day_home(demonstration: Demonstration, new_home: NewHome) -> Home:
    """A copy of the demonstration of this module."""
    return demonstration.home.copied_to(new_home())


@pytest.fixture(scope="module")
def village_day(village_day_home: Home, browser: Browser) -> Iterator[Day]:
    """It is served under the address that its new proofs name, with its worker."""
    port = free_port()
    base = f"http://localhost:{port}"
    settings = village_day_home.path / "settings.toml"
    text = settings.read_text("utf-8")
    settings.write_text(text.replace("http://localhost:8000", base), encoding="utf-8")
    log = village_day_home.path / "log"
    with log.open("w") as said, served(village_day_home, "serve", "--role", "all", port=port, said=said) as running:
        yield Day(base, browser)
        running.stop()
    assert [line for line in log.read_text("utf-8").splitlines() if "Traceback" in line] == []
