"""Why the database refuses what is done in a village: its one word becomes ours, and says what to do."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import asyncpg

from certsvc.domain.evidence import too_much_evidence
from certsvc.domain.proof_acts import STATE_WORDS, ProofState
from certsvc.domain.proof_doubt import DoubtNeed, doubt_open
from certsvc.domain.proof_life import being_corrected, not_in_force, superseded
from certsvc.domain.proof_request import four_eyes, no_consent, not_identified
from certsvc.domain.sitting import not_confirmed, not_seen
from certsvc.domain.states import Status
from certsvc.errors import ActNotAllowed, CertsvcError, ChangedMeanwhile, Conflict, Forbidden, InvalidInput, NotFound
from certsvc.ids import ref_from_bytes

REFUSED = "VP001"
"""The SQLSTATE of the triggers' refusals."""

TAKEN = {
    "organ_number_word_key": ("机关代字已属于另一单位。", "The word in numbers is that of another organ."),
    "organ_seal_id_key": ("这枚印章已属于另一单位。", "The seal is that of another organ."),
    "one_duty_once": ("此人在这些日子里已担任同一职责。", "The person has this duty on these days already."),
}
UNKNOWN = {
    "organ_seal_id_fkey": ("没有这枚印章。", "There is no such seal."),
    "organ_town_fkey": ("没有登记所属的镇街。", "The town is not on record."),
    "proof_request_corrects_slot_corrects_ref_fkey": ("没有要更正的证明。", "There is no proof to correct."),
}


@contextmanager
def explained_village() -> Iterator[None]:
    """Say a refusal of the triggers and constraints in our own words.

    Raises:
        ActNotAllowed, ChangedMeanwhile, Conflict, Forbidden, InvalidInput, NotFound: what it was.
    """
    try:
        yield
    except (asyncpg.UniqueViolationError, asyncpg.ExclusionViolationError) as error:
        if error.constraint_name not in TAKEN:
            raise
        raise Conflict(*TAKEN[error.constraint_name]) from None
    except asyncpg.ForeignKeyViolationError as error:
        if error.constraint_name not in UNKNOWN:
            raise
        raise NotFound(*UNKNOWN[error.constraint_name]) from None
    except asyncpg.PostgresError as error:
        if error.sqlstate != REFUSED:
            raise
        raise _refusal(str(error.args[0]), str(getattr(error, "detail", None) or "")) from None


def _refusal(why: str, met: str) -> CertsvcError:
    if why == "four_eyes":
        return four_eyes(met)
    if why == "doubt_open":
        return doubt_open([DoubtNeed(need) for need in met.split(",")])
    if why == "wrong_state":
        zh, en = STATE_WORDS.get(ProofState(met), (met, met))
        return ActNotAllowed(f"该申请{zh}，不能这样办。", f"The request is {en}: this is not allowed.")
    if why in _WITHOUT_WORDS:
        return _WITHOUT_WORDS[why]()
    if why in _OF_WHAT_IS_MET:
        return _OF_WHAT_IS_MET[why](met)
    kind, zh, en = _WORDS[why]
    return kind(zh.format(met=met), en.format(met=met))


_WITHOUT_WORDS: Mapping[str, Callable[[], CertsvcError]] = {
    "not_identified": not_identified,
    "no_consent": no_consent,
    "not_confirmed": not_confirmed,
    "not_seen": not_seen,
    "too_much_evidence": too_much_evidence,
}
_OF_WHAT_IS_MET: Mapping[str, Callable[[str], CertsvcError]] = {
    "superseded": lambda met: superseded(ref_from_bytes(bytes.fromhex(met))),
    "not_in_force": lambda met: not_in_force(Status(met)),
    "being_corrected": being_corrected,
}
_NO_DUTY = Forbidden, "您在这个单位没有办理此事的职责。", "You have no duty in this organ to do this."
_WORDS: Mapping[str, tuple[type[CertsvcError], str, str]] = {
    "stale": (
        ChangedMeanwhile,
        "现在是第 {met} 版：请看过新版再办。",
        "It is version {met} now: look at that one first.",
    ),
    "asked_already": (Conflict, "已有撤销申请在办。", "Somebody has asked to cancel it already."),
    "another_approval": (
        Conflict,
        "审批的情况与申请不一致，请刷新后再办。",
        "The approval does not say what the request says: look again.",
    ),
    "not_their_overseer": (
        Forbidden,
        "任职由所属镇街或市的督导人登记，{met}不能办理。",
        "{met} may not put this on record: an overseer of its town or city does.",
    ),
    "appoints_oneself": (
        Forbidden,
        "{met}不能把自己登记为任职人。",
        "{met} does not appoint themselves.",
    ),
    "not_by_handover": (
        Forbidden,
        "任职的起止只能由一次交接登记。",
        "An appointment begins and ends only with a handover on record.",
    ),
    "not_appointed": _NO_DUTY,
    "another_name": _NO_DUTY,
    "keeps_the_seal": (
        Forbidden,
        "{met}：保管印章的人不能担任审批人或监督人（国办发〔2001〕52号），请先移交印章。",
        "{met}: who keeps the seal neither approves nor audits: first have the seal handed over.",
    ),
    "audits": (
        Forbidden,
        "{met} 负责监督，不能同时有别的职责。",
        "{met} audits, and has no other duty beside it.",
    ),
    "no_overseer": (InvalidInput, "督导人由镇街或市设置。", "Overseers belong to a town or a city."),
}
