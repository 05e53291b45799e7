"""Composition of what stands behind trust: keys in use, trust services, what is published, and the worker's chores.

`app.py` puts the parts of issuing and verifying together; `serving.py` joins both to roles.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from certsvc.authority.authority import Authority
from certsvc.authority.ceremony import open_authority, read_authority
from certsvc.authority.clock import Clock
from certsvc.authority.names import ISSUING, LIST, OCSP, ROOT, base_name, generation
from certsvc.authority.ocsp import OcspAuthority, OcspResponder
from certsvc.authority.recognised import load_recognised
from certsvc.authority.remote_timestamps import RemoteTimestamper
from certsvc.authority.seal_keys import SealKeys
from certsvc.authority.shelf import FolderShelf
from certsvc.authority.timestamp_responder import TimestampResponder
from certsvc.authority.trust_list import make_trust_files, own_anchor
from certsvc.catalog import Catalog
from certsvc.custody.secret import read_secret
from certsvc.domain.actor import Actor
from certsvc.domain.calendar import beijing_date
from certsvc.domain.recognition import Addresses
from certsvc.errors import CustodyError, NotFound
from certsvc.issuance.issue import resume
from certsvc.issuance.seals import finish_seals
from certsvc.issuance.service import Issuing
from certsvc.jobs.worker import Chore
from certsvc.services import SealRegister
from certsvc.settings import REPOSITORY, Settings

if TYPE_CHECKING:
    from certsvc.http.trust import TrustServices

PRACTICE = REPOSITORY / "keys" / "PRACTICE.md"
RECOGNISED = "recognised"
WORKER = Actor(name="worker", scopes=frozenset({"issue:*"}))
SECOND, SOON, HOUR = timedelta(seconds=1), timedelta(seconds=5), timedelta(hours=1)


def open_keys(settings: Settings, now: datetime) -> Authority:
    """The authority with its keys, its timestamps from where the settings say.

    Raises:
        CeremonyError: no ceremony was held here, or what it left is damaged.
        SettingsError, CustodyError: the timestamp service's address or token cannot be used.
    """
    authority = open_authority(settings.home, settings.secret, now)
    if settings.timestamp.uri != "local:":
        token = read_secret(settings.timestamp.secret).decode("utf-8", "replace") if settings.timestamp.secret else None
        roots = [authority.certificate(name) for name in authority.names if base_name(name) == ROOT]
        authority.use_timestamper(RemoteTimestamper(settings.timestamp.uri, roots, token))
    return authority


def seal_maker(settings: Settings, now: datetime) -> SealKeys:
    """Makes and destroys the keys of seals.

    Raises:
        see `open_keys`.
    """
    return SealKeys(open_keys(settings, now))


def publish_trust(settings: Settings, authority: Authority, catalog: Catalog, now: datetime) -> None:
    """Put out what others need in order to trust us: the signed list, the anchors, the practice statement.

    Raises:
        RecognitionWrong: a recognised authority is described wrongly; the list of before stays.
        CustodyError: the list's key cannot be used.
    """
    shelf = FolderShelf(settings.public)
    shelf.put("trust/practice.md", PRACTICE.read_bytes())
    roots = sorted((name for name in authority.names if base_name(name) == ROOT), key=generation)
    kinds = {kind.id: str(kind.type_code) for kind in catalog}
    names = (authority.plan.authority, authority.plan.authority)
    where = _addresses(settings.public_url, authority.names)
    certificates = [authority.certificate(name) for name in roots]
    anchors = [own_anchor(root, names, authority.area, kinds, where) for root in certificates]
    recognised = load_recognised(settings.home / RECOGNISED, kinds, certificates, beijing_date(now))
    signer = authority.credential(authority.newest(LIST))
    for name, data in make_trust_files(anchors, recognised, signer, now).items():
        shelf.put(name, data)


def _addresses(base: str, names: Sequence[str]) -> Addresses:
    authorities = [name for name in names if base_name(name) in (ROOT, ISSUING)]
    return Addresses(
        crl=tuple(f"{base}/crl/{name}.crl" for name in authorities),
        ca=tuple(f"{base}/ca/{name}.cer" for name in authorities),
        ocsp=f"{base}/ocsp",
        tsa=f"{base}/tsa",
        practice=f"{base}/trust/practice.md",
    )


class TrustDesk:
    """The trust services over the newest keys: made anew when a certificate was made, so that no restart is needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._authority = read_authority(settings.home, settings.secret)
        self._clock = Clock(unsafe_unsynchronised=self._authority.is_demonstration)
        self._made: tuple[Sequence[str], TrustServices] | None = None

    def current(self) -> "TrustServices":
        """The services as they are now.

        Raises:
            CeremonyError, CustodyError: there is no timestamp key here, or it does not open.
            SettingsError: the file of clients is wrong.
        """
        names = self._authority.names
        if self._made is None or self._made[0] != names:
            self._made = names, self._make()
        return self._made[1]

    def _make(self) -> "TrustServices":
        from certsvc.http.rate import parse_clients
        from certsvc.http.trust import TrustServices

        clients = self._settings.timestamp.clients
        return TrustServices(
            ocsp=OcspResponder(_responders(self._authority), self._settings.public),
            timestamps=TimestampResponder(self._authority.token_maker(), self._clock),
            clients=parse_clients(read_secret(clients).decode("utf-8", "replace") if clients else ""),
            strangers_per_minute=self._settings.timestamp.strangers_per_minute,
        )


def _responders(authority: Authority) -> list[OcspAuthority]:
    """Who answers for each issuing authority: the newest responder that it certified. One whose key is gone answers no
    more; the others do."""
    found: dict[str, OcspAuthority] = {}
    for name in sorted((name for name in authority.names if base_name(name) == OCSP), key=generation):
        above = authority.issuer_name(name)
        try:
            key = authority.key(name)
        except (CustodyError, NotFound):
            continue
        found[above] = OcspAuthority(
            name=above, certificate=authority.certificate(above), responder=authority.certificate(name), key=key
        )
    return list(found.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """What the worker has to do with."""

    settings: Settings
    authority: Authority
    issuing: Issuing
    seals: SealRegister

    def chores(self) -> list[Chore]:
        """CRLs every second (signed only when one is due), what waits every five, services and lists every hour."""
        return [
            Chore("crls", SECOND, self._crls),
            Chore("seals", SOON, self._seals),
            Chore("waiting", SOON, self._waiting),
            Chore("services", HOUR, self._services),
            Chore("trust", HOUR, self._trust),
        ]

    async def _crls(self, now: datetime) -> None:
        self.authority.facts.renew(now)

    async def _services(self, now: datetime) -> None:
        self.authority.make_services(now)

    async def _trust(self, now: datetime) -> None:
        publish_trust(self.settings, self.authority, self.issuing.catalog, now)

    async def _seals(self, now: datetime) -> None:
        await finish_seals(self.seals, SealKeys(self.authority), now)

    async def _waiting(self, now: datetime) -> None:
        await resume(self.issuing, WORKER, now, patiently=True)
