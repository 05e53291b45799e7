"""Handing over who does what, after an election or at any time, as one act; and what is left to be done then."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from certsvc.domain.calendar import beijing_date
from certsvc.domain.organ import (
    Appointment,
    Handover,
    Member,
    Organ,
    OrganDuty,
    handover_problems,
    keeper_must_change,
    oversees,
)
from certsvc.domain.seal_acts import SealAct, SealActRequest
from certsvc.errors import Forbidden, InvalidInput, NotFound, Problem
from certsvc.ids import Uscc
from certsvc.services import Organs

MOST_REASON = 4000


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
        Forbidden: who asks oversees no such organ.
    """
    organ, held, keeper = await _known(organs, handover)
    await _require_overseer(organs, organ, handover, now)
    return handover_problems(organ, held, keeper, handover, beijing_date(now))


async def hand_over(organs: Organs, handover: Handover, now: datetime) -> HandedOver:
    """End and begin appointments, all of them or none.

    Raises:
        InvalidInput: with every problem, or there is no reason, or it is over 4,000 characters.
        Forbidden: who asks oversees no such organ.
        ChangedMeanwhile: the appointments are not those that were looked at.
        NotFound, Conflict, KeyReused: see `services.Organs.hand_over`.
    """
    if not 0 < len(handover.reason.strip()) <= MOST_REASON:
        raise InvalidInput("请写明交接的原因。", "Say why it is handed over.")
    organ, held, keeper = await _known(organs, handover)
    await _require_overseer(organs, organ, handover, now)
    leaves = keeper_must_change(held, keeper, handover)
    after = await organs.hand_over(handover, now)
    if not leaves or organ.seal_id is None or keeper is None:
        return HandedOver(appointments=after, next_step=None)
    return HandedOver(appointments=after, next_step=NextStep(seal_id=organ.seal_id, keeper=keeper))


async def organ_for(organs: Organs, who: Member, uscc: Uscc) -> Organ:
    """The organ whose people somebody may look at: their own, or one that they oversee.

    Raises:
        NotFound: it is neither, or there is none: said alike.
    """
    if uscc == who.organ.uscc:
        return who.organ
    if who.has(OrganDuty.OVERSEER):
        found = await organs.organ(uscc)
        if oversees(who.organ, found):
            return found
    raise NotFound(f"没有登记单位 {uscc}。", f"There is no organ {uscc} on record.")


async def keeper_serves(organs: Organs, held: Sequence[Appointment], keeper: str, now: datetime) -> bool:
    """Whether who keeps a seal may sign in and has a duty today in the organ whose appointments are `held`; the
    database asks the same of each use."""
    today = beijing_date(now)
    has_duty = any(one.person == keeper and one.holds_on(today) for one in held)
    return has_duty and keeper in await organs.accounts([keeper])


async def _require_overseer(organs: Organs, organ: Organ, handover: Handover, now: datetime) -> None:
    """The operator may; a person only who oversees it. The database sees the same."""
    if handover.account is None:
        return
    for member in await organs.memberships(handover.account, beijing_date(now)):
        if member.has(OrganDuty.OVERSEER) and oversees(member.organ, organ):
            return
    raise Forbidden(
        f"{organ.name}的任职由所属镇街或市的督导人登记，您不能办理。",
        f"Who does what in {organ.name} is put on record by an overseer of its town or city.",
    )


async def _known(organs: Organs, handover: Handover) -> tuple[Organ, Sequence[Appointment], str | None]:
    organ = await organs.organ(handover.organ)
    return organ, await organs.appointments(organ.uscc), await organs.keeper(organ.uscc)
