"""The office as a fixture: made once, copied for each test."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from demonstration import Home, NewHome
from desk import Desk
from key_office import PLAN, KeyOffice, opened

from certsvc import app
from certsvc.ids import Ref
from certsvc.settings import load_settings
from certsvc.store.migrate import migrate


@pytest.fixture(scope="session")
def office_template(shared_folder: Path, desk: Desk) -> Home:
    """An authority with one sealed proof, at rest."""
    home = Home(shared_folder / f"office-{os.getpid()}")  # stays when a module's own folders go
    settings = load_settings({"CERTSVC_HOME": str(home.path)})
    app.hold_ceremony(settings, PLAN, datetime.now(UTC))
    with opened(home, desk) as office:
        desk.run(migrate(office.uris.writer))
        made, file = office.issue()
    (home.path / "old.pdf").write_bytes(file)
    (home.path / "old.ref").write_text(str(made.ref.value))
    return home


@pytest.fixture
def office(office_template: Home, new_home: NewHome, desk: Desk) -> Iterator[KeyOffice]:
    """A copy of it, to do harm to."""
    home = office_template.copied_to(new_home())
    with opened(home, desk) as office:
        ref = Ref(int((home.path / "old.ref").read_text()))
        office.old_file = (home.path / "old.pdf").read_bytes()
        office.old = office.with_keys(lambda issuing, now: issuing.register.reservation(ref))
        yield office
    home.remove()
