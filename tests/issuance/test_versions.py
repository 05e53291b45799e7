"""The next version of a certificate: number kept, days counted, the old one superseded; killed, sent twice."""

import asyncio
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from chosen import some, tree_catalog
from demonstration import ROOT, Demonstration, NewHome, unbound_seal
from walked import CHILD_SECONDS, CHILDREN

from certsvc import app
from certsvc.catalog.load import examples
from certsvc.commands.work import show_holder
from certsvc.domain.actor import Actor
from certsvc.domain.acts import Act
from certsvc.domain.calendar import beijing_date
from certsvc.domain.certificate import RegisteredCertificate
from certsvc.domain.effects import Effect
from certsvc.domain.life import Ground
from certsvc.domain.states import Status
from certsvc.errors import CertsvcError, Conflict, InvalidInput, PayloadInvalid, WrongCheckCharacter
from certsvc.ids import parse_typed_code, ref_from_bytes
from certsvc.issuance.act_command import ActCommand, make_version
from certsvc.issuance.issue import resume
from certsvc.issuance.service import silent_walk
from certsvc.issuance.versions import version_problems
from certsvc.issuing import open_issuing
from certsvc.services import Walk
from certsvc.settings import Settings, load_settings
from certsvc.store.blobs import FileBlobs
from certsvc.store.pool import open_pool
from certsvc.store.reader import PostgresReader
from certsvc.verify.report import CertificateReport, Outcome, Verdict
from certsvc.verify.scan import verify_code

ACTOR = Actor(name="one", scopes=frozenset({"renew:*", "issue:*"}))
TODAY = beijing_date(datetime.now(UTC))
DAY = timedelta(days=1)
DEADLY_STEPS = [3, 4, 6, 8, 9, 10]
"""Reserved, use booked, token kept, …, published."""

VERSIONS = "select ref, version, issued_at, identifier from certificate where life_ref = $1 order by version"


@dataclass
class Office:
    """A copy of the demonstration in which next versions are issued."""

    settings: Settings
    uris: app.Databases

    def make(self, act: Act, code: str, **said: Any) -> dict[str, Any]:
        """Issue a version now."""
        return asyncio.run(_make(self.settings, self.uris.writer, _typed(act, code, said), silent_walk))

    def refused(self, error: type[CertsvcError], act: Act, code: str, **said: Any) -> str:
        """The codes of what is wrong, or the words."""
        with pytest.raises(error) as caught:
            self.make(act, code, **said)
        return ", ".join(problem.code for problem in caught.value.problems) or str(caught.value)

    def read(self, code: str, day: date) -> RegisteredCertificate:
        """A certificate on a day, as the public role sees it now."""

        async def ask() -> RegisteredCertificate:
            async with open_pool(self.uris.reader) as pool:
                found = await PostgresReader(pool).gather(parse_typed_code(code), day, datetime.now(UTC))
                assert found is not None
                return found.certificate

        return asyncio.run(ask())

    def rows(self, statement: str, *values: object) -> list[Any]:
        """What the database holds."""

        async def ask() -> list[Any]:
            async with open_pool(self.uris.writer) as pool, pool.connection() as connection:
                return list(await connection.fetch(statement, *values))

        return asyncio.run(ask())

    def attached(self, code: str) -> dict[str, Any]:
        """The data attached to its first file."""
        (row, *_) = self.rows("select sha256 from document where ref = $1", parse_typed_code(code).to_bytes())
        with pypdfium2.PdfDocument(FileBlobs(self.settings.home / "blobs").get(row["sha256"])) as document:
            found: dict[str, Any] = json.loads(bytes(document.get_attachment(0).get_data()))
        return found

    def codes(self, type_id: str) -> list[str]:
        """The first versions of a type, by number."""
        statement = "select ref from certificate where type_id = $1 and version = 1 order by number"
        return [ref_from_bytes(row["ref"]).typed_code for row in self.rows(statement, type_id)]


def _typed(act: Act, code: str, said: dict[str, Any]) -> ActCommand:
    ground = Ground(**{name: said.pop(name) for name in list(said) if name in Ground.__dataclass_fields__})
    return ActCommand(act=act, target=code, by="one", ground=ground, **said)


async def _make(settings: Settings, uri: str, typed: ActCommand, walk: Walk) -> dict[str, Any]:
    async with open_issuing(settings, uri, walk, datetime.now(UTC)) as issuing:
        return await make_version(issuing, typed, settings.papers, datetime.now(UTC))


