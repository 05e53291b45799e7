"""The table of acts in the life of a seal: from which state, to which, and by whom.

The stages are those of 电子印章管理办法 (国办发〔2025〕33号). The database holds the same table as the view `seal_act`,
and a test compares the two.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from certsvc.domain.seal import Hours, Placement, Seal, SealPeople
from certsvc.ids import Ref


class SealState(StrEnum):
    """How far a seal has come. In `making` and `destroying` the intent is on record, and the key follows."""

    NEW = "new"
    APPLIED = "applied"
    APPROVED = "approved"
    MAKING = "making"
    MADE = "made"
    ENABLED = "enabled"
    SUSPENDED = "suspended"
    DESTROYING = "destroying"
    DESTROYED = "destroyed"


class Duty(StrEnum):
    """In which capacity somebody has to do with a seal. Who audits does nothing else."""

    APPLICANT = "applicant"
    APPROVER = "approver"
    MANAGER = "manager"
    KEEPER = "keeper"
    AUDITOR = "auditor"


class SealAct(StrEnum):
    """What is done to a seal. The words are part of the public interface."""

    APPLY = "apply"
    APPROVE = "approve"
    MAKE = "make"
    MADE = "made"
    ENABLE = "enable"
    SUSPEND = "suspend"
    RESUME = "resume"
    HAND_OVER = "hand_over"
    REPLACE_MANAGER = "replace_manager"
    REPLACE_AUDITOR = "replace_auditor"
    REPLACE_APPROVER = "replace_approver"
    CHANGE_RULES = "change_rules"
    WITHDRAW = "withdraw"
    DESTROY = "destroy"
    DESTROYED = "destroyed"
    TAKE_OVER = "take_over"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealActRule:
    """One row. `after` None: the state stays; `passes` is the duty that goes to a successor; `confirmed` is who must
    agree, where nobody may act alone."""

    zh: str
    en: str
    before: frozenset[SealState]
    by: frozenset[Duty]
    after: SealState | None = None
    passes: Duty | None = None
    confirmed: Duty | None = None


def _states(*states: SealState) -> frozenset[SealState]:
    return frozenset(states)


S = SealState
BY_MANAGER = frozenset({Duty.MANAGER})
BY_APPROVER = frozenset({Duty.APPROVER})
IN_HAND = _states(S.MADE, S.ENABLED, S.SUSPENDED)

SEAL_ACTS: Mapping[SealAct, SealActRule] = {
    SealAct.APPLY: SealActRule(
        zh="申请", en="apply", before=_states(S.NEW), after=S.APPLIED, by=frozenset({Duty.APPLICANT})
    ),
    SealAct.APPROVE: SealActRule(zh="批准", en="approve", before=_states(S.APPLIED), after=S.APPROVED, by=BY_APPROVER),
    SealAct.MAKE: SealActRule(zh="制作", en="make", before=_states(S.APPROVED), after=S.MAKING, by=BY_MANAGER),
    SealAct.MADE: SealActRule(zh="制成", en="finish making", before=_states(S.MAKING), after=S.MADE, by=BY_MANAGER),
    SealAct.ENABLE: SealActRule(zh="启用", en="enable", before=_states(S.MADE), after=S.ENABLED, by=BY_MANAGER),
    SealAct.SUSPEND: SealActRule(
        zh="停用",
        en="suspend",
        before=_states(S.ENABLED),
        after=S.SUSPENDED,
        by=frozenset({Duty.MANAGER, Duty.KEEPER}),
    ),
    SealAct.RESUME: SealActRule(zh="恢复", en="resume", before=_states(S.SUSPENDED), after=S.ENABLED, by=BY_MANAGER),
    SealAct.HAND_OVER: SealActRule(
        zh="移交",
        en="hand over",
        before=IN_HAND,
        by=frozenset({Duty.MANAGER, Duty.APPROVER}),
        passes=Duty.KEEPER,
    ),
    SealAct.REPLACE_MANAGER: SealActRule(
        zh="更换管理人", en="replace the manager", before=IN_HAND, by=BY_APPROVER, passes=Duty.MANAGER
    ),
    SealAct.REPLACE_AUDITOR: SealActRule(
        zh="更换监督人", en="replace the auditor", before=IN_HAND, by=BY_APPROVER, passes=Duty.AUDITOR
    ),
    SealAct.REPLACE_APPROVER: SealActRule(
        zh="更换批准人",
        en="replace the approver",
        before=IN_HAND,
        by=frozenset({Duty.APPROVER, Duty.MANAGER}),
        passes=Duty.APPROVER,
        confirmed=Duty.KEEPER,
    ),
    SealAct.CHANGE_RULES: SealActRule(
        zh="变更用印规则",
        en="change the rules",
        before=_states(S.ENABLED, S.SUSPENDED),
        by=frozenset({Duty.MANAGER, Duty.KEEPER}),
        confirmed=Duty.APPROVER,
    ),
    SealAct.WITHDRAW: SealActRule(
        zh="撤回申请",
        en="withdraw",
        before=_states(S.APPLIED, S.APPROVED),
        after=S.DESTROYED,
        by=frozenset({Duty.APPLICANT}),
    ),
    SealAct.DESTROY: SealActRule(
        zh="注销",
        en="destroy",
        before=_states(S.MAKING, *IN_HAND),
        after=S.DESTROYING,
        by=BY_MANAGER,
        confirmed=Duty.APPROVER,
    ),
    SealAct.DESTROYED: SealActRule(
        zh="注销完毕", en="finish destroying", before=_states(S.DESTROYING), after=S.DESTROYED, by=BY_MANAGER
    ),
}
"""Every act, its row. `take_over` has none: it was done by a migration, for seals of before there were acts."""

FINISHES: Mapping[SealState, SealAct] = {S.MAKING: SealAct.MADE, S.DESTROYING: SealAct.DESTROYED}
"""What is still to be put on record once the key has been made or destroyed."""

HANDED_OVER = {rule.passes: act for act, rule in SEAL_ACTS.items() if rule.passes is not None}
"""The act by which each duty goes to a successor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealRules:
    """All rules of use of a seal, as `domain.seal.Seal` has them. What needs authorisation needs it for ever."""

    certificate_types: frozenset[str]
    place: Placement | None
    daily_quota: int | None
    hours: Hours | None
    needs_authorisation: bool = False


