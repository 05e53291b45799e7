"""What became of a proof after it was sealed, as the register has it.

Its request stays sealed whatever happens to the certificate: another request corrects it, another organ rescinds it, a
day ends its term. So pages ask the register, and what makes no sense any more is neither offered nor done.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from certsvc.domain.acts import Act, Organ
from certsvc.domain.states import ENDED_BY_TERM, IN_FORCE, STATES, Status
from certsvc.errors import ActNotAllowed
from certsvc.ids import Ref


class LifeState(StrEnum):
    """What became of it. A term that is over is said, and forbids nothing: the mistake may be the term itself, and who
    should never have had it is told so afterwards, too."""

    IN_FORCE = "in_force"
    EXPIRED = "expired"
    HELD = "held"
    CORRECTED = "corrected"
    REPLACED = "replaced"
    ENDED = "ended"


USABLE = frozenset({LifeState.IN_FORCE, LifeState.EXPIRED})
"""It is printed, handed out, fetched and corrected."""

CANCELLABLE = USABLE | {LifeState.HELD}

ENDED = frozenset(
    {Status.REVOKED, Status.RESCINDED, Status.WITHDRAWN, Status.CLOSED, Status.SUPERSEDED, Status.TRANSFERRED_OUT}
)
ORGANS = {
    Organ.ISSUER: ("出具单位", "the issuing organ"),
    Organ.ENFORCER: ("执法机关", "an enforcing organ"),
    Organ.SUPERIOR: ("上级机关", "a superior organ"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofLife:
    """A sealed proof on a `day`: its `status`, `since` when and by which `organ`; `end` is the last day of its term.
    `newest` is the newest version of its number, which the act `made` and the request `newer` became (None: it came
    from elsewhere); `correction` the request that is to correct it, not at its end; `is_cancelling` says whether
    somebody asks that it is cancelled."""

    ref: Ref
    day: date
    status: Status
    since: date | None
    organ: Organ | None
    end: date | None
    newest: Ref
    made: Act
    newer: str | None
    correction: str | None
    is_cancelling: bool

    @property
    def state(self) -> LifeState:
        """What became of it."""
        if self.newest != self.ref:
            return LifeState.CORRECTED if self.made is Act.CORRECT else LifeState.REPLACED
        if self.status in ENDED:
            return LifeState.ENDED
        if self.status not in IN_FORCE:
            return LifeState.HELD
        over = self.end is not None and self.end < self.day and self.status in ENDED_BY_TERM
        return LifeState.EXPIRED if over else LifeState.IN_FORCE


def require_usable(life: ProofLife) -> None:
    """Refuse what is done with a proof in force only.

    Raises:
        ActNotAllowed: it is not; with what became of it.
    """
    if life.state not in USABLE:
        raise _became(life)


def require_cancellable(life: ProofLife) -> None:
    """Refuse to cancel what is not the newest of its number, or at its end: what is cancelled is the life of all.

    Raises:
        ActNotAllowed: it is not; with what became of it.
    """
    if life.state not in CANCELLABLE:
        raise _became(life)


def superseded(newest: Ref) -> ActNotAllowed:
    """The error, for what is done to a proof of which there is a newer version."""
    return ActNotAllowed(
        f"这份证明已经更正或者换发，现在用的是 {newest.typed_code}：请按新的一份办。",
        f"This proof was corrected or replaced, and the one to use is {newest.typed_code}: act on that one.",
    )


def not_in_force(status: Status) -> ActNotAllowed:
    """The error, for what is done to a proof that is not in force."""
    word = STATES[status]
    return ActNotAllowed(
        f"这份证明在登记簿中的状态是“{word.zh}”，不能这样办。",
        f"The state of this proof in the register is “{word.en}”: this is not allowed.",
    )


def being_corrected(request_id: str) -> ActNotAllowed:
    """The error, for what is done to a proof of which a correction is under way."""
    return ActNotAllowed(
        f"这份证明有一件更正在办（申请 {request_id}）：请先办完那一件，或者把它撤回。",
        f"A correction of this proof is under way (request {request_id}): finish that one first, or withdraw it.",
    )


def _became(life: ProofLife) -> ActNotAllowed:
    if life.state in (LifeState.CORRECTED, LifeState.REPLACED):
        return superseded(life.newest)
    if life.organ is None or life.since is None:
        return not_in_force(life.status)
    (by_zh, by_en), word, day = ORGANS[life.organ], STATES[life.status], life.since
    return ActNotAllowed(
        f"这份证明已由{by_zh}{word.zh}（{day.year}年{day.month}月{day.day}日起），不能这样办。",
        f"{word.en} by {by_en} since {day.isoformat()}: this is not allowed with the proof.",
    )
