"""The order of the seals under a joint document: as the ceremony's plan names them, for as long as the parties last."""

from collections.abc import Mapping, Sequence

from certsvc.domain.seal import Seal


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
