"""Why the database refuses an act on a seal, or a use of it: its one word becomes ours, and says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from certsvc.domain.seal_acts import SEAL_ACTS, Duty, SealAct, SealState
from certsvc.errors import ActNotAllowed, CertsvcError, Forbidden, InvalidInput, SealRefused

REFUSED = "SL001"
"""The SQLSTATE of the triggers' refusals."""

STATES = {
    SealState.NEW: ("未申请", "not applied for"),
    SealState.APPLIED: ("已申请，未批准", "applied for, not approved"),
    SealState.APPROVED: ("已批准，未制作", "approved, not made"),
    SealState.MAKING: ("制作中", "being made"),
    SealState.MADE: ("已制成，未启用", "made, not enabled"),
    SealState.ENABLED: ("使用中", "enabled"),
    SealState.SUSPENDED: ("已停用", "suspended"),
    SealState.DESTROYING: ("注销中", "being destroyed"),
    SealState.DESTROYED: ("已注销", "destroyed"),
}
DUTIES = {
    Duty.APPLICANT: ("申请人", "applicant"),
    Duty.APPROVER: ("批准人", "approver"),
    Duty.MANAGER: ("管理人", "manager"),
    Duty.KEEPER: ("保管人", "keeper"),
    Duty.AUDITOR: ("监督人", "auditor"),
}
SAME_PERSON = {
    "three_duties_three_people": (
        "管理、保管、监督须由三个不同的人担任",
        "manager, keeper and auditor are three different people",
    ),
    "nobody_approves_alone": (
        "批准人不能是申请人，也不能是保管人（国办发〔2001〕52号）",
        "who approves is neither the applicant nor the keeper",
    ),
    "who_audits_does_nothing_else": ("监督人不能申请，也不能批准", "who audits neither applies nor approves"),
    "nobody_confirms_alone": ("不能自己确认自己", "nobody confirms alone"),
    "who_approves_does_not_manage": ("批准人不能是管理人", "who approves does not manage it"),
}
"""Constraints that keep people apart, in words."""


@contextmanager
def explained(seal_id: str, act: SealAct | None = None) -> Iterator[None]:
    """Say a refusal of the triggers in our own words; `act` is what was tried, None a use.

    Raises:
        SealRefused: the seal may not be used now, not so, or not for this.
        ActNotAllowed, Forbidden, InvalidInput: the act may not be done now, by this person, or with this successor.
    """
    try:
        yield
    except asyncpg.CheckViolationError as error:
        if error.constraint_name == "name_has_one_spelling":
            raise InvalidInput(
                f"印章 {seal_id}：姓名的首尾、中间不能有多余的空格，也不能有看不见的或有另一种写法的字符。",
                f"The seal {seal_id}: a name has no needless blanks, and no characters that cannot be seen or have "
                "another spelling.",
            ) from None
        if error.constraint_name not in SAME_PERSON:
            raise
        zh, en = SAME_PERSON[error.constraint_name]
        raise Forbidden(f"印章 {seal_id}：{zh}。", f"The seal {seal_id}: {en}.") from None
    except asyncpg.PostgresError as error:
        if error.sqlstate != REFUSED:
            raise
        why, met = str(error.args[0]), str(getattr(error, "detail", None) or "")
        raise (_use_refused(seal_id, why, met) if act is None else _act_refused(seal_id, act, why, met)) from None


def _use_refused(seal_id: str, why: str, met: str) -> SealRefused:
    zh, en = _USES[why]
    if why == "not_enabled":
        met_zh, met_en = STATES[SealState(met)] if met else ("未登记", "not on record")
    elif why == "out_of_hours":
        met_zh = met_en = _hours(met)
    else:
        met_zh = met_en = met
    return SealRefused(
        f"印章 {seal_id} 不能用印：{zh.format(met=met_zh)}",
        f"The seal {seal_id} is not used: {en.format(met=met_en)}",
        reason=why,
        seal_id=seal_id,
    )


