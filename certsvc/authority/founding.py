"""The first keys and X.509 certificates of an authority: in a ceremony, or thrown away after a lint."""

from collections.abc import Callable, Sequence
from datetime import datetime

from certsvc.authority.archive import Archive, MemoryArchive
from certsvc.authority.authority import Authority
from certsvc.authority.certificates import BACKDATED
from certsvc.authority.issuing import Issuer, NamedOwner, owner_by, subject_of
from certsvc.authority.ledger import NoLedger
from certsvc.authority.names import ISSUING, ROOT, TIMESTAMP, seal_name
from certsvc.authority.plan import Plan
from certsvc.authority.ring import KeyRing, MemoryKeys
from certsvc.authority.shelf import MemoryShelf
from certsvc.domain.seal import Seal


def found(
    plan: Plan,
    archive: Archive,
    keys: KeyRing,
    now: datetime,
    services: Sequence[str] = (TIMESTAMP,),
    seals: Sequence[Seal] | None = None,
) -> None:
    """Make every key and certificate of `plan`: root and its CRL → issuing → services and seals.

    Raises:
        CustodyError: see `Issuer.require_makeable`; then nothing was made. Or a key cannot be made or used.
    """
    issuer = Issuer(plan, archive, keys)
    since = now - BACKDATED
    planned = [seal.seal(demonstration=plan.demonstration) for seal in plan.seals] if seals is None else seals
    owners: dict[str, NamedOwner | None] = dict.fromkeys((ROOT, ISSUING, *services))
    owners |= {seal_name(seal.id): owner_by(seal) for seal in planned}
    issuer.require_makeable(tuple(owners))
    for name, owner in owners.items():
        issuer.make(name, subject_of(plan, name, owner, demonstration=plan.demonstration), since)
    issuer.sign_root_crl(ROOT, now, ())


def throw_away_authority(
    plan: Plan,
    now: datetime,
    publish: Callable[[str, bytes], None] = lambda _name, _data: None,
    seals: Sequence[Seal] | None = None,
) -> Authority:
    """The same authority with keys that are only in memory: what the lint seals with. `seals` are others than the
    plan's. Its timestamps need no good clock: they go nowhere."""
    keys, archive = MemoryKeys(plan.algorithm), MemoryArchive()
    found(plan, archive, keys, now, seals=seals)
    authority = Authority(plan, archive, keys, MemoryShelf(publish), NoLedger())
    authority.seals = authority.seals if seals is None else seals
    authority.use_timestamper(authority.token_maker())
    authority.facts.publish(now)
    return authority
