"""An authority with one sealed proof, whose keys are then changed, stolen and lost."""

import itertools
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from demonstration import ROOT, Home
from desk import Desk

from certsvc import app
from certsvc.authority.authority import Authority
from certsvc.authority.ceremony import read_authority
from certsvc.authority.later import LaterPlan, RevocationPlan, hold_later
from certsvc.domain.actor import Actor
from certsvc.domain.issuing import Order, Reservation
from certsvc.domain.token import to_digits
from certsvc.issuance.issue import issue, resume
from certsvc.issuance.service import Issuing
from certsvc.settings import Settings, load_settings
from certsvc.verify.file import verify_file
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
    desk: Desk
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
        return self.with_keys(lambda issuing, now: resume(issuing, ACTOR))

    def with_keys(self, work: Callable[[Issuing, datetime], Awaitable[Result]], now: datetime | None = None) -> Result:
        """Do something that needs keys."""

        async def run() -> Result:
            when = now or datetime.now(UTC)
            async with self.desk.issuing(self.settings, self.uris.writer, now=when) as issuing:
                return await work(issuing, when)

        return self.desk.run(run())

    def check(self, file: bytes, *, offline: bool = False) -> Report:
        """The report on a file."""
        return self._verify(lambda verifying, now: verify_file(verifying, file, now), offline)

    def scan(self, digits: str, *, offline: bool = False) -> Report:
        """The report on a QR."""
        return self._verify(lambda verifying, now: verify_scan(verifying, digits, now), offline)

    def _verify(self, work: Callable[[Verifying, datetime], Awaitable[Report]], offline: bool) -> Report:
        async def run() -> Report:
            uri = None if offline else self.uris.reader
            async with self.desk.verifying(self.settings, uri) as verifying:
                return await work(verifying, datetime.now(UTC))

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


@contextmanager
def opened(home: Home, desk: Desk) -> Iterator[KeyOffice]:
    """The office in a data folder."""
    settings = load_settings({"CERTSVC_HOME": str(home.path)})
    with app.databases(settings) as uris:
        yield KeyOffice(settings, uris, desk)
