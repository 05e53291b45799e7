"""What cannot be sealed now waits under its number, says so, and is finished once: nothing is sealed weaker."""

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from test_issue_walk_killed import assert_whole, licence_order
from walked import ACTOR, UNFINISHED, USES_OF, Walks

from certsvc.domain.issuing import Reservation
from certsvc.domain.seal_acts import RegisteredSeal, SealAct, SealActRequest
from certsvc.errors import CertsvcError, CustodyError, Queued, RevocationDataStale, TimestampUnavailable
from certsvc.issuance.issue import issue
from certsvc.issuance.seals import act_on_seal
from certsvc.issuance.service import silent_walk
from certsvc.issuing import open_issuing
from certsvc.store.pool import open_pool
from certsvc.store.seals import PostgresSeals

pytest_plugins = ["walk_fixtures"]
SEAL, MANAGER = "market", "演示管理人"


def do(walks: Walks, act: SealAct) -> RegisteredSeal:
    """The manager acts on the seal of the licences."""

    async def story() -> RegisteredSeal:
        async with open_pool(walks.uri) as pool:
            request = SealActRequest(client="test", key=act, seal_id=SEAL, act=act, actor=MANAGER, reason="试")
            return await act_on_seal(PostgresSeals(pool), request, datetime.now(UTC))

    return asyncio.run(story())


@pytest.mark.long
def test_a_suspended_seal_makes_its_orders_wait_and_resumed_finishes_them_once(walks: Walks) -> None:
    order = licence_order(501)
    do(walks, SealAct.SUSPEND)
    with pytest.raises(Queued, match="is suspended") as caught:
        walks.issue(order)
    (row,) = walks.rows(UNFINISHED)
    assert caught.value.typed_code in caught.value.en and caught.value.typed_code in caught.value.zh
    assert walks.rows(USES_OF, row["ref"])[0]["count"] == 0
    with pytest.raises(Queued):
        walks.resume()
    with pytest.raises(Queued):
        walks.issue(order)
    do(walks, SealAct.RESUME)
    assert (walks.resume(), walks.resume()) == (1, 0)
    reservation = walks.issue(order)
    assert (reservation.ref.to_bytes(), reservation.ref.typed_code) == (row["ref"], caught.value.typed_code)
    assert walks.rows(USES_OF, row["ref"])[0]["count"] == 2
    assert_whole(walks, reservation)


@dataclass
class Troubled:
    """An authority's keys of which one part does not work."""

    keys: Any
    error: CertsvcError
    part: str

    def __getattr__(self, name: str) -> Any:
        return self if name == self.part else getattr(self.keys, name)

    def __call__(self, *_: object) -> Any:
        raise self.error

    def timestamp(self, *_: object) -> bytes:
        """What the timestamp authority says."""
        raise self.error


TROUBLES = {
    "timestamper": TimestampUnavailable("时间戳服务没有应答。", "The timestamp authority does not answer."),
    "validation_data": RevocationDataStale("吊销列表过期。", "The CRL is not current."),
    "sealing": CustodyError("口令卡不在。", "The token is not there."),
}


@pytest.mark.long
@pytest.mark.parametrize("part", TROUBLES)
def test_without_timestamp_current_crl_or_key_an_order_waits_and_is_finished_later(walks: Walks, part: str) -> None:
    order = licence_order(510 + list(TROUBLES).index(part))

    async def issue_in_trouble() -> Reservation:
        async with open_issuing(walks.settings, walks.uri, silent_walk, datetime.now(UTC)) as issuing:
            troubled = Troubled(issuing.keys, TROUBLES[part], part)
            return await issue(replace(issuing, keys=troubled), ACTOR, order, datetime.now(UTC))

    with pytest.raises(Queued) as caught:
        asyncio.run(issue_in_trouble())
    assert TROUBLES[part].en in caught.value.en and TROUBLES[part].zh in caught.value.zh
    assert caught.value.exit_status == 3
    (row,) = walks.rows(UNFINISHED)
    assert walks.rows(USES_OF, row["ref"])[0]["count"] == (1 if part == "timestamper" else 0)
    assert walks.resume() == 1
    assert_whole(walks, walks.issue(order))
