"""How far a case has come, for who has its code: no names of persons, no reasons; those are with who applied."""

from dataclasses import dataclass
from datetime import datetime

from certsvc.domain.calendar import beijing_date
from certsvc.domain.case import PENDING, Progress
from certsvc.errors import NotFound, RegisterUnavailable
from certsvc.ids import parse_typed_code
from certsvc.verify.gather import part_report
from certsvc.verify.report import PartReport
from certsvc.verify.service import Verifying


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseReport:
    """A case at one time."""

    asked_at: datetime
    progress: Progress
    parts: tuple[PartReport, ...]

    @property
    def is_finished(self) -> bool:
        """Whether every part has come to its end."""
        return not any(report.part.state in PENDING for report in self.parts)


async def follow_case(verifying: Verifying, code: str, now: datetime) -> CaseReport:
    """Report on a case by its code.

    Raises:
        InvalidIdentifier, WrongCheckCharacter: mistyped; the register was not asked.
        NotFound: no case has this code.
        RegisterUnavailable: it cannot be known now.
    """
    ref = parse_typed_code(code)
    if verifying.register is None:
        raise RegisterUnavailable("登记簿现在查不了。", "The register cannot be asked now.")
    progress = await verifying.register.progress(ref)
    if progress is None:
        raise NotFound(
            "没有查到这个办件码。请对照受理回执再输一次。", "No case has this code: compare it with the receipt."
        )
    parts = tuple(part_report(verifying.catalog, part, beijing_date(now)) for part in progress.parts)
    return CaseReport(asked_at=now, progress=progress, parts=parts)
