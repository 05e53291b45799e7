"""The life of a seal: applied for, approved, made, enabled, suspended, handed over, destroyed.

What needs a key is on record as intended first, then done, then on record as done: killed between, the next try or
`finish_seals` goes on from there.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeAlias

from cryptography.hazmat.primitives.serialization import Encoding

from certsvc.domain.external import require_one_purpose
from certsvc.domain.seal import Seal
from certsvc.domain.seal_acts import (
    FINISHES,
    RegisteredSeal,
    SealAct,
    SealActRequest,
    SealRulesRequest,
    SealState,
)
from certsvc.domain.seal_sizes import require_size
from certsvc.errors import CertsvcError, Conflict
from certsvc.render.seal_picture import draw_seal
from certsvc.services import SealMaker, SealRegister

GOES_ON = {(SealAct.MAKE, SealState.MAKING), (SealAct.DESTROY, SealState.DESTROYING)}
"""Asked again where the intent is on record already, and only the key is missing."""

GONE = {SealState.DESTROYING, SealState.DESTROYED}

Places: TypeAlias = Callable[[str], int]
"""How many seals the sheets of a certificate type have places for: one, or those of a joint document."""


async def apply_for_seal(
    seals: SealRegister,
    seal: Seal,
    request: SealActRequest,
    now: datetime,
    places: Places,
    *,
    demonstration: bool,
    extra_fonts: Sequence[str] = (),
) -> RegisteredSeal:
    """Put an application on record, after seeing that the seal can be drawn as the rule has it; the seal as it stands.

    Raises:
        InvalidInput: size, shape, content or supplied picture are not as its kind and rank have it; with each reason;
            or it is for pages of ours and of others.
        MissingGlyph: no font has a character of its name.
        Conflict: a type has its seals already.
        Conflict, KeyReused, Forbidden: see `SealRegister.apply`.
    """
    require_size(seal, demonstration=demonstration)
    require_one_purpose(seal.id, seal.certificate_types)
    draw_seal(seal.design, tuple(extra_fonts))
    await _require_room(seals, seal.id, seal.certificate_types, places, now)
    await seals.apply(seal, request, now)
    return await seals.seal(seal.id, now)


async def act_on_seal(seals: SealRegister, request: SealActRequest, now: datetime) -> RegisteredSeal:
    """Do an act that needs no key; the seal as it stands then.

    Raises:
        NotFound, ActNotAllowed, Forbidden, InvalidInput, KeyReused: see `SealRegister.act`.
    """
    await seals.act(request, now)
    return await seals.seal(request.seal_id, now)


async def change_rules(seals: SealRegister, request: SealRulesRequest, now: datetime, places: Places) -> RegisteredSeal:
    """Change the rules of use; the seal as it stands then.

    Raises:
        Conflict: a type that it is to be bound to has its seals already.
        NotFound, ActNotAllowed, Forbidden, InvalidInput, KeyReused: see `SealRegister.act`.
    """
    met = await seals.seal(request.seal_id, now)
    require_one_purpose(request.seal_id, request.rules.certificate_types)
    added = request.rules.certificate_types - met.seal.certificate_types
    await _require_room(seals, request.seal_id, added, places, now)
    return await act_on_seal(seals, request, now)


async def _require_room(seals: SealRegister, seal_id: str, types: Iterable[str], places: Places, now: datetime) -> None:
    """A seal more than a type has places for would stop the type: nobody could say which of them is meant."""
    others = [found for found in await seals.seals(now) if found.seal.id != seal_id and found.state not in GONE]
    bound = Counter(type_id for found in others for type_id in found.seal.certificate_types)
    if full := sorted(type_id for type_id in types if bound[type_id] >= places(type_id)):
        by = ", ".join(found.seal.id for found in others if full[0] in found.seal.certificate_types)
        raise Conflict(
            f"{full[0]} 已经绑定印章 {by}：先变更其用印规则（certsvc seal rules），或注销该印章。",
            f"{full[0]} is bound to the seal {by} already: first change its rules (certsvc seal rules) or destroy it.",
        )


async def make_or_destroy(
    seals: SealRegister, maker: SealMaker, request: SealActRequest, now: datetime, places: Places
) -> RegisteredSeal:
    """Put the intent on record and make or destroy the key; the seal as it stands then.

    Raises:
        NotFound, ActNotAllowed, Forbidden, InvalidInput, KeyReused: see `SealRegister.act`.
        Conflict: it is to be made, and a type has its seals already.
        CustodyError, CeremonyError: the key cannot be made or destroyed; the intent stays on record.
    """
    met = await seals.seal(request.seal_id, now)
    if (request.act, met.state) not in GOES_ON:
        if request.act is SealAct.MAKE:
            await _require_room(seals, request.seal_id, met.seal.certificate_types, places, now)
        await seals.act(request, now)
    await finish_seal(seals, maker, request.seal_id, now)
    return await seals.seal(request.seal_id, now)


async def finish_seals(seals: SealRegister, maker: SealMaker, now: datetime) -> int:
    """Make and destroy every key that was to be; how many there were. One that fails does not hold up the others.

    Raises:
        CertsvcError: the first that came up, after all were tried.
    """
    unfinished, failures = await seals.unfinished(), []
    for seal_id in unfinished:
        try:
            await finish_seal(seals, maker, seal_id, now)
        except CertsvcError as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return len(unfinished)


async def finish_seal(seals: SealRegister, maker: SealMaker, seal_id: str, now: datetime) -> None:
    """Make or destroy the key of a seal if that is on record as intended, and put on record that it is done.

    Raises:
        CustodyError, CeremonyError: it cannot be done; the intent stays on record.
    """
    found = await seals.seal(seal_id, now)
    act = FINISHES.get(found.state)
    if act is None:
        return
    decision = (await seals.events(seal_id))[-1]
    certificate = None
    if act is SealAct.MADE:
        made = maker.make(found.seal, now)
        certificate = hashlib.sha256(made.public_bytes(Encoding.DER)).digest()
    else:
        maker.destroy(seal_id, decision, now)
    done = SealActRequest(
        client="register",
        key=f"{seal_id}:{act}:{decision.id}",
        seal_id=seal_id,
        act=act,
        actor=decision.actor,
        reason=decision.reason,
        certificate=certificate,
    )
    await seals.act(done, now)
