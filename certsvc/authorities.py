"""Composition of what stands behind trust: keys in use, trust services, and what is published.

`app.py` puts the parts of issuing and verifying together, `departments.py` those of the API, `workers.py` those of the
worker; `serving.py` joins them to roles.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from structlog.typing import FilteringBoundLogger

from certsvc.authority.authority import Authority
from certsvc.authority.ceremony import open_authority, read_authority
from certsvc.authority.clock import Clock
from certsvc.authority.names import ISSUING, LIST, OCSP, ROOT, TIMESTAMP, base_name, generation, newest
from certsvc.authority.ocsp import OcspAuthority, OcspResponder
from certsvc.authority.recognised import load_recognised
from certsvc.authority.remote_timestamps import RemoteTimestamper
from certsvc.authority.seal_keys import SealKeys
from certsvc.authority.shelf import FolderShelf
from certsvc.authority.timestamp_responder import TimestampResponder
from certsvc.authority.trust_list import make_trust_files, own_anchor
from certsvc.authority.verifier_keys import make_verifier_keys
from certsvc.catalog import Catalog
from certsvc.custody.secret import read_secret
from certsvc.domain.actor import Actor
from certsvc.domain.recognition import Addresses
from certsvc.domain.status_list import KEYS_FILE
from certsvc.errors import CertsvcError
from certsvc.settings import REPOSITORY, Settings

if TYPE_CHECKING:
    from certsvc.http.rate import Gate
    from certsvc.http.trust import TrustServices

PRACTICE = REPOSITORY / "keys" / "PRACTICE.md"
RECOGNISED = "recognised"
WORKER = Actor(name="worker", scopes=frozenset({"issue:*"}))
Now = Callable[[], datetime]
SECOND, SOON, MINUTE, HOUR = timedelta(seconds=1), timedelta(seconds=5), timedelta(minutes=1), timedelta(hours=1)
AGAIN = timedelta(seconds=5)
"""After that a key that could not be used is tried again."""


def open_keys(settings: Settings, now: datetime) -> Authority:
    """The authority with its keys, its timestamps from where the settings say.

    Raises:
        CeremonyError: no ceremony was held here, or what it left is damaged.
        SettingsError, CustodyError: the timestamp service's address or token cannot be used.
    """
    authority = open_authority(settings.home, settings.secret, now)
    use_remote_timestamps(settings, authority)
    return authority


def use_remote_timestamps(settings: Settings, authority: Authority) -> None:
    """Have the authority take its timestamps from where the settings say.

    Raises:
        SettingsError, CustodyError: the service's address or token cannot be used.
    """
    if settings.timestamp.uri == "local:":
        return
    token = read_secret(settings.timestamp.secret).decode("utf-8", "replace") if settings.timestamp.secret else None
    roots = [authority.certificate(name) for name in authority.names if base_name(name) == ROOT]
    authority.use_timestamper(RemoteTimestamper(settings.timestamp.uri, roots, token))


def seal_maker(settings: Settings, now: datetime) -> SealKeys:
    """Makes and destroys the keys of seals.

    Raises:
        see `open_keys`.
    """
    return SealKeys(open_keys(settings, now))


def publish_trust(settings: Settings, authority: Authority, catalog: Catalog, now: datetime) -> None:
    """Put out what others need in order to trust us: the signed list, the anchors, the keys for readers without X.509,
    the practice statement.

    Raises:
        RecognitionWrong: a recognised authority is described wrongly; the list of before stays.
        CustodyError: the list's key cannot be used.
    """
    shelf = FolderShelf(settings.public)
    shelf.put("trust/practice.md", PRACTICE.read_bytes())
    shelf.put(KEYS_FILE, make_verifier_keys(authority, settings.public_url, now))
    named = (name for name in authority.names if base_name(name) == ROOT and not authority.is_compromised(name))
    roots = sorted(named, key=generation)
    kinds = {kind.id: str(kind.type_code) for kind in catalog}
    names = (authority.plan.authority, authority.plan.authority)
    where = _addresses(settings.public_url, authority.names)
    certificates = [authority.certificate(name) for name in roots]
    anchors = [own_anchor(root, names, authority.area, kinds, where) for root in certificates]
    recognised = load_recognised(settings.home / RECOGNISED, kinds, certificates)
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


def open_gate(settings: Settings) -> "Gate":
    """Who gets timestamps of us, and how often.

    Raises:
        SettingsError: the file of clients is wrong.
        CustodyError: it cannot be read.
    """
    from certsvc.http.rate import Gate, parse_clients

    clients = settings.timestamp.clients
    known = parse_clients(read_secret(clients).decode("utf-8", "replace") if clients else "")
    return Gate(known, settings.timestamp.strangers_per_minute)


def trust_services(settings: Settings, now: datetime, log: FilteringBoundLogger) -> "TrustServices":
    """OCSP and timestamps, each opened by itself, now: a lost key stops its own service, and the log says so at once.

    Raises:
        CeremonyError: no ceremony was held here, or what it left is damaged.
        SettingsError, CustodyError: see `open_gate`.
    """
    from certsvc.http.trust import TrustServices

    def read() -> Authority:
        return read_authority(settings.home, settings.secret)

    clock = Clock(unsafe_unsynchronised=read().is_demonstration)
    ocsp = Newest(read, lambda authority: _open_ocsp(authority, settings.public), log)
    timestamps = Newest(read, lambda authority: _open_timestamps(authority, clock), log)
    services = TrustServices(ocsp=ocsp.current, timestamps=timestamps.current, gate=open_gate(settings))
    services.ocsp(now)
    services.timestamps(now)
    return services


Troubles = dict[str, CertsvcError]
"""Keys that cannot be used, by name, and why."""

Basis = tuple[Sequence[str], int]
"""What a service was opened upon: the certificates that were made, and how many revocations were decided."""

Service = TypeVar("Service")


class Newest(Generic[Service]):
    """A service over the newest keys, so that no restart is needed: opened again when a certificate was made or
    revoked and, as long as a key cannot be used, every `AGAIN`. Safe to call from several threads."""

    def __init__(
        self,
        read: Callable[[], Authority],
        open_service: Callable[[Authority], tuple[Service, Troubles]],
        log: FilteringBoundLogger,
    ) -> None:
        self._read, self._open_service, self._log = read, open_service, log
        self._lock = threading.Lock()
        self._authority = read()
        self._opened: tuple[Basis, Service] | None = None
        self._troubles: Troubles = {}
        self._tried: datetime | None = None

    def current(self, now: datetime) -> Service:
        """The service as it is now; the log says which keys can no longer be used, and which can again.

        Raises:
            CeremonyError: the authority on disk is damaged.
        """
        with self._lock:
            basis = self._authority.names, len(self._authority.revocations())
            if self._opened is None or self._opened[0] != basis or self._is_due(now):
                self._opened = basis, self._open(now, basis)
            return self._opened[1]

    def _is_due(self, now: datetime) -> bool:
        return bool(self._troubles) and not (self._tried and self._tried <= now < self._tried + AGAIN)

    def _open(self, now: datetime, basis: Basis) -> Service:
        """The service opened with keys that are read anew; the one of before, with all it has in memory, when neither
        certificates, revocations nor usable keys have changed."""
        self._tried, self._authority = now, self._read()
        service, troubles = self._open_service(self._authority)
        before, self._troubles = self._troubles, troubles
        self._say_changes(before)
        is_same = self._opened is not None and self._opened[0] == basis and before.keys() == troubles.keys()
        return self._opened[1] if self._opened is not None and is_same else service

    def _say_changes(self, before: Troubles) -> None:
        for name in sorted(before.keys() - self._troubles.keys()):
            self._log.info("key_in_order", key=name)
        for name in sorted(self._troubles.keys() - before.keys()):
            error, roll = self._troubles[name], f'roll = ["{base_name(name)}"]'
            self._log.error(
                "key_out_of_order",
                key=name,
                code=error.code,
                zh=error.zh,
                en=error.en,
                do_zh=f"从备份放回密钥，会自动用上；确已丢失的，举行仪式 {roll}（keys/LOSS.md）。",
                do_en=f"Put the key back from a backup, it is taken up by itself; a lost one: {roll} (keys/LOSS.md).",
            )


def _open_timestamps(authority: Authority, clock: Clock) -> tuple[TimestampResponder | None, Troubles]:
    """The responder with the newest timestamp key; none, never one with an older key, when that cannot be used."""
    try:
        return TimestampResponder(authority.token_maker(), clock), {}
    except CertsvcError as error:
        return None, {newest(authority.names, TIMESTAMP) or TIMESTAMP: error}


def _open_ocsp(authority: Authority, folder: Path) -> tuple[OcspResponder, Troubles]:
    """For each issuing authority the newest responder that it certified and whose key can be used. One that has none
    answers no more; the others do."""
    found: dict[str, OcspAuthority] = {}
    troubles: Troubles = {}
    names = [name for name in authority.names if base_name(name) == OCSP]
    for name in sorted(names, key=generation, reverse=True):
        above = authority.issuer_name(name)
        if above in found:
            continue
        try:
            key = authority.key(name)
        except CertsvcError as error:
            troubles[name] = error
            continue
        found[above] = OcspAuthority(
            name=above, certificate=authority.certificate(above), responder=authority.certificate(name), key=key
        )
    without_key = {authority.issuer_name(name) for name in troubles} - found.keys()
    certificates = [authority.certificate(name) for name in sorted(without_key)]
    return OcspResponder(list(found.values()), folder, certificates), troubles
