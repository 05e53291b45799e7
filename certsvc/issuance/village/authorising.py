"""Opening a village's seal beforehand: the keeper says for what, how often and how long, and confirms it strongly."""

from collections.abc import Sequence
from datetime import datetime

from certsvc.domain.account import AccountId
from certsvc.domain.seal_authorisation import (
    AuthorisationRequest,
    SealAuthorisation,
    SealWait,
    Standing,
    Terms,
    require_terms,
)
from certsvc.errors import InvalidInput
from certsvc.services import SealAuthorisations, SealWaits

MOST_REASON = 4000


async def authorise(
    authorisations: SealAuthorisations, request: AuthorisationRequest, now: datetime
) -> SealAuthorisation:
    """Open a seal; what is approved and waits for it is sealed by itself. The confirmation is used up with it.

    Raises:
        InvalidInput: terms that no authorisation has, or a type that the seal is not bound to.
        NotFound: there is no such seal.
        Forbidden: somebody else than its keeper asks, or the keeper has no duty any more where the seal is used.
        ActNotAllowed: the seal needs no authorisation, or is not in use; the confirmation is not of these terms, or of
            this moment, or was used before.
        KeyReused: the key was used with other terms.
    """
    require_terms(request.terms, now)
    return await authorisations.authorise(request, now)


async def given_before(
    authorisations: SealAuthorisations, account: AccountId, key: str, seal_id: str, terms: Terms
) -> SealAuthorisation | None:
    """What the same request was given when it came before: to be asked first, for a confirmation is good once and the
    same form may be sent twice. None when it is new.

    Raises:
        KeyReused: the key was used with other terms.
    """
    return await authorisations.given(account, key, terms.digest(seal_id))


async def revoke(
    authorisations: SealAuthorisations, seal_id: str, authorisation_id: str, by: str, reason: str, now: datetime
) -> SealAuthorisation:
    """Take an authorisation back, at once: nothing more is sealed under it. Needs no confirmation, for it only closes.

    Raises:
        InvalidInput: no reason is given, or it is over 4,000 characters.
        NotFound: the seal has no such authorisation.
        Forbidden: somebody else than its keeper asks.
    """
    if not 0 < len(reason.strip()) <= MOST_REASON:
        raise InvalidInput("请写明撤销授权的原因。", "Say why the authorisation is revoked.")
    return await authorisations.revoke(seal_id, authorisation_id, by, reason.strip(), now)


async def standings(
    authorisations: SealAuthorisations, seal_id: str, now: datetime, *, ever: bool = False
) -> Sequence[Standing]:
    """What holds of a seal's authorisations, or was `ever` given, and how much is left of each."""
    return await authorisations.standings(seal_id, now, ever=ever)


async def waiting_under(waits: SealWaits, seal_id: str, limit: int) -> Sequence[SealWait]:
    """What is approved and waits for a seal, for longest first."""
    return await waits.under(seal_id, limit)


async def waiting_for(waits: SealWaits, approval_id: str) -> SealWait | None:
    """Why what was approved is not sealed yet, in a stable word (`store.seal_refusals` has the sentences), and since
    when; None when it is sealed, or nobody has tried yet."""
    return await waits.of_approval(approval_id)
