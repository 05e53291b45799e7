"""The making and destroying of seals: the intent first, then the key; killed between, nothing is lost or done twice."""

import asyncio
import hashlib
import os
import signal
import sys
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from certsvc.domain.seal import Centre, Seal
from certsvc.domain.seal_acts import (
    RegisteredSeal,
    SealAct,
    SealActRequest,
    SealEvent,
    SealRulesRequest,
    SealState,
    rules_of,
)
from certsvc.errors import ActNotAllowed, Conflict, CustodyError, Forbidden, InvalidInput, MissingGlyph
from certsvc.issuance.seals import act_on_seal, apply_for_seal, change_rules, finish_seals, make_or_destroy
from certsvc.store.embedded import EmbeddedServer
from certsvc.store.pool import open_pool
from certsvc.store.seals import PostgresSeals

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from dying import die_before_statement, ran_to_the_end
from embedded_fixture import Database, fresh_database
from sealed import applied, ask, told

NOW = datetime(2026, 11, 26, 2, 0, tzinfo=UTC)


@dataclass
class FolderMaker:
    """`services.SealMaker` that keeps in a folder what it made, and whom it was told to destroy by. It counts what it
    made, and dies on the way if it is to: before (1) or after (2) the work is done."""

    folder: Path
    dies: int = 0
    refuses: bool = False

    def make(self, seal: Seal, now: datetime) -> x509.Certificate:
        """The certificate made before, or a new one."""
        self._at(1)
        path = self.folder / f"{seal.id}.cer"
        if not path.exists():
            path.write_bytes(_certificate(seal.owner, now).public_bytes(Encoding.DER))
            self._count(f"{seal.id} made")
        self._at(2)
        return x509.load_der_x509_certificate(path.read_bytes())

    def destroy(self, seal_id: str, decision: SealEvent, now: datetime) -> None:
        """Gone, and gone again."""
        self._at(1)
        path = self.folder / f"{seal_id}.cer"
        if path.exists():
            path.unlink()
            self._count(f"{seal_id} destroyed by {decision.actor} and {decision.confirmed_by}: {decision.reason}")
        self._at(2)

    @property
    def done(self) -> list[str]:
        """What was done, in order."""
        path = self.folder / "done"
        return path.read_text("utf-8").splitlines() if path.exists() else []

    def _count(self, what: str) -> None:
        with (self.folder / "done").open("a", encoding="utf-8") as file:
            file.write(what + "\n")

    def _at(self, point: int) -> None:
        if self.refuses:
            raise CustodyError("口令卡不在。", "The token is not there.")
        if self.dies == point:
            os.kill(os.getpid(), signal.SIGKILL)


def _certificate(owner: str, now: datetime) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, owner)])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now).not_valid_after(now + timedelta(days=365)).sign(key, hashes.SHA256())


