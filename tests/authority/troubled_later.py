"""A later ceremony killed at every step it takes on disk. A program of its own, so that it may fork.

`python troubled_later.py FOLDER EVERY` (every which step is deadly) prints what it did as JSON.
"""

import json
import os
import shutil
import signal
import sys
from datetime import timedelta
from pathlib import Path

from ceremonies import NOW, hold, make_home, open_held, secret
from troubled_ceremony import die_at, ended, require_whole, start

from certsvc.authority.later import LaterPlan, RevocationPlan, hold_later
from certsvc.domain.revocation import Reason

LATER = NOW + timedelta(days=30)
PLAN = LaterPlan(
    id="change",
    why="更换",
    by="陈主管",
    witness="林副主管",
    roll=("issuing", "seal-fire"),
    revoke=(RevocationPlan("seal-fire", Reason.SUPERSEDED),),
)


def main(folder: Path, every: int) -> dict[str, int]:
    """Kill at one step after another until none is left; after each, held again, all is as if never killed."""
    template, plan = make_home(folder)
    if not (template / "authority").exists():
        hold(template, plan)
    open_held(template)
    home, step = folder / "killed", 0
    while True:
        shutil.copytree(template, home)

        def work(step: int = step) -> None:
            die_at(step, home)
            hold_later(PLAN, home, secret(home), LATER)

        status = ended(start(work))
        if status == 0:
            return {"steps": step}
        assert os.WTERMSIG(status) == signal.SIGKILL, status
        require_whole(home / "public")
        hold_later(PLAN, home, secret(home), LATER)
        require_whole(home / "public")
        authority = open_held(home, LATER)
        assert {name for name in authority.names if "." in name} == {"issuing.2", "seal-fire.2"}
        assert [each.name for each in authority.revocations()] == ["seal-fire"]
        assert (home / "authority" / "ceremonies" / "change" / "transcript.txt").exists()
        shutil.rmtree(home)
        step += every


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
