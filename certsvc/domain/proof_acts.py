"""The table of acts on a request for a proof: from which state, to which, and by whom. The database holds the same as
the view `proof_act`, and a test compares the two.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class ProofState(StrEnum):
    """How far a request has come. The words are part of the public interface."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    APPROVED = "approved"
    SEALED = "sealed"
    WITHDRAWN = "withdrawn"
    CANCELLED = "cancelled"


class ProofAct(StrEnum):
    """What is done to a request."""

    OPEN = "open"
    SAVE = "save"
    ATTACH = "attach"
    DETACH = "detach"
    IDENTIFY = "identify"
    SUBMIT = "submit"
    RETURN = "return"
    APPROVE = "approve"
    WITHDRAW = "withdraw"
    SEAL = "seal"
    REOPEN = "reopen"
    ASK_CANCEL = "ask_cancel"
    REFUSE_CANCEL = "refuse_cancel"
    CONFIRM_CANCEL = "confirm_cancel"
    CANCEL = "cancel"


class Side(StrEnum):
    """Who acts: a clerk or an approver of the organ, the resident, or the service itself."""

    CLERK = "clerk"
    APPROVER = "approver"
    RESIDENT = "resident"
    SERVICE = "service"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofActRule:
    """One row: what it is called, from which states to which, by whom."""

    zh: str
    en: str
    leads: Mapping[ProofState, ProofState]
    by: frozenset[Side]


P = ProofState
WITH_CLERK = {P.DRAFT: P.DRAFT, P.RETURNED: P.RETURNED}
SEALED = {P.SEALED: P.SEALED}
CLERK, APPROVER, BY_SERVICE = frozenset({Side.CLERK}), frozenset({Side.APPROVER}), frozenset({Side.SERVICE})
EITHER = frozenset({Side.CLERK, Side.RESIDENT})

PROOF_ACTS: Mapping[ProofAct, ProofActRule] = {
    ProofAct.SAVE: ProofActRule(zh="保存", en="save", leads=WITH_CLERK, by=EITHER),
    ProofAct.ATTACH: ProofActRule(zh="添加附件", en="add an attachment", leads=WITH_CLERK, by=EITHER),
    ProofAct.DETACH: ProofActRule(zh="删去附件", en="remove an attachment", leads=WITH_CLERK, by=EITHER),
    ProofAct.IDENTIFY: ProofActRule(zh="记录身份核验", en="record the identity check", leads=WITH_CLERK, by=CLERK),
    ProofAct.SUBMIT: ProofActRule(
        zh="提交审批", en="submit", leads={P.DRAFT: P.SUBMITTED, P.RETURNED: P.SUBMITTED}, by=CLERK
    ),
    ProofAct.RETURN: ProofActRule(zh="退回", en="return", leads={P.SUBMITTED: P.RETURNED}, by=APPROVER),
    ProofAct.APPROVE: ProofActRule(zh="批准", en="approve", leads={P.SUBMITTED: P.APPROVED}, by=APPROVER),
    ProofAct.WITHDRAW: ProofActRule(
        zh="撤回",
        en="withdraw",
        leads=dict.fromkeys((P.DRAFT, P.SUBMITTED, P.RETURNED), P.WITHDRAWN),
        by=EITHER,
    ),
    ProofAct.SEAL: ProofActRule(zh="盖章", en="seal", leads={P.APPROVED: P.SEALED}, by=BY_SERVICE),
    ProofAct.REOPEN: ProofActRule(zh="重新办理", en="take up again", leads={P.APPROVED: P.RETURNED}, by=CLERK),
    ProofAct.ASK_CANCEL: ProofActRule(zh="申请撤销", en="ask to cancel", leads=SEALED, by=CLERK),
    ProofAct.REFUSE_CANCEL: ProofActRule(zh="不同意撤销", en="refuse to cancel", leads=SEALED, by=APPROVER),
    ProofAct.CONFIRM_CANCEL: ProofActRule(zh="同意撤销", en="agree to cancel", leads=SEALED, by=APPROVER),
    ProofAct.CANCEL: ProofActRule(zh="撤销", en="cancel", leads={P.SEALED: P.CANCELLED}, by=BY_SERVICE),
}
"""Every act but `open`, with which a request begins as a draft, by a clerk or a resident."""

MAKES = frozenset(
    {
        ProofAct.OPEN,
        ProofAct.SAVE,
        ProofAct.ATTACH,
        ProofAct.DETACH,
        ProofAct.IDENTIFY,
        ProofAct.SUBMIT,
        ProofAct.REOPEN,
    }
)
"""Who did one of these never approves."""

STATE_WORDS = {
    P.DRAFT: ("是草稿", "a draft"),
    P.SUBMITTED: ("已提交，等审批", "submitted, and waits for approval"),
    P.RETURNED: ("已退回修改", "returned"),
    P.APPROVED: ("已批准", "approved"),
    P.SEALED: ("已盖章", "sealed"),
    P.WITHDRAWN: ("已撤回", "withdrawn"),
    P.CANCELLED: ("已撤销", "cancelled"),
}
