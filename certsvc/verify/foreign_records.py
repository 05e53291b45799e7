"""Records from elsewhere on the page of a licence: one question beside that to the register."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from certsvc.catalog import Catalog, CertificateType
from certsvc.domain.calendar import beijing_date
from certsvc.domain.certificate import Category
from certsvc.domain.record import ForeignRecord, ReportedState
from certsvc.domain.source import Freshness, SourceHealth
from certsvc.errors import NotFound, RegisterUnavailable, StoreError
from certsvc.verify.face_field import FaceField
from certsvc.verify.foreign import Doubt, Elsewhere, ForeignReport, SourceReport
from certsvc.verify.report import Report
from certsvc.verify.service import Verifying


async def with_elsewhere(verifying: Verifying, report: Report) -> Report:
    """The report with what others reported of the business, if it is about a licence and they can be asked at all. That
    they could not answer is said, never passed over; the verdict stays what it is.
    """
    main = report.certificate
    if verifying.records is None or main is None or main.certificate.category is not Category.LICENCE:
        return report
    if main.certificate.subject is None:
        return report
    try:
        found = await verifying.records.elsewhere(main.certificate.subject)
    except (RegisterUnavailable, StoreError):  # a database that answers nonsense has not answered
        return replace(report, elsewhere=Elsewhere(answered=False))
    return replace(report, elsewhere=judge(verifying.catalog, found, report.asked_at))


def judge(catalog: Catalog, found: Sequence[tuple[SourceHealth, ForeignRecord | None]], now: datetime) -> Elsewhere:
    """What is to be made of the answer at this time."""
    sources = {health.source.id: health for health, _ in found}
    return Elsewhere(
        answered=True,
        sources=tuple(
            SourceReport(health=health, freshness=health.freshness(now)) for _, health in sorted(sources.items())
        ),
        records=tuple(foreign_report(catalog, health, record, now) for health, record in found if record is not None),
    )


def foreign_report(catalog: Catalog, health: SourceHealth, record: ForeignRecord, now: datetime) -> ForeignReport:
    """One record: as its source has it, unless something says that this is not known any more."""
    content, kind = record.content, _type_of(catalog, record.content.kind)
    doubtful = record.missing_since is not None or record.contradicted
    confirmed_at = record.observed_at if doubtful else health.confirmed_at(record.observed_at)
    doubt = _doubt(health, record, kind, confirmed_at, now)
    rows = kind.rows(content.facts) if kind else []
    return ForeignReport(
        record=record,
        source=health,
        title_zh=kind.zh if kind else content.kind_name,
        title_en=kind.en if kind else content.kind_name,
        state=ReportedState.UNKNOWN if doubt else content.state,
        doubt=doubt,
        term=content.term.state(beijing_date(now)),
        confirmed_at=confirmed_at,
        fields=tuple(FaceField(key=field.key, zh=field.zh, en=field.en, value=text) for field, text in rows),
    )


def _doubt(
    health: SourceHealth, record: ForeignRecord, kind: CertificateType | None, confirmed_at: datetime, now: datetime
) -> Doubt | None:
    if record.missing_since is not None:
        return Doubt.MISSING
    if record.contradicted:
        return Doubt.CONTRADICTED
    if health.freshness(now) is Freshness.SILENT:
        return Doubt.SILENT
    if kind is not None and now - confirmed_at > kind.status_max_age:
        return Doubt.TOO_OLD
    return Doubt.NO_WORD if record.content.state is ReportedState.UNKNOWN else None


def _type_of(catalog: Catalog, kind: str) -> CertificateType | None:
    try:
        return catalog.latest(kind)
    except NotFound:
        return None
