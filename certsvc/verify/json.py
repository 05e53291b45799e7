"""Reports as JSON. The names are part of the public interface and do not change."""

from collections.abc import Sequence
from typing import Any

import msgspec

from certsvc.domain.certificate import RegisteredCertificate
from certsvc.domain.states import Status, national_state
from certsvc.verify.case import CaseReport
from certsvc.verify.foreign_json import elsewhere_json, foreign_file_json
from certsvc.verify.indications import Indication, etsi_json, indications
from certsvc.verify.report import (
    AsOf,
    CertificateReport,
    Check,
    Outcome,
    PartReport,
    ReceiptReport,
    Report,
    SealedReport,
)


def report_json(report: Report) -> dict[str, Any]:
    """The machine's report: verdict, the three answers, the checks, and what belongs to it."""
    register = None
    if report.status is not None:
        register = {"status": report.status.value, "age_s": report.status_age_s}
    return {
        "verdict": report.verdict.value,
        "document": report.document.value,
        "register": register,
        "term": report.term.value,
        "checks": _checks(report.checks),
        "asked_at": report.asked_at.isoformat(timespec="seconds"),
        "certificate": _certificate(report.certificate) if report.certificate else None,
        "licence": _line(report.licence) if report.licence else None,
        "permits": [_line(permit) for permit in report.permits],
        "pending": [_part(part) for part in report.pending],
        "elsewhere": elsewhere_json(report.elsewhere) if report.elsewhere else None,
        "department_document": _department_document(report.sealed) if report.sealed else None,
        "as_of": _as_of(report.as_of) if report.as_of else None,
        "receipt": _receipt(report.receipt) if report.receipt else None,
        "etsi": etsi_json(report.checks),
        "foreign": foreign_file_json(report.foreign) if report.foreign else None,
        "codes": list(report.codes),
    }


def _receipt(read: ReceiptReport) -> dict[str, Any]:
    """What a receipt that was shown here says; `content` is null where it is not genuine, or that cannot be known."""
    return {
        "content": msgspec.to_builtins(read.receipt) if read.receipt else None,
        "sealed_at": read.sealed_at.isoformat(timespec="seconds") if read.sealed_at else None,
    }


def _as_of(as_of: AsOf) -> dict[str, Any]:
    """The day that the answer is about; null at its place means today. `known_then` is there where the register said
    otherwise at the end of that day: what it said, and null for nothing."""
    then = None
    if as_of.then_at is not None:
        line = _line(as_of.then) if as_of.then else None
        then = {"known_at": as_of.then_at.isoformat(timespec="seconds"), "certificate": line}
    return {
        "date": as_of.day.isoformat(),
        "known_at": as_of.known_at.isoformat(timespec="seconds") if as_of.known_at else None,
        "to_come": as_of.is_to_come,
        "on_record_then": as_of.is_on_record,
        "permits_issued_later": as_of.issued_later,
        "version_in_force": as_of.sheet.typed_code if as_of.sheet else None,
        "known_then": then,
    }


def _department_document(sealed: SealedReport) -> dict[str, Any]:
    """A file under seals of ours that is no certificate; `on_record_since` is null and `seals` are none where it is not
    on record, or that could not be asked."""
    return {
        "on_record_since": sealed.record.recorded_at.isoformat(timespec="seconds") if sealed.record else None,
        "seals": [
            {
                "seal": seal.id,
                "owner": {"name": seal.owner, "uscc": seal.owner_uscc},
                "purpose": seal.purpose,
                "sealed_at": at.isoformat(timespec="seconds") if at else None,
            }
            for seal, at in sealed.seals
        ],
    }


def case_json(case: CaseReport) -> dict[str, Any]:
    """How far a case has come, for a program to read."""
    progress = case.progress
    return {
        "code": progress.ref.typed_code,
        "applicant": progress.applicant,
        "opened_at": progress.opened_at.isoformat(timespec="seconds"),
        "asked_at": case.asked_at.isoformat(timespec="seconds"),
        "finished": case.is_finished,
        "parts": [_part(part) for part in case.parts],
    }


