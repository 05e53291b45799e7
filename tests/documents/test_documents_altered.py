"""Whatever is changed in a sealed document is noticed by the checks that we run on our own output."""

import random
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from document_desk import DEPARTMENT, DOCUMENTS, HEALTH, Runner, root_of
from made_up_documents import letter

from certsvc.domain.document_seal import Rule
from certsvc.issuance.documents.requests import read_sealed
from certsvc.issuance.documents.shapes import Inspected

pytestmark = pytest.mark.long

pytest_plugins = ["document_fixtures"]

BOTH = ((DOCUMENTS, Rule.LAST_PAGE_BOTTOM_RIGHT), (HEALTH, Rule.LAST_PAGE_BOTTOM_RIGHT))
CHANCES = 40


@pytest.fixture(scope="module", params=[1, 2], ids=["one-seal", "joint-seals"])
def sealed(request: pytest.FixtureRequest, desk_of_documents: Runner) -> bytes:
    """A document with one seal, and one with two."""
    desk = desk_of_documents

    async def story() -> bytes:
        asked = await desk.desk.ask(letter(2), *BOTH[: request.param], cross_page=True)
        await desk.desk.work()
        return await read_sealed(desk.desk.office, DEPARTMENT, asked.request.id)

    found: bytes = desk.run(story())
    return found


def inspect(desk: Runner, pdf: bytes) -> Inspected:
    """As the worker does."""
    roots = (root_of(desk.desk.keys).public_bytes(Encoding.DER),)
    found: Inspected = desk.run(desk.desk.sealer.reader.inspect(pdf, roots, datetime.now(UTC)))
    return found


def is_sound(desk: Runner, pdf: bytes) -> bool:
    """Whether every check passed."""
    checks = inspect(desk, pdf).checks
    return bool(checks) and all(check.outcome == "passed" for check in checks)


def test_what_was_not_changed_is_sound(desk_of_documents: Runner, sealed: bytes) -> None:
    assert is_sound(desk_of_documents, sealed)


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "bytes_after_the_end": lambda pdf: pdf + b"\n",
    "an_update_more": lambda pdf: pdf + b"xref\n0 0\ntrailer\n<</Root 1 0 R/Size 1>>\nstartxref\n0\n%%EOF\n",
    "the_last_seal_taken_off": lambda pdf: pdf[: pdf.rindex(b"%%EOF\n", 0, len(pdf) - 6) + 6],
    "another_reason": lambda pdf: pdf.replace("公文".encode("utf-16-be").hex().upper().encode(), b"4E004E00"),
    "another_time": lambda pdf: pdf.replace(b"/M(D:20", b"/M(D:19"),
    "less_certified": lambda pdf: pdf.replace(b"/P 1/V/1.2", b"/P 3/V/1.2").replace(b"/P 2/V/1.2", b"/P 3/V/1.2"),
    "data_in_the_padding": lambda pdf: pdf.replace(b"00000000>", b"000000ff>"),
    "capitals_in_the_padding": lambda pdf: pdf.replace(b"/Contents<3082", b"/Contents<3082".upper()[:-1] + b"3"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_noticed(desk_of_documents: Runner, sealed: bytes, name: str) -> None:
    changed = CHANGES[name](sealed)
    assert changed != sealed
    assert not is_sound(desk_of_documents, changed)


def test_chance_changes_are_noticed(desk_of_documents: Runner, sealed: bytes) -> None:
    chance = random.Random(len(sealed))
    for _ in range(CHANCES):
        place = chance.randrange(len(sealed))
        other = bytes([sealed[place] ^ (1 << chance.randrange(8))])
        changed = sealed[:place] + other + sealed[place + 1 :]
        assert not is_sound(desk_of_documents, changed), place