_USES = {
    "not_enabled": (
        "它现在{met}。停用的由管理人恢复（certsvc seal resume）之后再办。",
        "it is {met}. One that is suspended can be used once its manager resumes it (certsvc seal resume).",
    ),
    "auditor": ("{met} 是它的监督人，不能用印。", "{met} audits it and may not use it. Somebody else has to."),
    "manager": (
        "{met} 是它的管理人，不能用印：请由别人办理。",
        "{met} manages it and may not use it. Somebody else has to.",
    ),
    "wrong_time": (
        "{met} 在将来，或早于此前的登记：请校准时钟。",
        "{met} is in the future, or before what is on record already: set the clock right.",
    ),
    "not_for_this_type": (
        "它不能用于 {met} 类证照：请用绑定该类证照的印章。",
        "it is not bound to the type {met}: use the one that is.",
    ),
    "not_for_documents": (
        "它绑定了证照类别（{met}），不能盖在文件上，也不能签摘要：请用不绑定类别的文件印章。",
        "it is bound to certificate types ({met}) and never stands under a document or signs a digest: use a seal "
        "for documents, which is bound to none.",
    ),
    "elsewhere": (
        "规定的位置是第 {met} 毫米处，这里的位置与此不同：请改位置或版面，或另制印章。",
        "its place is page {met} mm, and it would stand elsewhere: change that or the layout, or make another seal.",
    ),
    "out_of_hours": (
        "规定的用印时间是 {met}（北京时间）：到时再办。",
        "it is used only in its hours, {met} Beijing time: wait for them.",
    ),
    "quota_used_up": (
        "今天的 {met} 次已经用完：明天再办。",
        "its {met} uses of today are used up: it can be used again tomorrow.",
    ),
    "no_authorisation": (
        "保管人还没有授权用印：授权以后自动盖章。",
        "its keeper has not opened it: once they do, what waits is sealed by itself.",
    ),
    "authorisation_revoked": (
        "授权已被保管人撤销：重新授权以后自动盖章。",
        "its keeper has revoked the authorisation: once there is another, what waits is sealed by itself.",
    ),
    "authorisation_handed_over": (
        "印章已移交，原保管人的授权不再有效：由现在的保管人授权。",
        "it was handed over, which ended the authorisations of the keeper of before: the present one has to open it.",
    ),
    "authorisation_keeper_left": (
        "保管人已不在本单位任职，所作的授权不再有效：移交印章后，由新的保管人授权。",
        "its keeper has no duty in the organ any more, which ends what they opened: the seal is to be handed over, and "
        "opened by who keeps it then.",
    ),
    "authorisation_not_of_kind": (
        "授权的范围没有 {met}：由保管人另行授权。",
        "its keeper has not opened it for the type {met}: another authorisation has to.",
    ),
    "authorisation_not_begun": (
        "授权从 {met} 开始：到时自动盖章。",
        "the authorisation begins on {met}: what waits is sealed by itself then.",
    ),
    "authorisation_over": (
        "授权到 {met} 为止，已经过期：由保管人重新授权。",
        "the authorisation lasted until {met}: its keeper has to open it again.",
    ),
    "authorisation_used_up": (
        "授权的 {met} 次已经用完：由保管人重新授权。",
        "the {met} uses of the authorisation are used up: its keeper has to open it again.",
    ),
    "authorisation_used_up_today": (
        "授权每日 {met} 次，今天的已经用完：明天自动盖章，或由保管人另行授权。",
        "the {met} uses authorised for one day are used up: it goes on tomorrow, or with another authorisation.",
    ),
    "not_approved": (
        "没有审批记录：先审批，后用印。",
        "nobody has approved what it would seal: approval comes first.",
    ),
    "approved_by_keeper": (
        "{met} 审批了这件，又是印章的保管人，审批与保管须由不同的人担任（国办发〔2001〕52号）：请另行审批。",
        "{met} approved this and keeps the seal, which takes two people: have somebody else approve it.",
    ),
    "approved_by_handler": (
        "{met} 经办这件，不能自己审批：请由别人审批。",
        "{met} handles this and cannot approve it: have somebody else approve it.",
    ),
}
"""By the word of the database, which is also the reason that what waits is told with."""


def _hours(met: str) -> str:
    if met == "-":
        return "周一至周五 Monday to Friday"
    opens, closes = (int(part) for part in met.split("-"))
    return f"{opens // 60:02}:{opens % 60:02}–{closes // 60:02}:{closes % 60:02}"


