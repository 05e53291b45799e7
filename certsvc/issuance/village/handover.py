"""Handing over who does what, and the seal with it, after an election or at any time, as one act; and what is left to
be done then, where the seal is not for who hands over to pass on."""

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
from certsvc.domain.organ_seal import OrganSeal
from certsvc.errors import Forbidden, InvalidInput, NotFound, Problem
from certsvc.ids import Uscc
from certsvc.services import Organs

MOST_REASON = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """The seal is still kept by who has gone: it is to be handed over by its manager or its approver, in another
    handover or by itself (`issuance.seals.act_on_seal`)."""

    seal_id: str
    keeper: str


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
    organ, held, seal = await _known(organs, handover)
    await _require_overseer(organs, organ, handover, now)
    return handover_problems(organ, held, seal, handover, beijing_date(now))


async def hand_over(organs: Organs, handover: Handover, now: datetime) -> HandedOver:
    """End and begin appointments, and hand over the seal between if a keeper is named: all of it or nothing.

    Raises:
        InvalidInput: with every problem, or there is no reason, or it is over 4,000 characters.
        Forbidden: who asks oversees no such organ.
        ChangedMeanwhile: appointments or keeper are not those that were looked at.
        NotFound, Conflict, ActNotAllowed, KeyReused: see `services.Organs.hand_over`.
    """
    if not 0 < len(handover.reason.strip()) <= MOST_REASON:
        raise InvalidInput("请写明交接的原因。", "Say why it is handed over.")
    organ, held, seal = await _known(organs, handover)
    await _require_overseer(organs, organ, handover, now)
    leaves = seal is not None and keeper_must_change(held, seal.people.keeper, handover)
    after = await organs.hand_over(handover, now)
    if seal is None or not leaves:
        return HandedOver(appointments=after, next_step=None)
    return HandedOver(appointments=after, next_step=NextStep(seal_id=seal.id, keeper=seal.people.keeper))


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


async def _known(organs: Organs, handover: Handover) -> tuple[Organ, Sequence[Appointment], OrganSeal | None]:
    organ = await organs.organ(handover.organ)
    return organ, await organs.appointments(organ.uscc), await organs.seal(organ.uscc)
