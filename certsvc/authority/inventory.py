"""Every key of an authority: where it is, how long its certificate lasts, how often it was used, whether it works."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from certsvc.authority.authority import Authority
from certsvc.authority.names import ROOT, profile_name
from certsvc.authority.ring import FolderKeys
from certsvc.custody.protocol import CustodyKey
from certsvc.errors import CertsvcError


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyState:
    """One key. `crl_until` is when the published CRL of an authority ends; `trouble` is why the key, or that CRL,
    cannot be used now, in Chinese and English; None when it can."""

    name: str
    where: str
    issuer: str
    until: datetime
    crl_until: datetime | None
    uses: int
    limit: int | None
    revoked: str | None
    trouble: tuple[str, str] | None


def inventory(authority: Authority, keys: FolderKeys, now: datetime) -> Iterator[KeyState]:
    """Every key in the order of names. Keys are opened and asked, nothing is signed; a root's may be away."""
    revoked = {each.name: each.reason.value for each in authority.revocations() if each.revoked_at <= now}
    for name in sorted(authority.names):
        certificate = authority.certificate(name)
        yield KeyState(
            name=name,
            where=keys.place(name)[0].partition(":")[0],
            issuer=authority.issuer_name(name),
            until=certificate.not_valid_after_utc,
            crl_until=authority.facts.crl_until(name),
            uses=keys.book.used(name),
            limit=keys.limit(name),
            revoked=revoked.get(name),
            trouble=_trouble(authority, keys, name, now),
        )


def _trouble(authority: Authority, keys: FolderKeys, name: str, now: datetime) -> tuple[str, str] | None:
    if now >= authority.certificate(name).not_valid_after_utc:
        return "证书已到期。", "Its certificate has ended."
    crl_until = authority.facts.crl_until(name)
    if crl_until is not None and now >= crl_until:
        return "吊销列表已过期，由它签发的印章不能再用。", "Its CRL has ended: seals under it cannot be used."
    try:
        authority.key(name)
        key: CustodyKey = keys.open(name)
        key.check()
    except CertsvcError as error:
        away = profile_name(name) == ROOT
        return ("已移走（离线保管）。", "Away, kept offline.") if away else (error.zh, error.en)
    return None