def _make_and_die(settings: Settings, uri: str, typed: ActCommand, step: int) -> None:
    left = iter(range(step - 1))

    def dying(arrow: str, detail: Any) -> None:
        if next(left, None) is None:
            os.kill(os.getpid(), 9)

    asyncio.run(_make(settings, uri, typed, dying))


async def _resume(settings: Settings, uri: str) -> int:
    async with open_issuing(settings, uri, silent_walk, datetime.now(UTC)) as issuing:
        return await resume(issuing, ACTOR)


@pytest.fixture(scope="module")
def office(demonstration: Demonstration, new_home: NewHome) -> Iterator[Office]:
    home = demonstration.home.copied_to(new_home())
    settings = load_settings({"CERTSVC_HOME": str(home.path)})
    with app.databases(settings) as uris:
        unbound_seal(uris.writer)
        yield Office(settings, uris)


def test_a_proof_has_a_next_version_too_and_the_one_before_is_superseded(office: Office) -> None:
    old = office.codes("tiered-water-proof")[0]
    shown = office.make(Act.REISSUE, old, reason_code="damaged")
    new = office.read(shown["typed_code"], TODAY)
    assert (new.version, new.status, new.life) == (2, Status.VALID, office.read(old, TODAY).ref)
    assert office.read(old, TODAY).status is Status.SUPERSEDED
    assert office.read(old, TODAY).successor == new.ref
    first, second = (office.attached(code) for code in (old, shown["typed_code"]))
    assert (second["version"], second["replaces"], "replaces" in first) == (2, old, False)


@pytest.mark.long
def test_a_renewal_keeps_the_number_and_takes_over_on_the_day_after_the_old_term(office: Office) -> None:
    old = office.codes("food-business")[0]
    before = office.read(old, TODAY)
    assert before.term.end is not None
    shown = office.make(Act.RENEW, old)
    new = office.read(shown["typed_code"], TODAY)
    assert (new.number, new.version, new.life) == (before.number, 2, before.ref)
    assert new.identifier.split(".")[-3] == before.identifier.split(".")[-3]
    assert new.previous_identifier == before.identifier
    assert new.term.start == before.term.end + DAY
    on_last_day, after = office.read(old, before.term.end), office.read(old, before.term.end + DAY)
    assert (on_last_day.status, after.status) == (Status.VALID, Status.SUPERSEDED)
    assert after.successor == new.ref and on_last_day.successor is None
    assert Path(shown["files"][0]).is_file()


@pytest.mark.long
def test_the_same_command_again_makes_no_third_version(office: Office) -> None:
    old = office.codes("food-business")[1]
    first = office.make(Act.RENEW, old)
    assert office.make(Act.RENEW, old)["typed_code"] == first["typed_code"]
    assert "newest version" in office.refused(Conflict, Act.REISSUE, old, reason_code="lost")
    assert len(office.rows(VERSIONS, parse_typed_code(old).to_bytes())) == 2


@pytest.mark.long
def test_what_a_version_may_not_alter(office: Office) -> None:
    code = office.codes("drug-retail")[0]
    reason = {"reason": "迁址"}
    assert office.refused(PayloadInvalid, Act.CHANGE, code, **reason) == "no_change"
    assert office.refused(PayloadInvalid, Act.CHANGE, code, changes=["valid_to=2027-01-01"], **reason) == "term_kept"
    other = ["uscc=92441900MA52DEF10X"]
    assert office.refused(PayloadInvalid, Act.CHANGE, code, changes=other, **reason) == "other_holder"
    lost = {"reason_code": "lost", "changes": ["address=别处1号铺"]}
    assert office.refused(PayloadInvalid, Act.REISSUE, code, **lost) == "content_kept"
    assert office.refused(PayloadInvalid, Act.RENEW, code, changes=["valid_from=2031-12-24"]) == "renewal_start"
    assert len(office.rows(VERSIONS, parse_typed_code(code).to_bytes())) == 1


