"""What became of a sealed proof, in words and shape, on the console's pages and on those of residents."""

from dataclasses import dataclass
from datetime import datetime

from certsvc.domain.proof_acts import ProofAct
from certsvc.domain.proof_life import USABLE, LifeState, ProofLife
from certsvc.domain.proof_request import ProofRequest
from certsvc.errors import CertsvcError
from certsvc.http.language import Language
from certsvc.issuance.village.lives import require_alive
from certsvc.issuance.village.work import VillageWork

LOOKS = {
    LifeState.EXPIRED: ("old", "clock"),
    LifeState.HELD: ("hold", "clock"),
    LifeState.CORRECTED: ("old", "arrow"),
    LifeState.REPLACED: ("old", "arrow"),
    LifeState.ENDED: ("bad", "stop"),
}
"""Colour and shape of each, beside its word."""


@dataclass(frozen=True, slots=True)
class LifeSaid:
    """What became of a proof: its `word`, what to know of it inside and as a resident, the request of the `newer` one,
    and whether it is still used."""

    look: str
    icon: str
    word: str
    title: str
    said: str
    to_resident: str
    newer: str
    is_usable: bool


def life_said(life: ProofLife | None, language: Language) -> LifeSaid | None:
    """What became of a proof that was sealed; None where it is in force."""
    if life is None or life.state is LifeState.IN_FORCE:
        return None
    words = language.words["lives"]
    word = words["words"].get(life.state) or language.words["status"][life.status]
    key = "unknown" if life.state is LifeState.HELD and life.organ is None else str(life.state)
    end = life.end if life.state is LifeState.EXPIRED else life.since
    values = {
        "word": word,
        "day": language.day(end) if end else "",
        "by": words["by"][life.organ] if life.organ else "",
    }
    return LifeSaid(
        *LOOKS[life.state],
        word=word,
        title=words["title"].format(word=word),
        said=words["said"][key].format(**values),
        to_resident=words["to_resident"][key].format(**values),
        newer=life.newer or "",
        is_usable=life.state in USABLE,
    )


async def why_not(work: VillageWork, request: ProofRequest, act: ProofAct, language: Language, now: datetime) -> str:
    """Why an act makes no sense any more, whoever would do it; "" where it does."""
    try:
        await require_alive(work, request, act, now)
    except CertsvcError as error:
        return language.pick(error.zh, error.en)
    return ""
