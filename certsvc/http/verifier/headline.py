"""Which headline a report gets: one name for the words, the shape and the colour that say it.

The verdict is not made here: `verify.report.conclude` gave it. This says which of its reasons comes first.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from certsvc.domain.calendar import TermState
from certsvc.domain.effects import Effect
from certsvc.domain.states import IN_FORCE, ConditionKind, Status
from certsvc.verify.report import CertificateReport, Check, Outcome, Report, Soundness, Verdict


@dataclass(frozen=True, slots=True)
class Look:
    """How a headline looks: its shape, the colour family of the verdict, and the one of its tag in a list."""

    icon: str
    block: str
    tag: str


STOP = Look("stop", "bad", "bad")
UNSURE = Look("unsure", "unk", "unk")
LOOKS = {
    "valid": Look("tick", "ok", "ok"),
    "department_document": Look("page", "page", "page"),
    "receipt": Look("page", "page", "page"),
    "recognised_elsewhere": Look("page", "page", "page"),
    "receipt_unsound": STOP,
    "renewal_pending": Look("tick", "ok", "ok"),
    "recheck_due": Look("tick", "ok", "hold"),
    "conditional": Look("tick", "ok", "hold"),
    "on_commitment": Look("tick", "ok", "hold"),
    "documents_to_follow": Look("tick", "ok", "hold"),
    "dormant": Look("tick", "ok", "hold"),
    "suspended": Look("pause", "hold", "hold"),
    "not_yet": Look("clock", "hold", "hold"),
    "revoked": STOP,
    "rescinded": STOP,
    "withdrawn": STOP,
    "closed": Look("closed", "bad", "old"),
    "closing_due": Look("closed", "bad", "bad"),
    "ended_with_licence": STOP,
    "close_with_licence": Look("closed", "bad", "bad"),
    "suspended_with_licence": Look("pause", "hold", "hold"),
    "superseded": Look("arrow", "bad", "old"),
    "older_version": Look("arrow", "bad", "old"),
    "transferred_out": Look("arrow", "bad", "old"),
    "expired": Look("calendar", "bad", "bad"),
    "changed": STOP,
    "mismatch": STOP,
    "not_ours": STOP,
    "no_seal": STOP,
    "other_host": STOP,
    "not_on_record": STOP,
    "unsound": STOP,
    "register_down": UNSURE,
    "no_record": UNSURE,
    "unregistered": UNSURE,
    "stale": UNSURE,
    "laid_out_elsewhere": UNSURE,
    "scanned": UNSURE,
    "several_codes": UNSURE,
    "not_issued": Look("closed", "bad", "old"),
    "not_known_then": UNSURE,
    "to_come": UNSURE,
    "unknown": UNSURE,
}

FAULTS = (
    ("other_host", ("other_host",)),
    ("changed", ("altered",)),
    ("not_ours", ("signer",)),
    ("changed", ("data_in_padding", "changed_after_sealing")),
    ("not_on_record", ("document_not_on_record",)),
    ("changed", ("signature", "coverage", "padding", "cms", "format", "docmdp", "active_content")),
    ("not_ours", ("token_signature",)),
    ("receipt_unsound", ("receipt_signature", "receipt_content", "receipt_seal", "receipt_page")),
    (
        "mismatch",
        ("attachment", "picture_qr", "token_agrees", "issuer", "layout", "register_agrees", "data_agrees", "seals"),
    ),
)
"""What a failed check, by its kind or its reason, makes of a document, the gravest first; any other is `unsound`.

Whose seal it is comes before how the file is built: other people's signed files are built otherwise, and unchanged.
"""

SILENCES = (
    ("register_down", "register_unavailable"),
    ("unregistered", "sealed_but_not_registered"),
    ("no_record", "not_in_register"),
)
"""What the register's missing answer makes of a report, by the reason of a check."""

ANSWERS_B_AND_C = frozenset({"status", "term", "register", "registered", "type", "licence", "version"})
"""Checks that are not about the document or token itself."""

OF_ANOTHER_DAY = (
    ("not_on_record_then", "not_known_then"),
    ("not_issued_then", "not_issued"),
    ("day_to_come", "to_come"),
)
"""What becomes of a certificate on a day asked about, by the reason of a check."""

OTHER_DOCUMENTS = frozenset({Verdict.DEPARTMENT_DOCUMENT, Verdict.RECOGNISED_ELSEWHERE})
"""What is no certificate of ours and has a verdict of its own, which is its headline too."""

