"""Files on disk: one report each, and a file that cannot be read is a report too."""

import os
import stat
from datetime import datetime
from pathlib import Path
from typing import Any

from certsvc.domain.calendar import TermState
from certsvc.errors import (
    CertsvcError,
    FileTooLarge,
    NoQrInPhoto,
    NotAPdf,
    PhotoFormat,
    UnreadableFile,
    WorkersBusy,
)
from certsvc.verify.inspection import MAX_FILE
from certsvc.verify.json import report_json
from certsvc.verify.photo import examine_upload
from certsvc.verify.report import Check, Outcome, Report, Soundness, conclude
from certsvc.verify.service import Verifying


async def verify_path(verifying: Verifying, path: Path, now: datetime) -> dict[str, Any]:
    """The report on a file, as `report_json`, with its path under `file`.

    What cannot be opened, is no PDF, too large or unreadable is undetermined, with the error's code as the reason.
    """
    try:
        report = (await examine_upload(verifying, _read(path), now)).report
    except (FileTooLarge, NoQrInPhoto, NotAPdf, PhotoFormat, UnreadableFile, WorkersBusy) as error:
        report = _unread(error, now)
    return {"file": str(path), **report_json(report)}


def _read(path: Path) -> bytes:
    """The content of a regular file; anything else, such as a pipe, could keep us waiting for ever."""
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UnreadableFile(f"{path} 不是普通文件。", f"{path} is no regular file.")
            return file.read(MAX_FILE + 1)  # one byte more says that it is too large
    except OSError as error:
        raise UnreadableFile(f"读不了 {path}：{error.strerror}", f"Cannot read {path}: {error.strerror}") from None


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
