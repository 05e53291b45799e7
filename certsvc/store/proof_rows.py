"""Rows of requests for proofs, as values of the domain."""

from datetime import date
from typing import Any

from asyncpg import Record

from certsvc.domain.approval import ApprovalState
from certsvc.domain.proof_acts import ProofAct, ProofState
from certsvc.domain.proof_request import (
    Consent,
    ConsentGiven,
    IdentityCheck,
    Origin,
    Progress,
    ProofEvent,
    ProofRequest,
)
from certsvc.ids import Uscc, ref_from_bytes

SAME = """id type_id opened_at version changed_at handler handler_name identity_at consent_at approval_id
    cancel_approval_id shown holder_hash sealed key_id""".split()


def to_request(row: Record) -> ProofRequest:
    """A request."""
    consent = row["consent_what"]
    return ProofRequest(
        **{name: row[name] for name in SAME},
        organ=Uscc(row["organ"]),
        origin=Origin(row["origin"]),
        due=_day(row["due"]),
        corrects=ref_from_bytes(row["corrects_ref"]) if row["corrects_ref"] else None,
        state=ProofState(row["state"]),
        identity=IdentityCheck(row["identity_how"]) if row["identity_how"] else None,
        identity_by=row["identity_by_name"],
        consent=Consent(what=consent, how=ConsentGiven(row["consent_how"])) if consent else None,
        outcome=_outcome(row["outcome"]),
    )


def to_event(row: Record) -> ProofEvent:
    """One act on record."""
    same = ("version", "account", "person", "at", "reason", "approval_id")
    return ProofEvent(
        **{name: row[name] for name in same},
        act=ProofAct(row["act"]),
        state=ProofState(row["state"]),
        identity=IdentityCheck(row["identity_how"]) if row["identity_how"] else None,
    )


def to_progress(row: Record) -> Progress:
    """What may be said to who has the code."""
    same = ("type_id", "organ_name", "version", "opened_at", "changed_at", "reason", "waits")
    return Progress(
        **{name: row[name] for name in same},
        origin=Origin(row["origin"]),
        state=ProofState(row["state"]),
        outcome=_outcome(row["outcome"]),
        due=_day(row["due"]),
    )


def _day(due: Any) -> date | None:
    return None if due == date.max else due


def _outcome(state: str | None) -> ApprovalState | None:
    return ApprovalState(state) if state else None
