"""Changes of state. Which act is allowed from which state, and by whom, is the state table's business."""

from certsvc.domain.actor import Actor
from certsvc.domain.issuing import StatusEvent
from certsvc.services import Register


async def change_status(register: Register, actor: Actor, event: StatusEvent) -> None:
    """Put a dated change of state on record, with its reason.

    Raises:
        Forbidden: the actor may not change certificates of this type.
        NotFound: no certificate with this reference has been issued.
        Conflict: the register already says otherwise for that time.
    """
    reservation = await register.reservation(event.ref)
    actor.require("change", reservation.type_id)
    await register.change_status(event)
