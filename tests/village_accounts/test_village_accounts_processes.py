"""What is counted holds for all processes together: none has tries of its own."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from account_room import NOW, Room

from certsvc.domain.account import FREE_TRIES
from certsvc.errors import SignInLocked

pytest_plugins = ["account_fixtures"]
pytestmark = pytest.mark.long
TRYING = Path(__file__).with_name("trying.py")
PROCESSES, TIMES = 3, 6


@pytest.mark.parametrize("is_known", [True, False], ids=["known", "unknown"])
def test_processes_that_try_at_once_have_five_tries_together(account_room: Room, is_known: bool) -> None:
    name = f"孙同试{is_known}"
    if is_known:
        account_room.person(name)
    path = os.pathsep.join((*map(str, (TRYING.parents[1], TRYING.parents[2])), os.environ.get("PYTHONPATH", "")))
    command = [sys.executable, str(TRYING), account_room.database.uri, str(account_room.folder), name, str(TIMES)]
    begun = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path})
        for _ in range(PROCESSES)
    ]
    looked_at = [int(process.communicate(timeout=60)[0]) for process in begun]
    assert sum(looked_at) == FREE_TRIES, looked_at
    with pytest.raises(SignInLocked):
        account_room.enter(name, now=NOW + timedelta(seconds=29))
