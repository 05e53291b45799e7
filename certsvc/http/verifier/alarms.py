"""Alarms: what our keys or our register must never bring forth, found while a stranger was verifying.

An alarm names the kind of trouble and the route, never what was asked: a log is read by more people than a certificate.
"""

from litestar.types import Scope
from structlog.typing import FilteringBoundLogger

from certsvc.http.access import route_name
from certsvc.verify.report import Outcome, Report, Soundness

COMPROMISED = "compromised_key"
SEALED_BUT_NOT_REGISTERED = "sealed_but_not_registered"
"""Our key stands under a file that the register does not have: a key is abused, or the register lost a row."""

REGISTERED_BUT_UNSOUND = "registered_but_unsound"
"""The register has this very file, and it does not pass the checks: the register was tampered with, or we erred."""

ON_RECORD = {("registered", "digest_on_record"), ("on_record", "document_on_record")}
TOKEN_WITHOUT_ROW = "token_without_row"  # noqa: S105  a code, no secret
"""Our key signed a QR that the register does not have."""


STOLEN_KEY_USED = "stolen_key_used"
"""Somebody showed what a compromised key signed and the register does not have."""


def alarms_of(report: Report) -> tuple[str, ...]:
    """The codes of the alarms a report gives rise to; they never change meaning."""
    reasons = {(check.kind, check.reason) for check in report.checks}
    failed = {(check.kind, check.reason) for check in report.checks if check.outcome is Outcome.FAILED}
    is_sound, is_unsound = report.document is Soundness.SOUND, report.document is Soundness.UNSOUND
    found = {
        SEALED_BUT_NOT_REGISTERED: (is_sound and ("register", "sealed_but_not_registered") in reasons)
        or failed == {("on_record", "document_not_on_record")},
        REGISTERED_BUT_UNSOUND: is_unsound and bool(reasons & ON_RECORD),
        TOKEN_WITHOUT_ROW: is_sound and report.source in ("qr", "photo") and ("register", "not_in_register") in reasons,
        STOLEN_KEY_USED: not failed.isdisjoint({("keys_today", COMPROMISED), ("token_signature", COMPROMISED)}),
    }
    return tuple(code for code, is_so in found.items() if is_so)


def raise_alarms(log: FilteringBoundLogger, report: Report, scope: Scope) -> None:
    """One line of level `error`, event `alarm`, for each alarm."""
    for code in alarms_of(report):
        log.error("alarm", alarm=code, route=route_name(scope))