@dataclass
class Office:
    """A register with seals, and the maker behind it."""

    database: Database
    folder: Path
    joint: frozenset[str] = frozenset()

    def places(self, type_id: str) -> int:
        """Two seals stand under a joint document."""
        return 2 if type_id in self.joint else 1

    def change(self, seal: Seal) -> RegisteredSeal:
        """Give a seal on record the rules of this one."""

        async def story() -> RegisteredSeal:
            async with open_pool(self.database.uri) as pool:
                asked = ask(seal.id, SealAct.CHANGE_RULES, "管", f"{sorted(seal.certificate_types)}", confirmed_by="批")
                request = SealRulesRequest(**asdict(asked), rules=rules_of(seal))
                return await change_rules(PostgresSeals(pool), request, NOW, self.places)

        return asyncio.run(story())

    def do(
        self,
        act: SealAct,
        actor: str,
        maker: FolderMaker | None = None,
        *,
        key: str = "",
        confirmed_by: str | None = None,
    ) -> RegisteredSeal:
        """Do an act on the seal `x`."""
        request = ask("x", act, actor, key, confirmed_by=confirmed_by)
        return asyncio.run(self.story(request, maker or self.maker))

    def dies(self, request: SealActRequest, maker: FolderMaker, number: int = 0) -> bool:
        """Whether a process that does this is killed: by the maker, or before a statement."""

        def story() -> None:
            asyncio.run(self.story(request, maker, number))

        return not ran_to_the_end(story)

    async def story(self, request: SealActRequest, maker: FolderMaker, number: int = 0) -> RegisteredSeal:
        """One act, in a process that dies before a statement if it is to."""
        async with open_pool(self.database.uri) as pool:
            if number:
                die_before_statement(number)
            if request.act in (SealAct.MAKE, SealAct.DESTROY):
                return await make_or_destroy(PostgresSeals(pool), maker, request, NOW, self.places)
            return await act_on_seal(PostgresSeals(pool), request, NOW)

    def apply(self, seal: Seal, *, demonstration: bool = True) -> RegisteredSeal:
        """Apply for a seal."""

        async def story() -> RegisteredSeal:
            async with open_pool(self.database.uri) as pool:
                request = ask(seal.id, SealAct.APPLY, "申")
                return await apply_for_seal(
                    PostgresSeals(pool), seal, request, NOW, self.places, demonstration=demonstration
                )

        return asyncio.run(story())

    def approved(self) -> None:
        """The seal `x`, applied for and approved."""
        self.apply(applied("x"))
        self.do(SealAct.APPROVE, "批")

    @property
    def maker(self) -> FolderMaker:
        """One that works."""
        return FolderMaker(self.folder)

    @property
    def events(self) -> list[SealEvent]:
        """The life of the seal `x`."""

        async def story() -> list[SealEvent]:
            async with open_pool(self.database.uri) as pool:
                return [*await PostgresSeals(pool).events("x")]

        return asyncio.run(story())

    def finish(self) -> int:
        """What a resuming process does."""

        async def story() -> int:
            async with open_pool(self.database.uri) as pool:
                return await finish_seals(PostgresSeals(pool), self.maker, NOW)

        return asyncio.run(story())


@pytest.fixture
def office(embedded_server: EmbeddedServer, tmp_path: Path) -> Office:
    """An office with a database of its own."""
    return Office(fresh_database(embedded_server), tmp_path)


LIFE = [
    ("apply", "applied", "申"),
    ("approve", "approved", "批"),
    ("make", "making", "管"),
    ("made", "made", "管"),
    ("enable", "enabled", "管"),
    ("destroy", "destroying", "管"),
    ("destroyed", "destroyed", "管"),
]


def test_a_seal_is_made_enabled_and_destroyed_with_its_key_and_certificate(office: Office) -> None:
    office.approved()
    assert office.do(SealAct.MAKE, "管").state is SealState.MADE
    der = (office.folder / "x.cer").read_bytes()
    assert office.events[-1].certificate == hashlib.sha256(der).digest()
    office.do(SealAct.ENABLE, "管")
    with pytest.raises(Forbidden, match="confirmed by its approver"):
        office.do(SealAct.DESTROY, "管", key="alone")
    assert office.do(SealAct.DESTROY, "管", confirmed_by="批").state is SealState.DESTROYED
    assert told(office.events) == LIFE
    assert office.maker.done == ["x made", "x destroyed by 管 and 批: 试"]


def test_the_same_request_again_makes_nothing_more(office: Office) -> None:
    office.approved()
    for _ in range(3):
        assert office.do(SealAct.MAKE, "管").state is SealState.MADE
    office.do(SealAct.ENABLE, "管")
    assert office.do(SealAct.MAKE, "管").state is SealState.ENABLED
    assert (told(office.events), office.maker.done) == (LIFE[:5], ["x made"])
    with pytest.raises(ActNotAllowed):
        office.do(SealAct.MAKE, "管", key="meant anew")


