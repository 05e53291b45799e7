"""An authority with one sealed proof, whose keys are then changed, stolen and lost."""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from demonstration import ROOT, Home

from certsvc import app
from certsvc.authorities import open_keys
from certsvc.authority.authority import Authority
from certsvc.authority.ceremony import read_authority
from certsvc.authority.later import LaterPlan, RevocationPlan, hold_later
from certsvc.catalog import load_catalog
from certsvc.domain.actor import Actor
from certsvc.domain.issuing import Order, Reservation
from certsvc.domain.token import to_digits
from certsvc.issuance.issue import issue, resume
from certsvc.issuance.service import Issuing, silent_walk
from certsvc.settings import Settings, load_settings
from certsvc.store.pool import open_pool
from certsvc.store.reader import PostgresReader
from certsvc.verify.anchors import AnchorFolder
from certsvc.verify.file import verify_file
from certsvc.verify.inspector import Inspector
from certsvc.verify.report import Report
from certsvc.verify.scan import verify_scan
from certsvc.verify.service import Verifying

PLAN = ROOT / "keys" / "ceremonies" / "demonstration.toml"
PROOF, SEAL = "tiered-water-proof", "seal-village-shitang"
PAYLOAD = json.loads((ROOT / "schemas" / PROOF / "v1" / "examples" / "good-zhou.json").read_text("utf-8"))
ACTOR = Actor(name="test", scopes=frozenset({"issue:*", "reissue:*"}))
BY, WITNESS = "陈主管", "林副主管"
Result = TypeVar("Result")
ORDERS = itertools.count(1)


@dataclass
class KeyOffice:
    """A data folder whose database runs, and what people do in it."""

    settings: Settings
    uris: app.Databases
    desk: "Desk"
    old: Reservation = field(init=False)
    old_file: bytes = field(init=False)

    @property
    def home(self) -> Path:
        """The data folder."""
        return self.settings.home

    @property
    def authority(self) -> Authority:
        """The authority as it lies on disk."""
        return read_authority(self.home, self.settings.secret)

    def key_file(self, name: str) -> Path:
        """Where a key lies."""
        folder = "offline" if name.startswith("root") else "keys"
        return self.home / "authority" / folder / f"{name}.key"

    def issue(self, now: datetime | None = None) -> tuple[Reservation, bytes]:
        """Issue one more proof; what is on record, and its file."""

        async def work(issuing: Issuing, when: datetime) -> tuple[Reservation, bytes]:
            order = Order(client="test", key=f"order-{next(ORDERS)}", type_id=PROOF, payload=PAYLOAD)
            made = await issue(issuing, ACTOR, order, when)
            (document,) = await issuing.register.documents(made.ref)
            return made, issuing.blobs.get(document.sha256)

        return self.with_keys(work, now)

    def resume(self) -> int:
        """Finish what waits."""
        return self.with_keys(lambda issuing, now: resume(issuing, ACTOR, now))

    def with_keys(self, work: Callable[[Issuing, datetime], Awaitable[Result]], now: datetime | None = None) -> Result:
        """Do something that needs keys."""

        async def run() -> Result:
            when, keys = now or datetime.now(UTC), open_keys(self.settings, now or datetime.now(UTC))
            async with open_pool(self.uris.writer) as pool:
                parts = (self.settings, keys, pool, self.desk.inspector, silent_walk, when)
                return await work(await app.join_issuing(*parts), when)

        return self.desk.run(run())

    def check(self, file: bytes, *, offline: bool = False) -> Report:
        """The report on a file."""
        return self._verify(lambda verifying, now: verify_file(verifying, file, now), offline)

    def scan(self, digits: str, *, offline: bool = False) -> Report:
        """The report on a QR."""
        return self._verify(lambda verifying, now: verify_scan(verifying, digits, now), offline)

    def _verify(self, work: Callable[[Verifying, datetime], Awaitable[Report]], offline: bool) -> Report:
        async def run() -> Report:
            trust = AnchorFolder(self.settings.public)
            async with open_pool(self.uris.reader, read_only=True) as pool:
                register = None if offline else PostgresReader(pool)
                parts = {"catalog": self.desk.catalog, "trust": trust, "inspector": self.desk.inspector}
                return await work(Verifying(register=register, **parts), datetime.now(UTC))  # type: ignore[arg-type]

        return self.desk.run(run())

    def hold(self, ceremony: str, *roll: str, revoke: tuple[RevocationPlan, ...] = (), root_crl: bool = False) -> Path:
        """A later ceremony; its transcript."""
        plan = LaterPlan(ceremony, "演练 rehearsal", BY, WITNESS, roll, revoke, root_crl)
        return hold_later(plan, self.home, self.settings.secret, datetime.now(UTC))

    def verdicts(self, made: tuple[Reservation, bytes]) -> tuple[str, str]:
        """The verdicts on the file and on the QR of something issued."""
        reservation, file = made
        return self.check(file).verdict.value, self.scan(to_digits(reservation.token or b"")).verdict.value

    @property
    def old_verdicts(self) -> tuple[str, str]:
        """Of what was issued before anything happened."""
        return self.verdicts((self.old, self.old_file))


class Desk:
    """What the tests of a session share because it is slow to start: an event loop, readers of PDFs, the types."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self.inspector = Inspector(1)
        self.catalog = load_catalog(ROOT / "schemas")
        self.run(self.inspector.__aenter__())

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do something in the shared loop."""
        return self._runner.run(work)

    def close(self) -> None:
        """End the readers and the loop."""
        self.run(self.inspector.__aexit__(None, None, None))
        self._runner.close()


@contextmanager
def opened(home: Home, desk: Desk) -> Iterator[KeyOffice]:
    """The office in a data folder."""
    settings = load_settings({"CERTSVC_HOME": str(home.path)})
    with app.databases(settings) as uris:
        yield KeyOffice(settings, uris, desk)
