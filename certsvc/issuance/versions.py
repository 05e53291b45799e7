"""The next version of a certificate: what a renewal, a change, a reissue or a correction may alter, and its days."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from certsvc.catalog import CertificateType
from certsvc.domain.acts import ACTS, Act
from certsvc.domain.calendar import Term, TermState
from certsvc.domain.issuing import Order, Reservation
from certsvc.domain.life import State
from certsvc.domain.states import ConditionKind, said_state
from certsvc.errors import ActNotAllowed, InvalidInput, Problem

DAY = timedelta(days=1)
NEW_FORM = "new_form"
"""The reason of a reissue that changes who lays out the page."""


def require_living(act: Act, previous: Reservation, state: State, today: date) -> None:
    """Refuse a next version of what is at its end.

    Raises:
        ActNotAllowed: the act is not allowed from the state of today, or the term is over and no application in time
            keeps the certificate in force (行政许可法 art. 50).
    """
    rule = ACTS[act]
    if state.status is None or state.status not in rule.before:
        zh, en = said_state(state.status)
        raise ActNotAllowed(
            f"{previous.number} 今天的状态是{zh}，不能{rule.zh}。",
            f"The state of {previous.number} is {en} today: the act “{rule.en}” is not allowed.",
        )
    over = previous.term.state(today) is TermState.OVER
    if over and ConditionKind.RENEWAL_PENDING not in state.conditions:
        raise ActNotAllowed(
            f"{previous.number} 的有效期已于 {previous.term.end} 届满，期满前没有受理延续申请：请按新申请办理。",
            f"The term of {previous.number} ended on {previous.term.end} and no application for renewal was accepted "
            "in time: this needs a new application.",
        )


def require_layout_kept(order: Order, previous: Reservation) -> None:
    """Refuse a next version of a page laid out elsewhere that does not say how its own page comes about: nobody but the
    registrar can know, so nothing is taken over from before, and none becomes one of our layouts unsaid.

    Raises:
        InvalidInput: the layout, or the page that was sealed here before, is missing.
    """
    if order.act is Act.REISSUE and order.ground.reason_code == NEW_FORM:
        return
    problems = [*_layout_left_out(order, previous)]
    if problems:
        raise InvalidInput(problems[0].zh, problems[0].en, problems=problems)


def _layout_left_out(order: Order, previous: Reservation) -> Iterator[Problem]:
    number, en = previous.number, f"reissue it with reason_code {NEW_FORM}"
    if previous.layout is not None and order.layout is None:
        yield Problem(
            "layout",
            "layout_kept",
            f"{number} 的版面由登记机关制作，新的一版也要写 layout: {previous.layout}（通过接口办理）；"
            f"改用本系统版式的，以换发新式样（reason_code {NEW_FORM}）补发。",
            f"The page of {number} was laid out elsewhere: order the next version with the layout {previous.layout} "
            f"too (by the API). To change to our own, {en}.",
        )
    if previous.file is not None and order.file is None:
        yield Problem(
            "file",
            "file_kept",
            f"{number} 的页面在此盖章，新的一版也要有 file；不再在此盖章的，以换发新式样（{NEW_FORM}）补发。",
            f"The page of {number} was sealed here: give that of the next version as `file`. To have none sealed here "
            f"any more, {en}.",
        )


def version_problems(
    act: Act, kind: CertificateType, old: Mapping[str, Any], new: Mapping[str, Any], term: Term, today: date
) -> list[Problem]:
    """What in the new payload this act may not alter; `term` is that of the old version."""
    return [*_same_holder(kind, old, new), *_RULES[act](kind, old, new, term, today)]


def take_over_day(act: Act, previous: Reservation, new: Term, today: date) -> date:
    """The day from which the new version holds: of a renewal the first of its term, else today; never before the
    version it follows has taken over itself."""
    return max(new.start if act is Act.RENEW else today, previous.takes_over)


def _same_holder(kind: CertificateType, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Problem]:
    before, after = kind.holder(old), kind.holder(new)
    if (before.code, before.code_kind) != (after.code, after.code_kind):
        yield Problem(
            kind.definition.holder.code,
            "other_holder",
            "持证主体不能变：另一个主体须重新申请。",
            "The holder cannot become another: that needs an application of its own.",
        )


def _renewal(
    kind: CertificateType, old: Mapping[str, Any], new: Mapping[str, Any], term: Term, today: date
) -> Iterator[Problem]:
    if term.end is None:
        yield Problem("", "no_term", "没有期限的证照不用延续。", "What has no term is not renewed.")
        return
    if kind.policy.renewal is None or not kind.policy.number.kept_on_renewal:
        zh = f"{kind.zh}不办理延续：期满须重新申请，另取编号。"
        yield Problem("", "not_renewed", zh, "This type is not renewed: apply anew, under another number.")
    start = term.end + DAY if today <= term.end else today
    if kind.term(new).start != start:
        yield Problem(
            kind.definition.term.start,
            "renewal_start",
            f"延续后的有效期应从 {start} 起：期满前准予的，从期满次日起；期满后准予的，从准予之日起。",
            f"The renewed term begins on {start}: on the day after the old one if granted before its end, else on the "
            "day it is granted.",
        )


def _change(
    kind: CertificateType, old: Mapping[str, Any], new: Mapping[str, Any], term: Term, today: date
) -> Iterator[Problem]:
    yield from _same_term(kind, new, term)
    if dict(old) == dict(new):
        yield Problem("", "no_change", "内容没有变化。", "Nothing has changed.")


def _same_term(kind: CertificateType, new: Mapping[str, Any], term: Term) -> Iterator[Problem]:
    if kind.term(new) != term:
        yield Problem(
            kind.definition.term.end or kind.definition.term.start,
            "term_kept",
            "变更、补发不改变有效期；要延长请办理延续。",
            "A change or reissue keeps the term; to prolong it, renew.",
        )


def _reissue(
    kind: CertificateType, old: Mapping[str, Any], new: Mapping[str, Any], term: Term, today: date
) -> Iterator[Problem]:
    if dict(old) != dict(new):
        field = next((key for key in {**old, **new} if old.get(key) != new.get(key)), "")
        yield Problem(field, "content_kept", "补发的内容与原证相同；有变化请办理变更。", "A reissue keeps the content.")


def _correction(
    kind: CertificateType, old: Mapping[str, Any], new: Mapping[str, Any], term: Term, today: date
) -> Iterator[Problem]:
    if dict(old) == dict(new):
        yield Problem("", "no_change", "内容没有变化。", "Nothing has changed.")


_RULES = {Act.RENEW: _renewal, Act.CHANGE: _change, Act.REISSUE: _reissue, Act.CORRECT: _correction}