def test_a_key_that_cannot_be_made_leaves_the_intent_and_is_made_later(office: Office) -> None:
    office.approved()
    with pytest.raises(CustodyError):
        office.do(SealAct.MAKE, "管", FolderMaker(office.folder, refuses=True))
    assert (told(office.events), office.maker.done) == (LIFE[:3], [])
    assert (office.finish(), office.finish()) == (1, 0)
    assert (told(office.events), office.maker.done) == (LIFE[:4], ["x made"])


@pytest.mark.long
@pytest.mark.parametrize("again", ["resumed", "asked again", "asked anew"])
@pytest.mark.parametrize("dies", [1, 2], ids=["before the key", "after the key"])
def test_killed_at_the_key_it_is_made_and_destroyed_once(office: Office, dies: int, again: str) -> None:
    office.approved()
    for act, second in ((SealAct.MAKE, None), (SealAct.DESTROY, "批")):
        request = ask("x", act, "管", confirmed_by=second)
        assert office.dies(request, FolderMaker(office.folder, dies=dies))
        assert office.events[-1].act is act
        if again == "resumed":
            assert office.finish() == 1
        else:
            office.do(act, "管", confirmed_by=second, key="anew" if again == "asked anew" else "")
    assert told(office.events) == [*LIFE[:4], *LIFE[5:]]
    assert len(office.maker.done) == 2


@pytest.mark.long
def test_killed_before_any_statement_of_the_making_it_is_made_once(office: Office) -> None:
    office.approved()
    request = ask("x", SealAct.MAKE, "管")
    for number in range(1, 100):
        if not office.dies(request, office.maker, number):
            break
        assert told(office.events) in (LIFE[:2], LIFE[:3], LIFE[:4])
        assert set(office.maker.done) <= {"x made"}
    assert number > 12
    assert (told(office.events), office.maker.done) == (LIFE[:4], ["x made"])


@pytest.mark.long
def test_a_type_has_no_more_seals_than_its_sheets_have_places(office: Office) -> None:
    office.approved()
    shop = frozenset({"food-permit"})
    with pytest.raises(Conflict, match="food-permit is bound to the seal x already"):
        office.apply(applied("y", certificate_types=shop))
    office.joint = shop
    office.apply(applied("y", certificate_types=shop))
    office.joint = frozenset()
    with pytest.raises(Conflict, match="bound to the seal y already"):
        office.do(SealAct.MAKE, "管")
    assert office.maker.done == []
    office.joint = shop
    assert office.do(SealAct.MAKE, "管").state is SealState.MADE
    office.do(SealAct.ENABLE, "管")
    with pytest.raises(Conflict, match="food-permit is bound to the seal x, y already"):
        office.apply(applied("z", certificate_types=shop))
    less = applied("x", certificate_types=frozenset({"business-licence"}))
    assert office.change(less).seal.certificate_types == less.certificate_types
    office.joint = frozenset()
    with pytest.raises(Conflict, match="bound to the seal y already"):
        office.change(replace(less, certificate_types=less.certificate_types | shop))
    office.do(SealAct.DESTROY, "管", confirmed_by="批")
    assert office.apply(applied("z", certificate_types=less.certificate_types)).state is SealState.APPLIED


def test_what_cannot_be_drawn_is_not_applied_for(office: Office) -> None:
    seal = applied("x")
    with pytest.raises(InvalidInput, match="at most 45 mm"):
        office.apply(replace(seal, design=replace(seal.design, diameter_mm=46.0)))
    with pytest.raises(MissingGlyph):
        office.apply(replace(seal, design=replace(seal.design, name="云山市\U00020bb7村村民委员会")))
    emblem = replace(seal, rank="government", design=replace(seal.design, diameter_mm=45.0, centre=Centre.EMBLEM))
    with pytest.raises(InvalidInput, match="supply the picture"):
        office.apply(emblem, demonstration=False)
    assert office.apply(emblem).state is SealState.APPLIED
