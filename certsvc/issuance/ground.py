"""What an act needs to be told, and what the type's policy adds to it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from certsvc.catalog import CertificateType
from certsvc.domain.acts import Act, ActRule
from certsvc.domain.calendar import Term, months_after
from certsvc.domain.issuing import Order
from certsvc.domain.life import Ground
from certsvc.errors import InvalidInput, Problem

LABELS = {
    "reason": ("原因", "the reason"),
    "reason_code": ("原因代码", "the reason code"),
    "legal_basis": ("法律依据", "the legal basis"),
    "decision_number": ("决定文号", "the number of the decision"),
    "due": ("期限日", "the day it is due"),
    "successor": ("承继者或迁入地", "who takes over, or where it goes"),
    "previous_identifier": ("原证照标识", "the identifier of the certificate elsewhere"),
    "strikes": ("要更正的登记", "the entry to strike"),
}

BEGINS_RECHECKS = frozenset({Act.ISSUE, Act.TRANSFER_IN, Act.RENEW})
"""From these acts rechecks are counted anew; a change or a reissue leaves them as they are."""


def require_needed(rule: ActRule, ground: Ground, more: Mapping[str, object]) -> None:
    """Refuse an act that does not say what its row demands.

    Raises:
        InvalidInput: with a problem for each thing that is missing or not known.
    """
    problems = [
        Problem(name, "required", f"{rule.zh}要写明{LABELS[name][0]}。", f"To {rule.en}, give {LABELS[name][1]}.")
        for name in sorted(rule.needs)
        if more.get(name, getattr(ground, name, None)) is None
    ]
    if rule.reasons and ground.reason_code is not None and ground.reason_code not in rule.reasons:
        known = "、".join(f"{code} {words}" for code, words in rule.reasons.items())
        codes = ", ".join(rule.reasons)
        problems.append(Problem("reason_code", "enum", f"原因代码只能是：{known}。", f"Reason codes are: {codes}."))
    if problems:
        named = ", ".join(problem.field for problem in problems)
        raise InvalidInput(
            f"{rule.zh}的内容不全：{named}", f"To {rule.en}, something is missing or wrong: {named}", problems=problems
        )


def with_first_recheck(kind: CertificateType, order: Order, term: Term) -> Ground:
    """The ground of an issue or renewal, with the last day before its first recheck where the type has one."""
    months = kind.recheck_months(order.payload)
    if months is None or order.act not in BEGINS_RECHECKS or order.ground.due is not None:
        return order.ground
    return replace(order.ground, due=next_recheck(term.start, months))


def next_recheck(day: date, months: int) -> date:
    """The last day on which the next recheck is still in time, counted from the day of the last one."""
    return months_after(day, months)