def rules_of(seal: Seal) -> SealRules:
    """The rules of use that a seal has."""
    return SealRules(
        certificate_types=seal.certificate_types,
        place=seal.place,
        daily_quota=seal.daily_quota,
        hours=seal.hours,
        needs_authorisation=seal.needs_authorisation,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SealActRequest:
    """A request to act on a seal. `client` and `key` together name it: the same one again is done once."""

    client: str
    key: str
    seal_id: str
    act: SealAct
    actor: str
    reason: str
    successor: str | None = None
    confirmed_by: str | None = None
    certificate: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SealRulesRequest(SealActRequest):
    """A request to change the rules: `rules` are all of them from then on."""

    rules: SealRules


@dataclass(frozen=True, slots=True, kw_only=True)
class SealEvent:
    """One act on record; `certificate` is the SHA-256 of the X.509 certificate that was made, `rules` are those from
    then on where the act changed them."""

    id: int
    act: SealAct
    state: SealState
    actor: str
    at: datetime
    reason: str
    successor: str | None
    confirmed_by: str | None
    certificate: bytes | None
    rules: SealRules | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredSeal:
    """A seal as it stands, and how often it was used: today (+08:00), and in all."""

    seal: Seal
    people: SealPeople
    state: SealState
    uses_today: int
    uses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedUse:
    """One line of the record of uses (用印登记): for a certificate (`ref`, its type and number), or for a sealing
    request (`request_id`). What seals a digest has no place; of before there were digests, both are absent."""

    id: int
    at: datetime
    actor: str
    ref: Ref | None
    type_id: str | None
    number: str | None
    request_id: str | None
    layout: str
    digest: bytes | None
    place: Placement | None
    issued: bool
