"""The life of a seal: applied for, approved, made, enabled, suspended, handed over, destroyed.

What needs a key is on record as intended first, then done, then on record as done: killed between, the next try or
`finish_seals` goes on from there.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from cryptography.hazmat.primitives.serialization import Encoding

from certsvc.domain.seal import Seal
from certsvc.domain.seal_acts import FINISHES, RegisteredSeal, SealAct, SealActRequest, SealState
from certsvc.domain.seal_sizes import require_size
from certsvc.errors import CertsvcError
from certsvc.render.seal_picture import draw_seal
from certsvc.services import SealMaker, SealRegister

GOES_ON = {(SealAct.MAKE, SealState.MAKING), (SealAct.DESTROY, SealState.DESTROYING)}
"""Asked again where the intent is on record already, and only the key is missing."""


async def apply_for_seal(
    seals: SealRegister,
    seal: Seal,
    request: SealActRequest,
    now: datetime,
    *,
    demonstration: bool,
    extra_fonts: Sequence[str] = (),
) -> RegisteredSeal:
    """Put an application on record, after seeing that the seal can be drawn as the rule has it; the seal as it stands.

    Raises:
        InvalidInput: size, shape, content or supplied picture are not as its kind and rank have it; with each reason.
        MissingGlyph: no font has a character of its name.
        Conflict, KeyReused, Forbidden: see `SealRegister.apply`.
    """
    require_size(seal, demonstration=demonstration)
    draw_seal(seal.design, tuple(extra_fonts))
    await seals.apply(seal, request, now)
    return await seals.seal(seal.id, now)


async def act_on_seal(seals: SealRegister, request: SealActRequest, now: datetime) -> RegisteredSeal:
    """Do an act that needs no key; the seal as it stands then.

    Raises:
        NotFound, ActNotAllowed, Forbidden, InvalidInput, KeyReused: see `SealRegister.act`.
    """
    await seals.act(request, now)
    return await seals.seal(request.seal_id, now)


async def make_or_destroy(
    seals: SealRegister, maker: SealMaker, request: SealActRequest, now: datetime
) -> RegisteredSeal:
    """Put the intent on record and make or destroy the key; the seal as it stands then.

    Raises:
        NotFound, ActNotAllowed, Forbidden, InvalidInput, KeyReused: see `SealRegister.act`.
        CustodyError, CeremonyError: the key cannot be made or destroyed; the intent stays on record.
    """
    met = await seals.seal(request.seal_id, now)
    if (request.act, met.state) not in GOES_ON:
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
