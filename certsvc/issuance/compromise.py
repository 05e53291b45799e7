"""A key in other hands: what it may have signed, the ceremony that ends it, and new documents for those it touched."""

from datetime import UTC, datetime

from certsvc.authority.authority import Authority
from certsvc.authority.later import LaterPlan, RevocationPlan
from certsvc.authority.names import ISSUING, ROOT, TIMESTAMP, base_name, generation, profile_name
from certsvc.domain.actor import Actor
from certsvc.domain.acts import Act
from certsvc.domain.compromise import Reach, Touched
from certsvc.domain.issuing import Order, Reservation
from certsvc.domain.life import Ground
from certsvc.domain.revocation import Reason, Revocation
from certsvc.errors import ActNotAllowed, Conflict, NotFound
from certsvc.issuance.issue import issue
from certsvc.issuance.prepare import open_payload
from certsvc.issuance.service import Issuing

CLIENT = "compromise"


def reach_of(authority: Authority, name: str, since: datetime, now: datetime) -> Reach | None:
    """What the key of this name may have signed since, up to its revocation or to now; None when it signs neither
    documents nor tokens.

    Tokens say themselves when they were made: whoever has their key can write any time into them, so the reach of a
    token key is its whole quarter.

    Raises:
        NotFound: there is no such key.
    """
    if name not in authority.names:
        raise NotFound(f"这里没有密钥 {name}。", f"There is no key {name} here.")
    kind, certificate = profile_name(name), authority.certificate(name)
    decided = (each.decided_at for each in _compromises(authority, name))
    until = min(*decided, now, certificate.not_valid_after_utc)
    if kind == "token":
        return Reach(since=certificate.not_valid_before_utc, until=until, tokens=True)
    if kind == "seal":
        return Reach(since=since, until=until, seal_id=base_name(name).removeprefix("seal-"))
    return Reach(since=since, until=until) if kind in (ROOT, ISSUING, TIMESTAMP) else None


def ending(authority: Authority, name: str, since: datetime, why: str, by: str, witness: str) -> LaterPlan:
    """The ceremony that revokes the certificate of this name from `since` on, and makes the next generation of it and
    of everything that was issued under it. Where it is on record already that the key was in other hands, but from
    another time, the ceremony says this one and makes nothing: the next generation is there.

    A root says it of itself in its own last CRL: our readers then take of what lies under it only what is on record by
    its own digest, and the trust list names it no more. Others who trust it have to be told.
    """
    kind = profile_name(name)
    ceremony = f"compromised-{base_name(name)}-{generation(name)}"
    first = min(_compromises(authority, name), key=lambda each: each.decided_at, default=None)
    again = first is not None and first.effective != since
    under = [each for each in authority.names if kind in (ROOT, ISSUING) and _is_under(authority, each, name)]
    below = {base_name(each) for each in under if not authority.is_destroyed(authority.newest(base_name(each)))}
    reason = Reason.CA_COMPROMISE if kind in (ROOT, ISSUING) else Reason.KEY_COMPROMISE
    return LaterPlan(
        id=f"{ceremony}-{since.astimezone(UTC):%Y%m%dt%H%M%S}" if again else ceremony,
        why=why,
        by=by,
        witness=witness,
        roll=() if again else tuple(sorted({base_name(name), *below})),
        revoke=(RevocationPlan(name, reason, since),),
    )


def _compromises(authority: Authority, name: str) -> list[Revocation]:
    return [each for each in authority.revocations() if each.name == name and each.reason.is_compromise]


def _is_under(authority: Authority, name: str, above: str) -> bool:
    issuer = authority.issuer_name(name)
    return issuer == above or (issuer != name and _is_under(authority, issuer, above))


async def reissue(issuing: Issuing, touched: Touched, why: str, key: str, now: datetime) -> Reservation | None:
    """A new version of a touched certificate, under today's keys; done again, the same. None when there is nothing to
    do: it was never issued, has a newer version, or is at its end.

    Raises:
        see `issue.issue`.
    """
    if not touched.issued:
        return None
    actor = Actor(name=CLIENT, scopes=frozenset({f"{Act.REISSUE}:*"}))
    order_key = f"{key}:{touched.ref.typed_code}"
    previous = await issuing.register.reservation(touched.ref)
    order = Order(
        client=CLIENT,
        key=order_key,
        type_id=previous.type_id,
        payload=open_payload(issuing, previous),
        act=Act.REISSUE,
        previous=previous.ref,
        ground=Ground(reason_code="key_compromise", reason=why),
        layout=previous.layout,
        file=previous.file,
    )
    try:
        return await issue(issuing, actor, order, now)
    except (ActNotAllowed, Conflict):
        return None
