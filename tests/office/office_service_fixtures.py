"""The service as a fixture: served as an operator starts it, for one module."""

import sys
from collections.abc import Iterator

import pytest
from demonstration import ROOT, Demonstration, NewHome
from office_served import SYSTEM, Service, register

sys.path.insert(0, str(ROOT / "tests" / "demo"))
from served import free_port, served


@pytest.fixture(scope="module")
def service(demonstration: Demonstration, new_home: NewHome) -> Iterator[Service]:
    """A copy of the demonstration, served for one module; no traceback is left in its log."""
    home, port = demonstration.home.copied_to(new_home()), free_port()
    url = f"http://127.0.0.1:{port}"
    with (home.path / "settings.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'\n[office]\nurl = "{url}"\nrequests_per_minute = 100000\n')
    log = home.path / "log"
    with log.open("w") as said, served(home, "serve", "--role", "all", port=port, said=said) as running:
        client_id, key = register(home, "department", SYSTEM)
        yield Service(running, home, url, client_id, key)
        running.stop()
    unexpected = [line for line in log.read_text("utf-8").splitlines() if "Traceback" in line or '"unexpected' in line]
    assert unexpected == []