NAMED = frozenset({"several_codes", "older_version"})
"""Reasons of checks that name the whole, and never stand together."""

WITHOUT_SEAL = (("unsealed_elsewhere", "laid_out_elsewhere"), ("picture_only", "scanned"))
"""What a file without a seal of ours is, by the reason of a check."""

CONDITIONAL = {ConditionKind.COMMITMENT: "on_commitment", ConditionKind.DOCUMENTS: "documents_to_follow"}
"""The words for the conditions that are to be checked, where there is only one of them."""

WITH_LICENCE = {
    Effect.ENDS: "ended_with_licence",
    Effect.MUST_CLOSE: "close_with_licence",
    Effect.SUSPENDS: "suspended_with_licence",
}
"""What the licence makes of a permit that is in force by itself."""


def headline_of(report: Report) -> str:
    """The headline of a whole report."""
    if report.document is Soundness.UNSOUND:
        return unsound_headline(report.checks)
    if report.receipt is not None:
        return "receipt" if report.verdict is Verdict.RECEIPT else "unknown"
    if report.as_of is not None and report.certificate is not None:
        return certificate_headline(report.certificate)
    return _headline_of_today(report)


def _headline_of_today(report: Report) -> str:
    if report.verdict in OTHER_DOCUMENTS:
        return report.verdict.value
    reasons = {check.reason for check in report.checks}
    if named := reasons & NAMED:
        return named.pop()
    if report.status is not None and report.status is not Status.UNKNOWN:
        if report.document is Soundness.UNKNOWN and report.status in IN_FORCE:
            return _unknown_headline(report)
        return _registered_case(report.status, report.term, report.verdict, report.certificate)
    for headline, reason in SILENCES:
        if reason in reasons:
            return headline
    if report.certificate is not None:
        return certificate_headline(report.certificate)
    never_asked = report.status is None and (report.sealed is None or report.sealed.record is None)
    return "register_down" if never_asked else "unknown"


def _unknown_headline(report: Report) -> str:
    """What a document is of which nothing can be told: one without a seal of ours has its own words."""
    reasons = {check.reason for check in report.checks}
    return next((headline for reason, headline in WITHOUT_SEAL if reason in reasons), "unknown")


def certificate_headline(report: CertificateReport) -> str:
    """The headline of one certificate on record, document aside: a line in a list."""
    reasons = {check.reason for check in report.checks}
    if "type_unknown" in reasons:
        return "unknown"
    for reason, headline in OF_ANOTHER_DAY:
        if reason in reasons:
            return headline
    if "status_unknown" in reasons:
        return "stale"
    return _registered_case(report.certificate.status, report.term, report.verdict, report)


def unsound_headline(checks: Iterable[Check]) -> str:
    """Why a document is not sound, the gravest reason first."""
    fault = first_fault(checks)
    if fault is None:
        return "unsound"
    if fault.reason == "no_seal":
        return "no_seal"
    rank = _rank(fault)
    return FAULTS[rank][0] if rank < len(FAULTS) else "unsound"


def first_fault(checks: Iterable[Check]) -> Check | None:
    """The gravest failed check on the document itself."""
    failed = [check for check in checks if check.outcome is Outcome.FAILED and check.kind not in ANSWERS_B_AND_C]
    return min(failed, key=_rank, default=None)


def _rank(check: Check) -> int:
    named = {check.kind, check.reason}
    return next((place for place, (_, names) in enumerate(FAULTS) if named & set(names)), len(FAULTS))


def licence_headline(report: CertificateReport | None) -> str | None:
    """The headline that the rule of its licence makes of a permit, if one ends or stops it."""
    return WITH_LICENCE.get(report.consequences[0].effect) if report and report.consequences else None


def _registered_case(status: Status, term: TermState, verdict: Verdict, report: CertificateReport | None) -> str:
    if status not in IN_FORCE or verdict is Verdict.VALID:
        return _conditional(report) if status is Status.CONDITIONAL else status.value
    out_of_term = {TermState.NOT_YET: "not_yet", TermState.OVER: "expired"}.get(term)
    if out_of_term is not None and not (term is TermState.OVER and status is Status.RENEWAL_PENDING):
        return out_of_term
    return licence_headline(report) or "unknown"


def _conditional(report: CertificateReport | None) -> str:
    """The condition by name, where there is one alone."""
    found = {one.kind for one in report.certificate.conditions if one.kind in CONDITIONAL} if report else set()
    return CONDITIONAL[found.pop()] if len(found) == 1 else Status.CONDITIONAL.value
