"""Why a proof is cancelled or corrected, as everybody may read it: fixed words, chosen and never typed.

Who holds the code of a proof reads the reason of every act on it. What somebody in a village types may name a person,
so it stays with the request; on record stand the words of the ground that was chosen, a legal basis that the type
names, and the number of the decision in the organ's own words. The pages say the same words in each language.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum

from certsvc.domain.acts import Act
from certsvc.domain.life import Ground
from certsvc.domain.organ import Organ
from certsvc.errors import InvalidInput


class CorrectionGround(StrEnum):
    """Why a proof is corrected."""

    CLERICAL = "clerical"
    FACTS = "facts"
    OTHER = "other"


GROUND_WORDS: Mapping[str, Mapping[str, str]] = {
    Act.RESCIND: {
        "not_qualified": "不符合开具条件",
        "fraud": "申请材料不实，或者用其他不正当手段取得",
        "beyond_powers": "不属于村（居）委会开具的事项",
        "procedure": "没有按规定程序开具",
        "abuse": "滥用职权或者不负责任",
        "other": "依法可以撤销的其他情形",
    },
    Act.CORRECT: {
        CorrectionGround.CLERICAL: "文字、号码或者日期写错、漏写",
        CorrectionGround.FACTS: "内容与核实的情况不符",
        CorrectionGround.OTHER: "其他需要更正的内容",
    },
}
"""By act and reason code; those of a rescission are the cases of `acts.ACTS`."""

BRACKETS = str.maketrans("[]［］【】", "〔〕〔〕〔〕")


def is_ground_word(act: str, code: str | None, reason: str | None) -> bool:
    """Whether a reason on record is one of these, and so has words in every language."""
    return reason is not None and GROUND_WORDS.get(act, {}).get(code or "") == reason


def correction_on_record(chosen: CorrectionGround | None) -> Ground:
    """Why a proof is corrected, as it goes on record; of drafts that chose nothing yet, without saying what."""
    code = chosen or CorrectionGround.OTHER
    return Ground(reason_code=code.value, reason=GROUND_WORDS[Act.CORRECT][code])


def cancellation_on_record(typed: Ground, organ: Organ, bases: Sequence[str]) -> Ground:
    """Why a proof is cancelled, as it goes on record; `bases` are what its type names as legal basis.

    Raises:
        InvalidInput: another ground, basis, or number of a decision than there are.
    """
    words = GROUND_WORDS[Act.RESCIND].get(typed.reason_code or "")
    basis = next((each for each in bases if typed.legal_basis and typed.legal_basis in each), None)
    if words is None or basis is None:
        raise InvalidInput("请选择情形和依据。", "Choose which case it is, and the legal basis.")
    number = decision_number(typed.decision_number or "", organ)
    return replace(typed, reason=words, legal_basis=basis, decision_number=number)


def decision_word(organ: Organ) -> str:
    """What the numbers of an organ's decisions begin with."""
    return organ.number_word or organ.name


def decision_number(typed: str, organ: Organ) -> str:
    """The number of a decision as it is printed, 石塘村撤〔2026〕1号: nothing in it that is not the organ's own.

    Raises:
        InvalidInput: it is written in another way.
    """
    word, number = decision_word(organ), typed.translate(BRACKETS).replace(" ", "")
    if not re.fullmatch(rf"{re.escape(word)}[撤销决定字]{{0,4}}〔20\d\d〕[1-9]\d{{0,5}}号", number, re.ASCII):
        zh, en = f"决定文号请写成：{word}撤〔2026〕1号。", f"Write the number of the decision like {word}撤〔2026〕1号."
        raise InvalidInput(zh, en)
    return number
