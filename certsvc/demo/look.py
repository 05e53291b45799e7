"""Look at what was issued as a stranger would: open each file, and read the QR from a picture of each page."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from certsvc.domain.states import Status
from certsvc.verify.file import verify_file
from certsvc.verify.pixels import read_pages
from certsvc.verify.report import Outcome, Report, Soundness, Verdict
from certsvc.verify.scan import verify_scan
from certsvc.verify.service import Verifying


@dataclass(frozen=True, slots=True)
class Seen:
    """The reports on all sealed files of one certificate, and on the QR in the picture of each."""

    files: Sequence[Report]
    pictures: Sequence[Report]

    def counts(self, *, sound_is_enough: bool) -> dict[str, bool]:
        """Whether every file and every picture was as it should be; see `_good`."""
        return {
            "file": all(_good(report, sound_is_enough) for report in self.files),
            "picture": all(_good(report, sound_is_enough) for report in self.pictures),
        }


async def look_at(verifying: Verifying, papers: Sequence[Path], turn: asyncio.Semaphore) -> Seen:
    """Verify the sealed files of one certificate; `turn` bounds how many are at work at once."""
    async with turn:
        contents = [path.read_bytes() for path in papers]
        files = [await verify_file(verifying, data, datetime.now(UTC)) for data in contents]
        pictures = [await verify_scan(verifying, _digits(data), datetime.now(UTC)) for data in contents]
    return Seen(files, pictures)


def _digits(pdf: bytes) -> str:
    """The one verification QR on the page, as a picture shows it."""
    (digits,) = read_pages(pdf)
    return digits


def _good(report: Report, sound_is_enough: bool) -> bool:
    """Valid; or genuine, and not in force because somebody acted on it, or on its licence, since it was issued."""
    if report.verdict is Verdict.VALID:
        return True
    if report.document is not Soundness.SOUND:
        return False
    acted = report.status not in {None, Status.UNKNOWN, Status.VALID}
    stopped = report.certificate is not None and report.certificate.licence is Outcome.FAILED
    return sound_is_enough or acted or stopped
