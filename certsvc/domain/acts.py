"""The table of acts: which is allowed from which state, what it needs, by whom, and with how many persons.

Everything that may happen to a certificate after it is issued stands here and nowhere else; the database holds the
same promise about two persons, and a test compares the two.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from certsvc.domain.certificate import Category
from certsvc.domain.states import ConditionKind, Status


class Act(StrEnum):
    """What is done to a certificate. The words are part of the public interface."""

    ISSUE = "issue"
    TRANSFER_IN = "transfer_in"
    RENEW = "renew"
    CHANGE = "change"
    REISSUE = "reissue"
    CORRECT = "correct"
    SUSPEND = "suspend"
    RESUME = "resume"
    GO_DORMANT = "go_dormant"
    END_DORMANCY = "end_dormancy"
    REVOKE = "revoke"
    RESCIND = "rescind"
    WITHDRAW = "withdraw"
    REQUIRE_CLOSING = "require_closing"
    CLOSE = "close"
    TRANSFER_OUT = "transfer_out"
    CANCEL_TRANSFER = "cancel_transfer"
    ATTACH_CONDITION = "attach_condition"
    LIFT_CONDITION = "lift_condition"
    RECHECK = "recheck"
    ACCEPT_RENEWAL = "accept_renewal"
    REFUSE_RENEWAL = "refuse_renewal"
    STRIKE = "strike"


class Organ(StrEnum):
    """In which capacity somebody acts."""

    ISSUER = "issuer"
    ENFORCER = "enforcer"
    SUPERIOR = "superior"


class Makes(StrEnum):
    """Whether an act makes a new sheet: the first of a certificate, or its next version."""

    NOTHING = "nothing"
    FIRST = "first"
    NEXT = "next"


V, S, D = Status.VALID, Status.SUSPENDED, Status.CLOSING_DUE
GROUND = frozenset({"reason", "legal_basis", "decision_number"})
ALL = frozenset(Category)
CONDITIONS = {"commitment": ConditionKind.COMMITMENT, "documents": ConditionKind.DOCUMENTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class ActRule:
    """One row. `code` is the operateType of the national collection interface (MOHURD); `before` the states it is
    allowed from (empty: before there is any) and `after` the one it leads to (None: the same); `sets` and `clears`
    conditions, `reasons` the reason codes it takes and with what legal meaning."""

    zh: str
    en: str
    code: str
    before: frozenset[Status]
    after: Status | None = None
    makes: Makes = Makes.NOTHING
    needs: frozenset[str] = frozenset()
    persons: int = 1
    by: frozenset[Organ] = frozenset({Organ.ISSUER})
    categories: frozenset[Category] = ALL
    retroactive: bool = False
    sets: ConditionKind | None = None
    clears: ConditionKind | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)


def _states(*states: Status) -> frozenset[Status]:
    return frozenset(states)


ISSUER_OR_ENFORCER = frozenset({Organ.ISSUER, Organ.ENFORCER})
ISSUER_OR_SUPERIOR = frozenset({Organ.ISSUER, Organ.SUPERIOR})
LICENCES = frozenset({Category.LICENCE})
WITH_LICENCE = frozenset({Category.LICENCE, Category.PERMIT})

ACTS: Mapping[Act, ActRule] = {
    Act.ISSUE: ActRule(zh="新发", en="issue", code="01", before=_states(), after=V, makes=Makes.FIRST),
    Act.TRANSFER_IN: ActRule(
        zh="转入",
        en="transfer in",
        code="08",
        before=_states(),
        after=V,
        makes=Makes.FIRST,
        needs=frozenset({"previous_identifier"}),
        categories=WITH_LICENCE,
    ),
    Act.RENEW: ActRule(
        zh="延续",
        en="renew",
        code="02",
        before=_states(V, S),
        makes=Makes.NEXT,
        clears=ConditionKind.RENEWAL_PENDING,
        categories=WITH_LICENCE,
    ),
    Act.CHANGE: ActRule(
        zh="变更",
        en="change of details",
        code="09",
        before=_states(V, S),
        makes=Makes.NEXT,
        needs=frozenset({"reason"}),
    ),
    Act.REISSUE: ActRule(
        zh="补发",
        en="reissue",
        code="07",
        before=_states(V, S),
        makes=Makes.NEXT,
        needs=frozenset({"reason_code"}),
        reasons={"lost": "遗失", "damaged": "损毁", "new_form": "换发新式样", "key_compromise": "签名密钥失控"},
    ),
    Act.CORRECT: ActRule(
        zh="更正", en="correct", code="09", before=_states(V, S), makes=Makes.NEXT, needs=frozenset({"reason"})
    ),
    Act.SUSPEND: ActRule(
        zh="暂扣", en="suspend", code="03", before=_states(V), after=S, needs=GROUND, persons=2, by=ISSUER_OR_ENFORCER
    ),
    Act.RESUME: ActRule(
        zh="暂扣发还",
        en="resume",
        code="06",
        before=_states(S),
        after=V,
        needs=frozenset({"reason"}),
        persons=2,
        by=ISSUER_OR_ENFORCER,
    ),
    Act.GO_DORMANT: ActRule(
        zh="歇业",
        en="go dormant",
        code="07",
        before=_states(V),
        sets=ConditionKind.DORMANT,
        needs=frozenset({"reason", "due"}),
        categories=LICENCES,
    ),
    Act.END_DORMANCY: ActRule(
        zh="终止歇业",
        en="end dormancy",
        code="07",
        before=_states(V),
        clears=ConditionKind.DORMANT,
        categories=LICENCES,
    ),
    Act.REVOKE: ActRule(
        zh="吊销",
        en="revoke",
        code="05",
        before=_states(V, S, D),
        after=Status.REVOKED,
        needs=GROUND,
        persons=2,
        by=ISSUER_OR_ENFORCER,
    ),
    Act.RESCIND: ActRule(
        zh="撤销",
        en="rescind",
        code="05",
        before=_states(V, S, D),
        after=Status.RESCINDED,
        needs=GROUND | {"reason_code"},
        persons=2,
        by=ISSUER_OR_SUPERIOR,
        retroactive=True,
        reasons={
            "abuse": "滥用职权、玩忽职守作出决定（行政许可法第六十九条第一款第一项）",
            "beyond_powers": "超越法定职权作出决定（第二项）",
            "procedure": "违反法定程序作出决定（第三项）",
            "not_qualified": "申请人不具备资格或者不符合法定条件（第四项）",
            "fraud": "以欺骗、贿赂等不正当手段取得（第六十九条第二款）",
            "other": "依法可以撤销的其他情形",
        },
    ),
    Act.WITHDRAW: ActRule(
        zh="撤回",
        en="withdraw",
        code="05",
        before=_states(V, S, D),
        after=Status.WITHDRAWN,
        needs=GROUND | {"reason_code"},
        persons=2,
        reasons={
            "law_changed": "所依据的法律、法规、规章修改或者废止（行政许可法第八条第二款）",
            "facts_changed": "准予许可所依据的客观情况发生重大变化（行政许可法第八条第二款）",
        },
    ),
    Act.REQUIRE_CLOSING: ActRule(
        zh="应当注销",
        en="closing due",
        code="07",
        before=_states(V, S),
        after=D,
        needs=frozenset({"reason_code"}),
        reasons={
            "term_over": "有效期届满未延续（行政许可法第七十条第一项）",
            "death": "公民死亡或者丧失行为能力（第二项）",
            "dissolved": "法人或者其他组织依法终止（第三项）",
            "impossible": "因不可抗力许可事项无法实施（第五项）",
            "other": "法律、法规规定应当注销的其他情形（第六项）",
        },
    ),
    Act.CLOSE: ActRule(
        zh="注销",
        en="close",
        code="05",
        before=_states(V, S, D, Status.REVOKED, Status.RESCINDED, Status.WITHDRAWN),
        after=Status.CLOSED,
        needs=frozenset({"reason_code", "legal_basis"}),
        persons=2,
        reasons={
            "applied": "持证主体申请注销",
            "term_over": "有效期届满未延续（行政许可法第七十条第一项）",
            "death": "公民死亡或者丧失行为能力（第二项）",
            "dissolved": "法人或者其他组织依法终止（第三项）",
            "merged": "合并、分立后由他人承继",
            "ended_by_decision": "许可被撤销、撤回或者吊销（第四项）",
            "impossible": "因不可抗力许可事项无法实施（第五项）",
            "other": "法律、法规规定应当注销的其他情形（第六项）",
        },
    ),
    Act.TRANSFER_OUT: ActRule(
        zh="转出",
        en="transfer out",
        code="05",
        before=_states(V),
        after=Status.TRANSFERRED_OUT,
        needs=frozenset({"reason", "successor"}),
        categories=WITH_LICENCE,
    ),
    Act.CANCEL_TRANSFER: ActRule(
        zh="取消转出",
        en="cancel a transfer out",
        code="10",
        before=_states(Status.TRANSFERRED_OUT),
        after=V,
        needs=frozenset({"reason"}),
        persons=2,
        categories=WITH_LICENCE,
    ),
    Act.ATTACH_CONDITION: ActRule(
        zh="附条件",
        en="attach a condition",
        code="07",
        before=_states(V),
        needs=frozenset({"reason_code", "due", "legal_basis"}),
        reasons={"commitment": "告知承诺", "documents": "容缺受理，材料后补"},
    ),
    Act.LIFT_CONDITION: ActRule(
        zh="解除条件",
        en="lift a condition",
        code="07",
        before=_states(V, S),
        needs=frozenset({"reason_code"}),
        reasons={"commitment": "承诺已核查属实", "documents": "后补材料已收齐"},
    ),
    Act.RECHECK: ActRule(
        zh="复核（校验）合格",
        en="recheck passed",
        code="07",
        before=_states(V, S),
        needs=frozenset({"due"}),
        sets=ConditionKind.RECHECK_DUE,
    ),
    Act.ACCEPT_RENEWAL: ActRule(
        zh="受理延续申请",
        en="accept an application for renewal",
        code="07",
        before=_states(V, S),
        sets=ConditionKind.RENEWAL_PENDING,
        categories=WITH_LICENCE,
    ),
    Act.REFUSE_RENEWAL: ActRule(
        zh="不予延续",
        en="refuse renewal",
        code="07",
        before=_states(V, S),
        needs=GROUND,
        clears=ConditionKind.RENEWAL_PENDING,
        categories=WITH_LICENCE,
    ),
    Act.STRIKE: ActRule(
        zh="更正登记",
        en="strike an entry made in error",
        code="07",
        before=_states(),
        needs=frozenset({"reason", "strikes"}),
        persons=2,
    ),
}
"""Every act, its row. `strike` is allowed in any state: it says that another entry should not be there."""

TWO_PERSONS = frozenset(act for act, rule in ACTS.items() if rule.persons == 2)
"""The acts that nobody does alone: whoever confirms is another person than whoever acts."""
