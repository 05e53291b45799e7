"""What ETSI EN 319 102-1 calls each finding: an indication and a sub-indication (clause 5.1.3, tables 5 and 6).

The standard judges signatures. Checks on what the register says beside that, and on terms, have none. Our verdict is
stricter than the standard's: what it leaves indeterminate because a rule of ours is broken is not valid here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from certsvc.verify.report import Check, Outcome

STANDARD = "ETSI EN 319 102-1"
COULD_NOT_RUN = "could_not_run"
"""How the reason of a check begins that broke down, whatever its kind."""


class Status(StrEnum):
    """The main indications (clause 5.1.3, table 5)."""

    PASSED = "TOTAL-PASSED"
    FAILED = "TOTAL-FAILED"
    INDETERMINATE = "INDETERMINATE"


class Sub(StrEnum):
    """The sub-indications we use (clause 5.1.3, table 6)."""

    FORMAT_FAILURE = "FORMAT_FAILURE"
    HASH_FAILURE = "HASH_FAILURE"
    SIG_CRYPTO_FAILURE = "SIG_CRYPTO_FAILURE"
    REVOKED = "REVOKED"
    SIG_CONSTRAINTS_FAILURE = "SIG_CONSTRAINTS_FAILURE"
    CERTIFICATE_CHAIN_GENERAL_FAILURE = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    NO_SIGNING_CERTIFICATE_FOUND = "NO_SIGNING_CERTIFICATE_FOUND"
    NO_CERTIFICATE_CHAIN_FOUND = "NO_CERTIFICATE_CHAIN_FOUND"
    REVOKED_NO_POE = "REVOKED_NO_POE"
    OUT_OF_BOUNDS_NO_POE = "OUT_OF_BOUNDS_NO_POE"
    NO_POE = "NO_POE"
    SIGNATURE_POLICY_NOT_AVAILABLE = "SIGNATURE_POLICY_NOT_AVAILABLE"
    TRY_LATER = "TRY_LATER"
    GENERIC = "GENERIC"

    @property
    def status(self) -> Status:
        """The main indication that it explains."""
        return Status.FAILED if self in TOTAL_FAILURES else Status.INDETERMINATE


TOTAL_FAILURES = frozenset({Sub.FORMAT_FAILURE, Sub.HASH_FAILURE, Sub.SIG_CRYPTO_FAILURE, Sub.REVOKED})


@dataclass(frozen=True, slots=True)
class Indication:
    """The standard's words for one finding, and the clause of the building block that gives them."""

    status: Status
    sub: Sub | None = None
    clause: str = ""


FORMAT, SIGNER, CHAIN, FRESHNESS = "5.2.2", "5.2.3", "5.2.6", "5.2.5"
CRYPTO, ACCEPTANCE, TIMESTAMP, POLICY = "5.2.7", "5.2.8", "5.4", "5.2.4"
WHOLE = "5.1.3"

CLAUSES = {
    "format": FORMAT,
    "coverage": FORMAT,
    "padding": FORMAT,
    "cms": FORMAT,
    "attachment": ACCEPTANCE,
    "picture_qr": ACCEPTANCE,
    "active_content": ACCEPTANCE,
    "docmdp": ACCEPTANCE,
    "issuer": ACCEPTANCE,
    "layout": ACCEPTANCE,
    "data_agrees": ACCEPTANCE,
    "token_agrees": ACCEPTANCE,
    "register_agrees": ACCEPTANCE,
    "seals": ACCEPTANCE,
    "registered": ACCEPTANCE,
    "on_record": ACCEPTANCE,
    "register": ACCEPTANCE,
    "signature": CRYPTO,
    "token_signature": CRYPTO,
    "signer": CHAIN,
    "recognised": CHAIN,
    "revocation": FRESHNESS,
    "keys_today": CHAIN,
    "timestamp": TIMESTAMP,
    "type": POLICY,
}
"""The building block that each check belongs to: all those on a seal or a token."""

BESIDE = frozenset({"status", "term", "licence", "code", "version", "photo", "number", "file"})
"""Checks that are not on a seal or a token, or of a file that was not read: the standard has no word for them."""

WITH_A_SIGNATURE = frozenset({"register", "registered", "on_record", "register_agrees", "type"})
"""Checks that belong to the validation of a seal or a token where there is one; of a typed code alone they are none."""

NO_SIGNATURE = frozenset({("signature", "no_seal"), ("signature", "unsealed_elsewhere"), ("signature", "picture_only")})
"""Where there is no signature, there is nothing for the standard to indicate."""

