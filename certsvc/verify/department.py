"""A department's document under seals of ours: no certificate, and nothing that passes for one. The file itself comes
first, then the register, which has to know it by its digest and its seals one by one, in their order.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from certsvc.domain.calendar import TermState
from certsvc.domain.document_seal import DepartmentDocument
from certsvc.errors import RegisterUnavailable, StoreError
from certsvc.verify.inspection import Inspection, Signer
from certsvc.verify.keys_today import check_keys_today
from certsvc.verify.report import Check, Outcome, Report, SealedReport, Soundness, conclude_document, soundness
from certsvc.verify.service import Verifying

OF_OUR_PAGES = frozenset({"format", "active_content"})
"""Checks on how a page of ours is built."""

KNOWN = {Outcome.PASSED: True, Outcome.FAILED: False, Outcome.UNKNOWN: None}


async def department_document(
    verifying: Verifying, inspection: Inspection, data: bytes, now: datetime
) -> Report | None:
    """The report on a file that has seals and no data of a certificate, if it is on record as a department's document
    or seals of ours cover it; nothing for any other file. What is not on record is not valid."""
    if inspection.attachment is not None or not inspection.signers:
        return None
    record, on_record = await _find(verifying, data)
    if record is None and not inspection.is_ours:
        return None
    checks = [check for check in inspection.checks if check.kind not in OF_OUR_PAGES]
    checks += [check_keys_today(inspection.signers, verifying.anchors, KNOWN[on_record.outcome]), on_record]
    if record is not None:
        checks.append(_check_seals(record, inspection.signers))
    return _report(soundness(checks), checks, SealedReport(record=record, sealed_at=_times(inspection)), now)


async def _find(verifying: Verifying, data: bytes) -> tuple[DepartmentDocument | None, Check]:
    if verifying.register is None:
        return None, Check("on_record", Outcome.UNKNOWN, "register_not_asked")
    try:
        record = await verifying.register.find_department_document(hashlib.sha256(data).digest())
    except (RegisterUnavailable, StoreError):
        return None, Check("on_record", Outcome.UNKNOWN, "register_unavailable")
    if record is None:
        return None, Check("on_record", Outcome.FAILED, "document_not_on_record")
    return record, Check("on_record", Outcome.PASSED, "document_on_record")


def _check_seals(record: DepartmentDocument, signers: Sequence[Signer]) -> Check:
    """Whether the seals in the file are those on record, each of its owner: none more, none less, none in another's
    place."""
    same = tuple(signer.uscc for signer in signers) == tuple(seal.owner_uscc for seal in record.seals)
    return Check("seals", Outcome.PASSED if same else Outcome.FAILED, "seals_on_record" if same else "other_seals")


def _times(inspection: Inspection) -> tuple[datetime | None, ...]:
    times = (signer.sealed_at for signer in inspection.signers)
    return tuple(None if time is None else datetime.fromtimestamp(time, UTC) for time in times)


def _report(document: Soundness, checks: Sequence[Check], sealed: SealedReport, now: datetime) -> Report:
    return Report(
        asked_at=now,
        source="file",
        document=document,
        status=None,
        status_age_s=None,
        term=TermState.UNKNOWN,
        verdict=conclude_document(document),
        checks=tuple(checks),
        sealed=sealed,
    )