@pytest.mark.long
def test_a_transfer_in_names_the_certificate_elsewhere_and_begins_here(office: Office) -> None:
    payload = ROOT / "schemas" / "medical-device-filing" / "v1" / "examples" / "good-shop.json"
    came_from = "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U"
    wanted = {"payload": payload, "previous_identifier": came_from}
    assert office.refused(InvalidInput, Act.TRANSFER_IN, "medical-device-filing", payload=payload) == "required"
    slip = wanted | {"previous_identifier": f"{came_from[:-1]}V"}
    assert "does not match" in office.refused(WrongCheckCharacter, Act.TRANSFER_IN, "medical-device-filing", **slip)
    shown = office.make(Act.TRANSFER_IN, "medical-device-filing", **wanted)
    assert (shown["act"], shown["operation"], shown["status"], shown["version"]) == ("transfer_in", "08", "valid", 1)
    assert office.read(shown["typed_code"], TODAY).previous_identifier == came_from
    again = office.make(Act.TRANSFER_IN, "medical-device-filing", **wanted)
    assert again["typed_code"] == shown["typed_code"]


@pytest.mark.long
def test_a_correction_keeps_number_and_state_and_says_what_it_follows(office: Office) -> None:
    code = office.codes("hotel-special-trade")[0]
    shown = office.make(Act.CORRECT, code, reason="录入有误", changes=["rooms=47"])
    new = office.read(shown["typed_code"], TODAY)
    assert (new.version, new.public_fields["rooms"], new.status) == (2, 47, Status.VALID)
    assert office.read(code, TODAY).successor == new.ref


@pytest.mark.long
def test_what_is_not_renewed_is_applied_for_anew() -> None:
    kind = tree_catalog().latest("fireworks-retail")
    _, payload = next(examples(kind, "good"))
    term = kind.term(payload)
    assert term.end is not None
    found = version_problems(Act.RENEW, kind, payload, payload, term, term.end)
    assert "not_renewed" in [problem.code for problem in found]


@pytest.mark.long
def test_a_change_of_name_of_the_licence_is_seen_on_the_business_and_asks_its_permits_to_follow(office: Office) -> None:
    licence = office.codes("business-licence-sole-trader")[0]
    shown = office.make(Act.CHANGE, licence, reason="改名", changes=["name=云山市云岗镇阿强大酒楼"])
    assert office.read(licence, TODAY).status is Status.SUPERSEDED
    assert office.read(shown["typed_code"], TODAY).holder_name == "云山市云岗镇阿强大酒楼"
    held = show_holder(office.settings, "001", shown["number"])
    assert [span["value"] for span in held["facts"]["name"]] == ["云山市云岗镇阿强小食店", "云山市云岗镇阿强大酒楼"]
    assert [span["until"] for span in held["facts"]["name"]] == [str(TODAY), None]
    permit = next(iter(held["premises"].values()))[0]
    report = asyncio.run(_report(office, permit["typed_code"]))
    assert (report.verdict, report.licence) == (Verdict.VALID, Outcome.PASSED)
    assert [(one.effect, one.cause) for one in report.consequences] == [(Effect.MUST_REISSUE, "name")]


async def _report(office: Office, code: str) -> CertificateReport:
    async with app.verifying(office.settings, office.uris.reader) as verifying:
        found = (await verify_code(verifying, code, datetime.now(UTC))).certificate
        assert found is not None
        return found


@pytest.mark.long
@pytest.mark.parametrize("step", some(DEADLY_STEPS))
def test_a_renewal_killed_on_the_way_is_finished_once(office: Office, step: int) -> None:
    names = ["publications-retail", "public-place-hygiene", "drug-retail"]
    codes = [code for name in names for code in office.codes(name)]
    code = codes[DEADLY_STEPS.index(step) % len(codes)]
    life = parse_typed_code(code).to_bytes()
    versions = len(office.rows(VERSIONS, life))
    newest = ref_from_bytes(office.rows(VERSIONS, life)[-1]["ref"]).typed_code
    typed = _typed(Act.RENEW, newest, {})
    child = CHILDREN.Process(target=_make_and_die, args=(office.settings, office.uris.writer, typed, step))
    child.start()
    child.join(CHILD_SECONDS)
    assert child.exitcode == -9
    asyncio.run(_resume(office.settings, office.uris.writer))
    again = office.make(Act.RENEW, newest)
    found = office.rows(VERSIONS, life)
    assert len(found) == versions + 1
    assert all(row["issued_at"] is not None for row in found)
    assert ref_from_bytes(found[-1]["ref"]).typed_code == again["typed_code"]
