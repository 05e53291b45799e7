"""Every good example of every type: issued, sealed, verified from the file and from its picture."""

import asyncio
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from chosen import tree_catalog
from demonstration import ROOT, NewHome

from certsvc import app
from certsvc.catalog import Catalog, CertificateType
from certsvc.catalog.load import examples
from certsvc.demo.look import look_at
from certsvc.demo.orders import from_day
from certsvc.domain.actor import Actor
from certsvc.domain.calendar import beijing_date
from certsvc.domain.certificate import Category
from certsvc.domain.issuing import Order
from certsvc.issuance.issue import issue
from certsvc.issuance.papers import write_papers
from certsvc.issuance.service import silent_walk
from certsvc.issuing import open_issuing
from certsvc.settings import load_settings
from certsvc.store.migrate import migrate

ACTOR = Actor(name="test", scopes=frozenset({"issue:*"}))
PLAN = ROOT / "keys" / "ceremonies" / "demonstration.toml"
CATALOG = tree_catalog()
LICENCES = {"1": "business-licence-company", "2": "business-licence-sole-trader", "3": "business-licence-cooperative"}
"""The type of licence by the second character of a USCC that begins with 9."""

NAMES = [f"{kind.id}/{path.stem}" for kind in CATALOG for path, _ in examples(kind, "good")]
pytestmark = pytest.mark.long


def orders(catalog: Catalog, day: date) -> Iterator[Order]:
    """Licences first: those of the examples, then one for every other business that holds an example permit."""
    good = [(kind, path.stem, payload) for kind in catalog for path, payload in examples(kind, "good")]
    licensed = set()
    for kind, name, payload in good:
        if kind.category is Category.LICENCE:
            licensed.add(kind.subject(payload))
            yield order(kind, name, payload, day)
    others = [one for one in good if one[0].category is not Category.LICENCE]
    for kind, name, payload in others:
        business = kind.licence(payload)
        if business is not None and business not in licensed:
            licensed.add(business)
            yield licence_for(catalog, business, payload, name)
    for kind, name, payload in others:
        yield order(kind, name, payload, day)


def order(kind: CertificateType, name: str, payload: Mapping[str, Any], day: date) -> Order:
    """An order for an example, its term begun on `day`."""
    return Order(client="test", key=f"{kind.id}/{name}", type_id=kind.id, payload=from_day(kind, payload, day))


def licence_for(catalog: Catalog, business: str, payload: Mapping[str, Any], name: str) -> Order:
    """A licence that says of the business what its permit says."""
    kind = catalog.latest(LICENCES[business[1]])
    made = dict(next(examples(kind, "good"))[1])
    made |= {"uscc": business, "name": payload.get("name", made["name"])}
    return Order(client="test", key=f"licence for {name} {business}", type_id=kind.id, payload=made)


@dataclass(frozen=True)
class Issued:
    """The sealed files, and what was found wrong with each example: nothing, if it verifies in full."""

    papers: Sequence[Path]
    wrong: Mapping[str, str]


@pytest.fixture(scope="module")
def issued(new_home: NewHome) -> Issued:
    """Every example, issued once."""
    settings = load_settings({"CERTSVC_HOME": str(new_home().path)})
    app.hold_ceremony(settings, PLAN, datetime.now(UTC))
    with app.databases(settings) as uris:
        asyncio.run(migrate(uris.writer))
        return asyncio.run(issue_all(settings, uris))


async def issue_all(settings: Any, uris: app.Databases) -> Issued:
    papers: dict[str, list[Path]] = {}
    async with open_issuing(settings, uris.writer, silent_walk, datetime.now(UTC)) as issuing:
        for wanted in orders(issuing.catalog, beijing_date(datetime.now(UTC))):
            reservation = await issue(issuing, ACTOR, wanted, datetime.now(UTC))
            papers[wanted.key] = await write_papers(issuing, reservation, settings.papers)
    async with app.verifying(settings, uris.reader) as verifying:
        turn = asyncio.Semaphore(settings.verify.workers)
        looking = {name: asyncio.create_task(look_at(verifying, papers[name], turn)) for name in NAMES}
        wrong = {
            name: ", ".join(what for what, good in (await task).counts(sound_is_enough=False).items() if not good)
            for name, task in looking.items()
        }
    return Issued([path for name in NAMES for path in papers[name]], wrong)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_issued_sealed_and_verified(issued: Issued, name: str) -> None:
    assert issued.wrong[name] == ""


@pytest.mark.needs("verapdf")
def test_verapdf_passes_every_sealed_file_as_pdf_a_3a_and_pdf_ua_1(issued: Issued) -> None:
    jars = os.environ["CERTSVC_VERAPDF_JARS"]
    command = ["java", "-XX:+UseSerialGC", "-cp", f"{jars}{os.pathsep}{jars}/*", "CheckPdf", "3a,ua1"]
    done = subprocess.run([*command, *issued.papers], capture_output=True, text=True, check=False, timeout=600)
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [line for line in lines if line[0] != "pass"] == []
    assert len(lines) == 2 * len(issued.papers)
