"""Files on disk: one report each, and a file that cannot be read is a report too."""

from datetime import datetime
from pathlib import Path
from typing import Any

from certsvc.domain.calendar import TermState
from certsvc.errors import CertsvcError, FileTooLarge, NotAPdf, UnreadableFile, WorkersBusy
from certsvc.verify.file import verify_file
from certsvc.verify.inspection import MAX_FILE
from certsvc.verify.json import report_json
from certsvc.verify.report import Check, Outcome, Report, Soundness, conclude
from certsvc.verify.service import Verifying


async def verify_path(verifying: Verifying, path: Path, now: datetime) -> dict[str, Any]:
    """The report on a file, as `report_json`, with its path under `file`.

    What is no PDF, too large or unreadable is undetermined, with the error's code as the reason.

    Raises:
        OSError: the file cannot be opened.
    """
    with path.open("rb") as file:
        data = file.read(MAX_FILE + 1)  # one byte more says that it is too large
    try:
        report = await verify_file(verifying, data, now)
    except (FileTooLarge, NotAPdf, UnreadableFile, WorkersBusy) as error:
        report = _unread(error, now)
    return {"file": str(path), **report_json(report)}


def _unread(error: CertsvcError, now: datetime) -> Report:
    return Report(
        asked_at=now,
        source="file",
        document=Soundness.UNKNOWN,
        status=None,
        status_age_s=None,
        term=TermState.UNKNOWN,
        verdict=conclude(Soundness.UNKNOWN, None, TermState.UNKNOWN),
        checks=(Check("file", Outcome.UNKNOWN, error.code),),
    )
