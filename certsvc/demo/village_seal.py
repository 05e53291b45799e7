"""The village's seal in the demonstration: managed by the town's overseer, kept by the village's clerk, used only as
she opens it beforehand.

The ceremony makes it as it makes every other; what is special is done by acts on record, the same in a new folder as in
one that an older version of the demonstration left.
"""

from dataclasses import asdict, replace
from datetime import datetime, timedelta

from certsvc.authority.seal_plan import MADE_UP
from certsvc.demo.people import BY, CLERK, OVERSEER, SEAL_ID, confirmed
from certsvc.domain.calendar import beijing_date
from certsvc.domain.seal import Seal, SealPeople
from certsvc.domain.seal_acts import SealAct, SealActRequest, SealRulesRequest, SealState, rules_of
from certsvc.domain.seal_authorisation import MOST_DAYS, AuthorisationRequest, EndOfAuthorisation, Terms
from certsvc.issuance.seals import act_on_seal, change_rules
from certsvc.issuance.village.authorising import authorise, standings
from certsvc.services import PayloadCipher
from certsvc.store.pool import Pool
from certsvc.store.seal_authorisations import PostgresSealAuthorisations
from certsvc.store.seals import PostgresSeals

USES, USES_A_DAY = 600, 100
NOT_OPENED = "medical-relief-proof"
"""The kind that the seal is not opened for at first, so that there is something for its keeper to do."""

IN_HAND = {SealState.ENABLED, SealState.SUSPENDED}


async def demo_seal(pool: Pool, now: datetime) -> None:
    """Hand the village's seal to the clerk of the demonstration, while it is still kept by nobody in particular, see
    that it needs to be opened, which stays so for ever, and make the town's overseer its manager in the same way.

    Raises:
        NotFound, ActNotAllowed, Forbidden, KeyReused: see `SealRegister.act`.
    """
    seals = PostgresSeals(pool)
    found = await seals.seal(SEAL_ID, now)
    if found.state not in IN_HAND or found.seal.people is None:
        return
    people = found.seal.people
    if people.keeper == MADE_UP.keeper:
        asked = _asked(SealAct.HAND_OVER, people.manager, "演示：由经办人保管")
        await act_on_seal(seals, replace(asked, successor=CLERK.name), now)
    if not found.seal.needs_authorisation:
        asked = _asked(SealAct.CHANGE_RULES, people.manager, "演示：须由保管人事先授权")
        rules = replace(rules_of(found.seal), needs_authorisation=True)
        confirmed = asdict(replace(asked, confirmed_by=people.approver))
        await change_rules(seals, SealRulesRequest(**confirmed, rules=rules), now, lambda _: 1)
    await _managed_by_town(seals, people, now)


async def _managed_by_town(seals: PostgresSeals, people: SealPeople, now: datetime) -> None:
    if people.manager == MADE_UP.manager and people.approver is not None:
        asked = _asked(SealAct.REPLACE_MANAGER, people.approver, "演示：村章镇管，由镇督导人管理")
        await act_on_seal(seals, replace(asked, successor=OVERSEER.name), now)


def _asked(act: SealAct, actor: str, reason: str) -> SealActRequest:
    return SealActRequest(client=BY, key=f"{BY} {act}", seal_id=SEAL_ID, act=act, actor=actor, reason=reason)


async def demo_opening(pool: Pool, cipher: PayloadCipher, now: datetime) -> None:
    """Open the seal for all kinds but one, for as long as may be, in the clerk's name, where it was never opened or the
    last opening ran out. One that she revoked, or that ended with her keeping it, is not given anew.

    Raises:
        see `authorise`.
    """
    authorisations, day = PostgresSealAuthorisations(pool), beijing_date(now)
    given = [each.authorisation for each in await standings(authorisations, SEAL_ID, now, ever=True)]
    ended = {each.ended.why for each in given if each.ended is not None}
    if ended & set(EndOfAuthorisation) or any(each.terms.last_day >= day for each in given):
        return
    seal = (await PostgresSeals(pool).seal(SEAL_ID, now)).seal
    if seal.people is None or seal.people.keeper != CLERK.name:
        return
    terms = _terms(seal, now)
    confirmation = await confirmed(pool, cipher, CLERK, terms.digest(SEAL_ID), now)
    request = AuthorisationRequest(key=f"{BY} {day}", seal_id=SEAL_ID, terms=terms, confirmation=confirmation)
    await authorise(authorisations, request, now)


def _terms(seal: Seal, now: datetime) -> Terms:
    day = beijing_date(now)
    return Terms(
        certificate_types=seal.certificate_types - {NOT_OPENED},
        quota=USES,
        daily_quota=USES_A_DAY,
        first_day=day,
        last_day=day + timedelta(days=MOST_DAYS - 1),
    )