FOR_EVER = {
    "other_purpose": (
        "不能在证照印章与文件印章之间改换用途：请另制一枚。",
        "is for certificates or for documents, for ever the one: have another seal made.",
    ),
    "needs_it_for_ever": (
        "须经保管人授权才能用印，这一条不能取消。",
        "is used only as its keeper opens it, and that is never taken back.",
    ),
}
"""What no change of the rules changes."""


def _not_allowed(seal_id: str, act: SealAct, why: str, state: str) -> ActNotAllowed:
    if why in FOR_EVER:
        zh, en = FOR_EVER[why]
        return ActNotAllowed(f"印章 {seal_id} {zh}", f"The seal {seal_id} {en}")
    (zh, en), rule = STATES[SealState(state)], SEAL_ACTS[act]
    return ActNotAllowed(
        f"印章 {seal_id} {zh}，不能{rule.zh}。", f"The seal {seal_id} is {en}: the act “{rule.en}” is not allowed."
    )


NOT_THIS_PERSON = {
    "auditor": ("{met} 是印章 {seal} 的监督人，不能办理。", "{met} audits the seal {seal} and may not act on it."),
    "has_acted": (
        "{met} 办理过印章 {seal} 的事项，不能来监督它。",
        "{met} has acted on the seal {seal} and cannot audit it.",
    ),
    "approves_in_organ": (
        "{met} 在用印单位担任审批人或监督人，不能保管印章 {seal}（国办发〔2001〕52号）。",
        "{met} approves in the organ of the seal {seal}, or audits it, and cannot keep the seal.",
    ),
    "has_audited": (
        "{met} 监督过印章 {seal}，不能担任别的职责。",
        "{met} has audited the seal {seal} and takes no other duty for it.",
    ),
}
"""Who may not act, or may not take a duty."""


def _act_refused(seal_id: str, act: SealAct, why: str, met: str) -> CertsvcError:
    rule = SEAL_ACTS[act]
    if why in ("wrong_state", *FOR_EVER):
        return _not_allowed(seal_id, act, why, met)
    if why in NOT_THIS_PERSON:
        zh, en = NOT_THIS_PERSON[why]
        return Forbidden(zh.format(met=met, seal=seal_id), en.format(met=met, seal=seal_id))
    duties = [DUTIES[Duty(duty)] for duty in met.split(",")] if why in ("not_the_duty", "not_confirmed") and met else []
    who_zh, who_en = "或".join(zh for zh, _ in duties), " or ".join(en for _, en in duties)
    match why:
        case "not_the_duty":
            return Forbidden(
                f"印章 {seal_id} 的{rule.zh}由{who_zh}办理（见 certsvc seal show）。",
                f"To {rule.en} the seal {seal_id} is for its {who_en} (see certsvc seal show).",
            )
        case "not_confirmed":
            return Forbidden(
                f"印章 {seal_id} 的{rule.zh}{f'须由{who_zh}确认' if met else '不用别人确认'}。",
                f"To {rule.en} the seal {seal_id} is confirmed by {f'its {who_en}' if met else 'nobody'}.",
            )
        case "wrong_time":
            return InvalidInput(
                f"印章 {seal_id}：{met} 在将来，或早于此前的登记：请校准时钟。",
                f"The seal {seal_id}: {met} is in the future, or before what is on record: set the clock right.",
            )
    return InvalidInput(
        f"{rule.zh}印章 {seal_id}：{'要' if met else '不'}写明接任的人。",
        f"To {rule.en} the seal {seal_id} {'takes' if met else 'names no'} successor.",
    )


def only_in_village(seal_id: str) -> SealRefused:
    """The error, for what is asked for past the village: it would wait for an approval that nobody can give."""
    return SealRefused(
        f"印章 {seal_id} 由保管人事先授权，只盖村（居）委会经办、审批过的证明：请在村务平台（/village）办理。",
        f"The seal {seal_id} is opened by its keeper for what the village's own people filled in and approved: ask for "
        "it in the village console (/village).",
        reason="only_in_village",
        seal_id=seal_id,
    )
