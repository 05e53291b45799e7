"""Reports as JSON. The names are part of the public interface and do not change."""

from typing import Any

from certsvc.domain.certificate import RegisteredCertificate
from certsvc.verify.report import CertificateReport, Check, Report


def report_json(report: Report) -> dict[str, Any]:
    """The machine's report: verdict, the three answers, the checks, and what belongs to it."""
    register = None
    if report.status is not None:
        register = {"status": report.status.value, "age_s": report.status_age_s}
    shown: dict[str, Any] = {
        "verdict": report.verdict.value,
        "document": report.document.value,
        "register": register,
        "term": report.term.value,
        "checks": [_check(check) for check in report.checks],
        "asked_at": report.asked_at.isoformat(timespec="seconds"),
    }
    if report.certificate is not None:
        shown["certificate"] = _certificate(report.certificate)
        shown["licence"] = _line(report.licence) if report.licence else None
        shown["permits"] = [_line(permit) for permit in report.permits]
    return shown


def _check(check: Check) -> dict[str, str]:
    return {"kind": check.kind, "outcome": check.outcome.value, "reason": check.reason}


def _certificate(report: CertificateReport) -> dict[str, Any]:
    fields = [{"key": item.key, "zh": item.zh, "en": item.en, "value": item.value} for item in report.fields]
    return {**_facts(report), "fields": fields}


def _line(report: CertificateReport) -> dict[str, Any]:
    certificate = report.certificate
    return {
        **_facts(report),
        "verdict": report.verdict.value,
        "status": certificate.status.value,
        "status_age_s": certificate.status_age_s,
        "term_state": report.term.value,
        "checks": [_check(check) for check in report.checks],
    }


def _facts(report: CertificateReport) -> dict[str, Any]:
    certificate: RegisteredCertificate = report.certificate
    end = certificate.term.end
    return {
        "typed_code": certificate.ref.typed_code,
        "type": certificate.type_id,
        "title": {"zh": report.title_zh, "en": report.title_en},
        "number": certificate.number,
        "version": certificate.version,
        "identifier": certificate.identifier,
        "holder": certificate.holder_name,
        "subject": certificate.subject,
        "issuer": {"name": certificate.issuer.name, "uscc": certificate.issuer.uscc},
        "term": {"start": certificate.term.start.isoformat(), "end": end.isoformat() if end else None},
        "issued_at": certificate.issued_at.isoformat(timespec="seconds"),
    }
