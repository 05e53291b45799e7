"""The life of a request for a proof: who may do what in which state, and what a request says.

An online request is only a request: before it is put before an approver, a clerk records how it was seen who asks.
Whoever typed in a draft, recorded that, or put it before others never approves it. Every act names the version of the
request that was seen, and makes the next: what is stale is refused.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from certsvc.domain.approval import Approval, ApprovalState
from certsvc.domain.organ import Member, OrganDuty
from certsvc.domain.proof_acts import EITHER, PROOF_ACTS, STATE_WORDS, ProofAct, ProofState, Side
from certsvc.domain.proof_doubt import DoubtNeed
from certsvc.domain.proof_life import ProofLife
from certsvc.domain.receiver import ReceiverChoice
from certsvc.errors import ActNotAllowed, ChangedMeanwhile, Forbidden
from certsvc.ids import ProgressCode, Ref, Uscc, new_opaque_id

RESIDENT, SERVICE = "申请人", "certsvc"
"""Who acts that is nobody with an account."""

VILLAGE_KEY = "村证 "
"""What the keys of these requests' approvals begin with: no header of a client can, so theirs are never taken for
them. They are decided in the village, and by nobody else."""

KEPT_DAYS, LAPSES_AFTER_DAYS = 90, 90
"""What a request says is erased so long after its end; a draft that nobody touches is withdrawn after as long."""


class Origin(StrEnum):
    """Where a request was made."""

    COUNTER = "counter"
    ONLINE = "online"


class IdentityCheck(StrEnum):
    """How it was seen who asks."""

    IN_PERSON = "in_person"
    OPENID = "openid"
    VISIT = "visit"


class ConsentGiven(StrEnum):
    """How a resident consented."""

    IN_PERSON = "in_person"
    ONLINE = "online"
    ON_PAPER = "on_paper"


class Turn(StrEnum):
    """Whose turn it is."""

    CLERK = "clerk"
    APPROVER = "approver"
    SEALING = "sealing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What the resident consented to, and how; when is when it goes on record."""

    what: str
    how: ConsentGiven


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofRequest:
    """A request as it stands. `identity` is how it was seen who asks (None: not yet, or another person is named since),
    `shown` the holder's name masked, `corrects` the certificate that it is to correct; what came of the newest round,
    and of a wish to cancel, stands in their approvals alone."""

    id: str
    organ: Uscc
    type_id: str
    origin: Origin
    opened_at: datetime
    due: date | None
    corrects: Ref | None
    version: int
    state: ProofState
    changed_at: datetime
    handler: str | None
    handler_name: str | None
    identity: IdentityCheck | None
    identity_by: str | None
    identity_at: datetime | None
    consent: Consent | None
    consent_at: datetime | None
    approval_id: str | None
    cancel_approval_id: str | None
    shown: str | None
    holder_hash: bytes | None
    sealed: bytes | None
    key_id: str | None
    outcome: ApprovalState | None = None

    def is_late(self, today: date) -> bool:
        """Whether its last day is over and it is not done."""
        return self.due is not None and self.due < today and self.turn is not None

    @property
    def could_not_be_sealed(self) -> bool:
        """Whether it was approved in vain, and a clerk opens it again; then what came of that round is past."""
        return self.state is ProofState.APPROVED and self.outcome is ApprovalState.FAILED

    @property
    def turn(self) -> Turn | None:
        """Whose turn it is."""
        match self.state:
            case ProofState.DRAFT | ProofState.RETURNED:
                return Turn.CLERK
            case ProofState.SUBMITTED:
                return Turn.APPROVER
            case ProofState.APPROVED:
                return Turn.SEALING
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofEvent:
    """One act on record; `version` is that of the request after it."""

    version: int
    act: ProofAct
    state: ProofState
    account: str | None
    person: str
    at: datetime
    reason: str | None
    identity: IdentityCheck | None
    approval_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofActRequest:
    """A request to act. `account` None is the resident; `key` names it for this request: the same again is done once;
    `seen` is the version that who acts has seen, `digest` the SHA-256 of what is asked."""

    request_id: str
    act: ProofAct
    account: str | None
    person: str
    seen: int
    key: str
    digest: bytes
    reason: str | None = None
    identity: IdentityCheck | None = None
    consent: Consent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofContent:
    """What a request says of persons, as it lies in the register: encrypted and bound to its id. `is_of_others` where a
    name or a number of any holder is another than before: whoever was seen was somebody else."""

    sealed: bytes
    key_id: str
    shown: str | None
    holder_hash: bytes | None
    is_of_others: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProofRequest:
    """A request to be put on record with its first draft; `needs` is what a legal doubt about the proof asks for,
    `tells` whom the resident wants told."""

    id: str
    organ: Uscc
    type_id: str
    origin: Origin
    code_hash: bytes
    due: date | None
    corrects: Ref | None
    content: ProofContent
    needs: tuple[DoubtNeed, ...] = ()
    tells: ReceiverChoice | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs; None where it is not there."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What may be said to who has the code: nothing about persons. `reason` says why it was returned, `waits` in a
    stable word why what is approved is not sealed yet (None: it is being sealed), `life` what became of what is."""

    type_id: str
    organ_name: str
    origin: Origin
    state: ProofState
    outcome: ApprovalState | None
    version: int
    opened_at: datetime
    changed_at: datetime
    due: date | None
    reason: str | None
    waits: str | None = None
    life: ProofLife | None = None


def new_request_id() -> str:
    """A fresh id of 100 random bits."""
    return new_opaque_id("v")


def hash_of_code(code: ProgressCode) -> bytes:
    """What is kept of a code: it is drawn at random, so a plain hash hides it."""
    return hashlib.sha256(b"certsvc proof progress\0" + code.encode("ascii")).digest()


def context_of(request_id: str) -> bytes:
    """What the content of a request is bound to."""
    return b"proof request " + request_id.encode("ascii")


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    """The fields that differ, in the order of what is new, then those that are gone. Numbers and texts are different
    things, and 1 is not true."""
    fields = dict.fromkeys([*after, *before])
    return tuple(
        Difference(name, before.get(name), after.get(name))
        for name in fields
        if not _same(before.get(name), after.get(name))
    )


def _same(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other


def require_member(member: Member, act: ProofAct) -> None:
    """Refuse who has no duty for an act.

    Raises:
        Forbidden: they have not; an auditor reads, and nothing else.
    """
    rule = PROOF_ACTS.get(act)
    sides = EITHER if rule is None else rule.by
    if not any(member.has(OrganDuty(side)) for side in sides & {Side.CLERK, Side.APPROVER}):
        what_zh, what_en = ("开具", "open one") if rule is None else (rule.zh, rule.en)
        who = "经办人" if Side.CLERK in sides else "审批人"
        raise Forbidden(
            f"{member.name} 在{member.organ.name}不是{who}，不能{what_zh}。",
            f"{member.name} has no duty in {member.organ.name} to {what_en}.",
        )


def require_seen(request: ProofRequest, seen: int) -> None:
    """Refuse what was asked of another version than stands.

    Raises:
        ChangedMeanwhile: it is another.
    """
    if request.version != seen:
        raise stale(request.version, seen)


def stale(version: int, seen: int) -> ChangedMeanwhile:
    """The error, for what was asked of another version than stands."""
    return ChangedMeanwhile(
        f"您看到的是第 {seen} 版，现在是第 {version} 版：请看过新版再办。",
        f"You have seen version {seen}, and it is version {version} now: look at that one first.",
    )


def require_state(request: ProofRequest, act: ProofAct) -> None:
    """Refuse what is not allowed from the present state.

    Raises:
        ActNotAllowed: it is not; or it is put before an approver, and nobody saw who asks, or they did not consent.
    """
    rule = PROOF_ACTS[act]
    if request.state not in rule.leads:
        zh, en = STATE_WORDS[request.state]
        raise ActNotAllowed(f"该申请{zh}，不能{rule.zh}。", f"The request is {en}: “{rule.en}” is not allowed.")
    if act is ProofAct.SUBMIT and request.identity is None:
        raise not_identified()
    if act is ProofAct.SUBMIT and request.consent is None:
        raise no_consent()
    if act is ProofAct.REOPEN and request.outcome is not ApprovalState.FAILED:
        raise ActNotAllowed("该申请已批准，正在盖章。", "The request is approved, and is being sealed.")


def not_identified() -> ActNotAllowed:
    """The error, where nobody has recorded how it was seen who asks."""
    return ActNotAllowed(
        "还没有记录怎样核验申请人身份：请先当面、上门或通过统一身份认证核验，并记录。",
        "Nobody has recorded how it was seen who asks: do that first, in person, by a visit or by the OpenID provider.",
    )


def no_consent() -> ActNotAllowed:
    """The error, where no consent is on record."""
    return ActNotAllowed("还没有记录申请人同意的内容。", "What the resident consents to is not on record yet.")


def require_another(makers: frozenset[str], member: Member) -> None:
    """Refuse who made what is to be approved.

    Raises:
        Forbidden: they filled it in, recorded who asks, or put it before others.
    """
    if member.account in makers:
        raise four_eyes(member.name)


def four_eyes(person: str) -> Forbidden:
    """The error, for who had a hand in what is to be approved."""
    return Forbidden(
        f"{person} 经办过这件申请（填写、核验身份或提交），不能自己审批，请另一名审批人办理。",
        f"{person} had a hand in this request, by filling it in, checking who asks or submitting it: somebody else "
        "has to approve it.",
    )


def waits_for_cancelling(cancellation: Approval | None) -> bool:
    """Whether a wish to cancel is open."""
    return cancellation is not None and cancellation.state in (ApprovalState.WAITING, ApprovalState.APPROVED)
