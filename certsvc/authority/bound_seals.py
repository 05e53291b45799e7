"""Which seals stand under a certificate: the one that its organ has for the type, or those of all parties of a joint
document, in the order of the ceremony's plan for as long as the parties last."""

from collections.abc import Mapping, Sequence

from certsvc.authority.plan import Plan
from certsvc.domain.seal import Seal
from certsvc.errors import SealRefused
from certsvc.ids import Uscc


def bound_seals(type_id: str, seals: Sequence[Seal], plan: Plan, organ: Uscc | None) -> tuple[Seal, ...]:
    """Of these seals those bound to a certificate type, in the order in which they are put on.

    Where several organs issue the type, each under its own seal, it is that of the `organ`.

    Raises:
        SealRefused: no seal is bound, a party of a joint document has none, or several organs have one and none is
            named.
    """
    bound = {seal.id: seal for seal in seals if type_id in seal.certificate_types}
    parties = next((joint.seals for joint in plan.joint if joint.certificate_type == type_id), None)
    if parties is not None:
        found = in_their_places(parties, bound, {seal.id: seal.owner_uscc for seal in plan.seals})
    else:
        found = _of_organ(type_id, tuple(bound.values()), organ)
    if not found:
        raise SealRefused(f"没有印章可用于 {type_id}。", f"No seal may stand under {type_id}.")
    return found


def in_their_places(order: Sequence[str], bound: Mapping[str, Seal], owners: Mapping[str, str]) -> tuple[Seal, ...]:
    """The seals bound to a type, by id, in the order of the plan: each in its own place or, where that one is bound no
    more because it was destroyed, in the place of its owner's (`owners`: USCC by the ids of the plan). None when a
    place is empty or a seal has no place.
    """
    found = {seal_id: bound[seal_id] for seal_id in order if seal_id in bound}
    left = {seal_id: seal for seal_id, seal in bound.items() if seal_id not in found}
    for seal_id in order:
        successor = next((seal for seal in left.values() if seal.owner_uscc == owners.get(seal_id)), None)
        if seal_id not in found and successor is not None:
            found[seal_id] = left.pop(successor.id)
    return () if left or len(found) < len(order) else tuple(found[seal_id] for seal_id in order)


def _of_organ(type_id: str, bound: tuple[Seal, ...], organ: Uscc | None) -> tuple[Seal, ...]:
    if organ is not None:
        return tuple(seal for seal in bound if seal.owner_uscc == organ)
    if len(organs := {seal.owner_uscc for seal in bound}) > 1:
        raise SealRefused(
            f"{type_id} 有 {len(organs)} 个出具单位，请写明是哪一个。",
            f"{len(organs)} organs issue {type_id}: say which one does.",
        )
    return bound
