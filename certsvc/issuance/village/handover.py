"""Handing over who does what, after an election or at any time, as one act; and what is left to be done then."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from certsvc.domain.calendar import beijing_date
from certsvc.domain.organ import Appointment, Handover, Organ, handover_problems, keeper_must_change
from certsvc.domain.seal_acts import SealAct, SealActRequest
from certsvc.errors import Problem
from certsvc.services import Organs


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """The seal is still kept by who has gone: it is to be handed over by its manager or its approver, who are not of
    the village (`issuance.seals.act_on_seal`)."""

    seal_id: str
    keeper: str

    def request(self, actor: str, successor: str, reason: str, client: str, key: str) -> SealActRequest:
        """The act on the seal, ready to be done."""
        return SealActRequest(
            client=client,
            key=key,
            seal_id=self.seal_id,
            act=SealAct.HAND_OVER,
            actor=actor,
            reason=reason,
            successor=successor,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """The appointments as they stand, and the next step, if there is one."""

    appointments: Sequence[Appointment]
    next_step: NextStep | None


async def look_at_handover(organs: Organs, handover: Handover, now: datetime) -> list[Problem]:
    """Everything that speaks against a handover, before it is done.

    Raises:
        NotFound: there is no such organ.
    """
    organ, held, keeper = await _known(organs, handover)
    return handover_problems(organ, held, keeper, handover, beijing_date(now))


async def hand_over(organs: Organs, handover: Handover, now: datetime) -> HandedOver:
    """End and begin appointments, all of them or none.

    Raises:
        InvalidInput: with every problem.
        NotFound, Conflict, Forbidden, KeyReused: see `services.Organs.hand_over`.
    """
    organ, held, keeper = await _known(organs, handover)
    leaves = keeper_must_change(held, keeper, handover)
    after = await organs.hand_over(handover, now)
    if not leaves or organ.seal_id is None or keeper is None:
        return HandedOver(appointments=after, next_step=None)
    return HandedOver(appointments=after, next_step=NextStep(seal_id=organ.seal_id, keeper=keeper))


async def _known(organs: Organs, handover: Handover) -> tuple[Organ, Sequence[Appointment], str | None]:
    organ = await organs.organ(handover.organ)
    return organ, await organs.appointments(organ.uscc), await organs.keeper(organ.uscc)