def _part(report: PartReport) -> dict[str, Any]:
    part = report.part
    return {
        "type": part.type_id,
        "title": {"zh": report.title_zh, "en": report.title_en},
        "state": part.state.value,
        "deadline": part.deadline.isoformat() if part.deadline else None,
        "late": report.is_late,
        "documents_due": part.documents_due.isoformat() if part.documents_due else None,
        "typed_code": part.certificate.typed_code if part.certificate else None,
    }


def _checks(checks: Sequence[Check]) -> list[dict[str, str | None]]:
    return [_check(check, found) for check, found in zip(checks, indications(checks), strict=True)]


def _check(check: Check, found: Indication | None) -> dict[str, str | None]:
    """A check with what ETSI EN 319 102-1 calls it; null where the standard, which judges signatures, has no word."""
    return {
        "kind": check.kind,
        "outcome": check.outcome.value,
        "reason": check.reason,
        "indication": found.status.value if found else None,
        "sub_indication": found.sub.value if found and found.sub else None,
    }


def _certificate(report: CertificateReport) -> dict[str, Any]:
    fields = [{"key": item.key, "zh": item.zh, "en": item.en, "value": item.value} for item in report.fields]
    return {**_facts(report), "fields": fields}


def _conditions(certificate: RegisteredCertificate) -> list[dict[str, Any]]:
    """What holds beside the state: since when, by when, on what ground."""
    return [
        {
            "kind": condition.kind.value,
            "since": condition.since.isoformat(),
            "due": condition.due.isoformat() if condition.due else None,
            "basis": condition.basis,
        }
        for condition in certificate.conditions
    ]


def _effects(report: CertificateReport) -> list[dict[str, Any]]:
    """The rules by which the licence acts on the permit, the gravest first."""
    return [
        {
            "effect": consequence.effect.value,
            "cause": consequence.cause,
            "since": consequence.since.isoformat() if consequence.since else None,
            "basis": consequence.ground.basis,
            "certainty": consequence.ground.certainty,
        }
        for consequence in report.consequences
    ]


def _line(report: CertificateReport) -> dict[str, Any]:
    certificate = report.certificate
    return {
        **_facts(report),
        "verdict": report.verdict.value,
        "status": _status(report).value,
        "status_age_s": certificate.status_age_s,
        "term_state": report.term.value,
        "checks": _checks(report.checks),
    }


def _status(report: CertificateReport) -> Status:
    """The state on record, or unknown where the checks did not take it: too old, or of a type not known here."""
    taken = any(check.kind == "status" and check.outcome is not Outcome.UNKNOWN for check in report.checks)
    return report.certificate.status if taken else Status.UNKNOWN


def _facts(report: CertificateReport) -> dict[str, Any]:
    certificate: RegisteredCertificate = report.certificate
    end = certificate.term.end
    national = national_state(_status(report), report.term)
    return {
        "typed_code": certificate.ref.typed_code,
        "type": certificate.type_id,
        "title": {"zh": report.title_zh, "en": report.title_en},
        "number": certificate.number,
        "version": certificate.version,
        "layout": certificate.layout,
        "identifier": certificate.identifier,
        "previous_identifier": certificate.previous_identifier,
        "successor": certificate.successor.typed_code if certificate.successor else None,
        "national_state": {"code": national.code, "description": national.description},
        "holder": certificate.holder_name,
        "subject": certificate.subject,
        "issuer": {"name": certificate.issuer.name, "uscc": certificate.issuer.uscc},
        "term": {"start": certificate.term.start.isoformat(), "end": end.isoformat() if end else None},
        "issued_at": certificate.issued_at.isoformat(timespec="seconds"),
        "conditions": _conditions(certificate),
        "licence_effects": _effects(report),
    }
