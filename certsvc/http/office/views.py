"""From what the register says to what the API answers."""

from collections.abc import Sequence

from certsvc.domain.acts import ACTS
from certsvc.domain.certificate import RegisteredCertificate, RegisteredDocument
from certsvc.domain.job import JobError
from certsvc.domain.life import Event, Period
from certsvc.domain.states import Condition, national_state
from certsvc.domain.token import to_digits
from certsvc.http.office.shapes import (
    CertificateShape,
    ConditionShape,
    DocumentShape,
    EventShape,
    IssuerShape,
    PeriodShape,
    StatusShape,
    TermShape,
    WaitingShape,
)
from certsvc.issuance.reading import Seen

CERTIFICATES = "/v1/certificates"


def certificate_shape(seen: Seen, public_url: str) -> CertificateShape:
    """A certificate as the API shows it."""
    reservation, public = seen.reservation, seen.public
    issuer = reservation.issuer
    return CertificateShape(
        code=reservation.ref.typed_code,
        state="reserved" if reservation.issued_at is None else "issued",
        type=reservation.type_id,
        type_version=reservation.type_version,
        number=reservation.number,
        version=reservation.version,
        identifier=reservation.identifier,
        issuer=IssuerShape(name=issuer.name, uscc=issuer.uscc),
        term=TermShape(start=reservation.term.start, end=reservation.term.end),
        subject=reservation.subject,
        act=reservation.act.value,
        layout=reservation.layout,
        url=f"{public_url}/Q/{to_digits(reservation.token)}" if reservation.token else None,
        holder=public.holder_name if public else None,
        category=public.category.value if public else None,
        issued_at=reservation.issued_at,
        licence=reservation.licence_ref.typed_code if reservation.licence_ref else None,
        newest=seen.newest_version.typed_code if seen.newest_version else None,
        successor=public.successor.typed_code if public and public.successor else None,
        status=_status(public, seen) if public else None,
        fields=dict(public.public_fields) if public else {},
        documents=[_document(document) for document in seen.documents],
        waiting=_waiting(seen.waiting),
    )


def _waiting(error: JobError | None) -> WaitingShape | None:
    return None if error is None else WaitingShape(code=error.code, zh=error.zh, en=error.en)


def _status(public: RegisteredCertificate, seen: Seen) -> StatusShape:
    national = national_state(public.status, public.term.state(seen.on))
    return StatusShape(
        status=public.status.value,
        national_code=national.code,
        conditions=[_condition(condition) for condition in public.conditions],
        age_s=public.status_age_s,
        on=seen.on,
        known_at=seen.known_at,
    )


def _condition(condition: Condition) -> ConditionShape:
    return ConditionShape(kind=condition.kind.value, since=condition.since, due=condition.due, basis=condition.basis)


def _document(document: RegisteredDocument) -> DocumentShape:
    return DocumentShape(
        layout=document.layout,
        sha256=document.sha256.hex(),
        sealed_at=document.sealed_at,
        href=f"{CERTIFICATES}/{document.ref.typed_code}/documents/{document.layout}",
    )


def event_shape(event: Event, reports: Sequence[str] = ()) -> EventShape:
    """An act on record as the API shows it, with the reports that it corrected."""
    ground = event.ground
    return EventShape(
        id=event.id,
        act=event.act.value,
        operation=ACTS[event.act].code,
        effective=event.effective,
        recorded_at=event.recorded_at,
        by=event.actor,
        organ=event.organ.value,
        confirmed_by=event.confirmed_by,
        reason_code=ground.reason_code,
        reason=ground.reason,
        legal_basis=ground.legal_basis,
        decision_number=ground.decision_number,
        due=ground.due,
        successor=ground.successor,
        retroactive=event.retroactive,
        strikes=event.strikes,
        version=event.version.typed_code if event.version else None,
        reports=[*reports],
    )


def period_shape(period: Period) -> PeriodShape:
    """A state over days as the API shows it."""
    return PeriodShape(
        start=period.start,
        end=period.end,
        status=period.status.value,
        conditions=[_condition(condition) for condition in period.conditions],
        event=period.event.id,
    )
