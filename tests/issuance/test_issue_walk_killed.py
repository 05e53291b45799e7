"""Killed at every arrow of the issue walk: nothing is lost, nothing is issued twice, no number is used twice."""

import contextlib
import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from chosen import some
from demonstration import ROOT
from holders import company_code
from walked import (
    DIGESTS_OF,
    NUMBERS_OF_NOTHING,
    TOKEN_OF,
    UNFINISHED,
    USED_TWICE,
    USES_OF,
    Walks,
)

from certsvc.domain.issuing import Order, Reservation
from certsvc.domain.token import to_digits
from certsvc.errors import RegisterUnavailable
from certsvc.issuance.service import Arrow
from certsvc.store.blobs import FileBlobs
from certsvc.verify.report import Verdict

pytestmark = pytest.mark.long

pytest_plugins = ["walk_fixtures"]
LICENCE = "business-licence-company"
STEPS = 19
"""Arrows of a licence's walk: both layouts are linted, then both are sealed."""

BEFORE_RESERVATION = 5
"""The fifth arrow says that the intent is committed."""


def licence_order(serial: int) -> Order:
    """An order for a licence of a business of its own."""
    example = ROOT / "schemas" / LICENCE / "v1" / "examples" / "good-lingnan.json"
    payload = {**json.loads(example.read_text("utf-8")), "uscc": company_code(serial)}
    return Order(client="test", key=f"licence-{serial}", type_id=LICENCE, payload=payload)


def assert_whole(walks: Walks, reservation: Reservation) -> None:
    """One certificate, both files sealed with the one token, nothing left over."""
    assert walks.rows(UNFINISHED) == []
    assert walks.rows(USED_TWICE) == []
    assert walks.rows(NUMBERS_OF_NOTHING) == []
    files = walks.rows("select sha256, layout from document where ref = $1", reservation.ref.to_bytes())
    assert sorted(row["layout"] for row in files) == ["duplicate", "original"]
    blobs = FileBlobs(walks.settings.home / "blobs")
    for row in files:
        data = blobs.get(row["sha256"])
        assert to_digits(reservation.token or b"").encode() in _attached(data)


def _attached(pdf: bytes) -> bytes:
    import pypdfium2

    with pypdfium2.PdfDocument(pdf) as document:
        return bytes(document.get_attachment(0).get_data())


def test_the_walk_has_every_arrow(walks: Walks) -> None:
    passed = walks.arrows(licence_order(99))
    assert len(passed) == STEPS
    assert set(passed) == {arrow.value for arrow in Arrow}
    assert passed[BEFORE_RESERVATION - 1] == Arrow.RESERVED
    assert passed[6:12] == ["rendered", "prepared", "use_booked", "sealed", "self_checked", "stored"]


@pytest.mark.parametrize("step", some(range(1, STEPS + 1)))
def test_killed_at_an_arrow(walks: Walks, step: int) -> None:
    order = licence_order(step)
    walks.issue_and_die(order, step)
    left = walks.rows(UNFINISHED)
    assert len(left) == (1 if BEFORE_RESERVATION <= step < STEPS else 0)
    for row in left:
        token = row["token"]
        if token is not None:
            assert walks.scan(to_digits(token)).verdict is Verdict.UNDETERMINED, "a token of what was never issued"
    assert walks.resume() == len(left)
    reservation = walks.issue(order)
    assert walks.issue(order).ref == reservation.ref
    if left:
        assert reservation.ref.to_bytes() == left[0]["ref"]
        assert left[0]["token"] in (None, reservation.token)
    assert_whole(walks, reservation)


def test_a_use_of_the_key_after_a_crash_is_booked_as_another_use(walks: Walks) -> None:
    order = licence_order(50)
    walks.issue_and_die(order, 10)  # the first layout is sealed, nothing is stored
    walks.resume()
    ref = walks.issue(order).ref.to_bytes()
    assert walks.rows(USES_OF, ref)[0]["count"] == 3
    assert walks.rows(DIGESTS_OF, ref)[0]["count"] == 3
    assert walks.rows(TOKEN_OF, ref)[0]["token"] is not None


def kill_all_of(postmaster: int) -> None:
    """The server and every process of its own, which would else answer for a moment longer."""
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    for pid in (postmaster, *map(int, children)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    "deadly", some([Arrow.RESERVED, Arrow.TOKEN_KEPT, Arrow.PREPARED, Arrow.STORED, Arrow.PUBLISHED])
)
def test_the_database_killed_at_an_arrow(walks: Walks, deadly: Arrow) -> None:
    order = licence_order(60 + list(Arrow).index(deadly))
    pid = int((walks.settings.home / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])

    def killing(arrow: str, detail: Mapping[str, Any]) -> None:
        if arrow == deadly:
            kill_all_of(pid)

    with pytest.raises(RegisterUnavailable):
        walks.issue(order, killing)
    walks.server.start()
    assert walks.resume() == (0 if deadly is Arrow.PUBLISHED else 1)
    assert_whole(walks, walks.issue(order))


def test_three_processes_with_one_order_issue_one_certificate(walks: Walks) -> None:
    order = licence_order(80)
    assert walks.issue_at_once(order, 3) == [0, 0, 0]
    assert_whole(walks, walks.issue(order))


def test_every_file_that_the_walks_left_is_valid_to_a_stranger(walks: Walks) -> None:
    blobs = FileBlobs(walks.settings.home / "blobs")
    files = walks.rows("select sha256 from document join certificate using (slot, ref) where type_id = $1", LICENCE)
    reports = walks.check([blobs.get(row["sha256"]) for row in files])
    assert len(reports) >= 2
    assert [report.checks for report in reports if report.verdict is not Verdict.VALID] == []