NOT_PASSED: Mapping[tuple[str, str], Sub] = {
    ("format", "header"): Sub.FORMAT_FAILURE,
    ("format", "bytes_after_end"): Sub.FORMAT_FAILURE,
    ("format", "revisions"): Sub.FORMAT_FAILURE,
    ("format", "not_the_next_seal"): Sub.FORMAT_FAILURE,
    ("coverage", "no_single_byte_range"): Sub.FORMAT_FAILURE,
    ("coverage", "not_whole_file"): Sub.FORMAT_FAILURE,
    ("padding", "not_hexadecimal"): Sub.FORMAT_FAILURE,
    ("padding", "data_in_padding"): Sub.FORMAT_FAILURE,
    ("cms", "respelt"): Sub.FORMAT_FAILURE,
    ("active_content", "active_content"): Sub.SIG_CONSTRAINTS_FAILURE,
    ("docmdp", "not_certified"): Sub.SIG_CONSTRAINTS_FAILURE,
    ("docmdp", "not_locked"): Sub.SIG_CONSTRAINTS_FAILURE,
    ("docmdp", "changed_after_sealing"): Sub.FORMAT_FAILURE,
    ("signature", "altered"): Sub.HASH_FAILURE,
    ("signature", "not_its_key"): Sub.SIG_CRYPTO_FAILURE,
    ("signature", "not_one_signature"): Sub.FORMAT_FAILURE,
    ("signer", "not_our_anchor"): Sub.NO_CERTIFICATE_CHAIN_FOUND,
    ("revocation", "revoked_or_not_proven"): Sub.CERTIFICATE_CHAIN_GENERAL_FAILURE,
    ("keys_today", "compromised_key"): Sub.REVOKED_NO_POE,
    ("keys_today", "revoked_before_sealing"): Sub.REVOKED,
    ("timestamp", "no_timestamp"): Sub.SIG_CONSTRAINTS_FAILURE,
    ("timestamp", "not_trusted"): Sub.NO_POE,
    ("recognised", "not_for_this"): Sub.SIG_CONSTRAINTS_FAILURE,
    ("recognised", "kind_not_named"): Sub.SIG_CONSTRAINTS_FAILURE,
    ("attachment", "no_data_attached"): Sub.SIG_CONSTRAINTS_FAILURE,
    ("picture_qr", "no_qr_read"): Sub.SIG_CONSTRAINTS_FAILURE,
    ("picture_qr", "other_than_data"): Sub.SIG_CONSTRAINTS_FAILURE,
    ("issuer", "other_seal"): Sub.SIG_CONSTRAINTS_FAILURE,
    ("layout", "layout_differs"): Sub.SIG_CONSTRAINTS_FAILURE,
    ("data_agrees", "other_data"): Sub.SIG_CONSTRAINTS_FAILURE,
    ("token_agrees", "other_certificate"): Sub.SIG_CONSTRAINTS_FAILURE,
    ("register_agrees", "register_differs"): Sub.SIG_CONSTRAINTS_FAILURE,
    ("seals", "other_seals"): Sub.SIG_CONSTRAINTS_FAILURE,
    ("type", "type_unknown"): Sub.SIGNATURE_POLICY_NOT_AVAILABLE,
    ("token_signature", "unknown_key"): Sub.NO_SIGNING_CERTIFICATE_FOUND,
    ("token_signature", "signature_wrong"): Sub.SIG_CRYPTO_FAILURE,
    ("token_signature", "signed_outside_key_term"): Sub.OUT_OF_BOUNDS_NO_POE,
    ("token_signature", "malformed"): Sub.FORMAT_FAILURE,
    ("token_signature", "compromised_key"): Sub.REVOKED_NO_POE,
    ("register", "register_unavailable"): Sub.TRY_LATER,
    ("register", "not_in_register"): Sub.SIG_CONSTRAINTS_FAILURE,
    ("register", "sealed_but_not_registered"): Sub.SIG_CONSTRAINTS_FAILURE,
    ("registered", "register_not_asked"): Sub.TRY_LATER,
    ("registered", "register_unavailable"): Sub.TRY_LATER,
    ("registered", "not_in_register"): Sub.SIG_CONSTRAINTS_FAILURE,
    ("on_record", "register_not_asked"): Sub.TRY_LATER,
    ("on_record", "register_unavailable"): Sub.TRY_LATER,
    ("on_record", "document_not_on_record"): Sub.SIG_CONSTRAINTS_FAILURE,
}
"""What each finding that is no pass is called. Rules of our own are constraints of the signature policy."""


def indication(check: Check) -> Indication | None:
    """The standard's words for one check; None where it has none. A finding that is missing in the table is never
    better than indeterminate."""
    if check.kind in BESIDE or (check.kind, check.reason) in NO_SIGNATURE:
        return None
    clause = CLAUSES.get(check.kind, WHOLE)
    if check.outcome is Outcome.PASSED:
        return Indication(Status.PASSED, None, clause)
    sub = NOT_PASSED.get((check.kind, check.reason), Sub.GENERIC)
    return Indication(sub.status, sub, clause)


def indications(checks: Iterable[Check]) -> tuple[Indication | None, ...]:
    """The standard's words for each check in its order; none for any where no signature was looked at."""
    known = tuple(checks)
    if not any(_is_on_signature(check) for check in known):
        return (None,) * len(known)
    return tuple(map(indication, known))


def _is_on_signature(check: Check) -> bool:
    beside = check.kind in BESIDE or check.kind in WITH_A_SIGNATURE
    return not beside and (check.kind, check.reason) not in NO_SIGNATURE


def overall(checks: Iterable[Check]) -> Indication | None:
    """The indication over all checks: that of the first total failure, else of the first that is indeterminate; None
    where there is no signature."""
    known = tuple(checks)
    found = [one for one in indications(known) if one]
    if not found or any((check.kind, check.reason) in NO_SIGNATURE for check in known):
        return None
    for status in (Status.FAILED, Status.INDETERMINATE):
        for one in found:
            if one.status is status:
                return Indication(one.status, one.sub, WHOLE)
    return Indication(Status.PASSED, None, WHOLE)


def etsi_json(checks: Iterable[Check]) -> dict[str, str | None] | None:
    """The indication over all checks for a program to read; None where there is no signature."""
    found = overall(checks)
    if found is None:
        return None
    return {
        "standard": STANDARD,
        "indication": found.status.value,
        "sub_indication": found.sub.value if found.sub else None,
    }
