"""Departments of the demonstration that issue permits in their own systems and report them: one has just listed all it
has, the other was to be heard and was not. What they issued is made up, for the first licence that is issued here."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from certsvc.domain.actor import Actor
from certsvc.domain.issuing import Reservation
from certsvc.domain.scope import RECORD
from certsvc.domain.source import Source
from certsvc.ids import parse_uscc
from certsvc.issuance.prepare import open_payload
from certsvc.issuance.records.lists import take_snapshot
from certsvc.issuance.records.reporting import Recording
from certsvc.issuance.service import Issuing
from certsvc.store.pool import Pool
from certsvc.store.record_snapshots import PostgresSnapshots
from certsvc.store.records import PostgresRecords

AREA, DAY = "4419", timedelta(days=1)
OVERDUE_BY = timedelta(hours=6)
BY = "demonstration"
TOBACCO = "tobacco", "云山市烟草专卖局", "Yunshan Tobacco Monopoly Bureau", parse_uscc("114419000073311877")
WATER = "water", "云山市水务局", "Yunshan Water Authority", parse_uscc("114419000073312403")
RETAIL = {
    "id": "1",
    "kind": "tobacco-retail",
    "number": "441900100027",
    "term": {"start": "2024-06-01", "end": "2029-05-31"},
    "state": "valid",
}
INTAKE = {
    "id": "1",
    "kind": "water-intake",
    "kind_name": "取水许可证",
    "number": "取水（云山）字〔2023〕第00018号",
    "term": {"start": "2023-03-01", "end": "2028-02-29"},
    "state": "valid",
}


async def demo_sources(issuing: Issuing, pool: Pool, client: str, licence: Reservation, held_at: datetime) -> None:
    """Register both sources, fed by a client, each with the list it sent: at `held_at`, and so long before that the
    next is overdue. Once: a second time changes nothing.

    Raises:
        see `add_source` and `take_snapshot`.
    """
    holder = issuing.catalog.version(licence.type_id, licence.type_version).definition.holder.name
    said = {"holder_name": open_payload(issuing, licence)[holder], "subject": licence.subject}
    recording = Recording(
        catalog=issuing.catalog, records=PostgresRecords(pool), snapshots=PostgresSnapshots(pool, pool)
    )
    reported = (TOBACCO, RETAIL, held_at), (WATER, INTAKE, held_at - DAY - OVERDUE_BY)
    for (source_id, zh, en, organ), permit, heard_at in reported:
        source = Source(
            id=source_id,
            zh=zh,
            en=en,
            organisation=organ,
            client=client,
            kinds=frozenset({str(permit["kind"])}),
            area=AREA,
            expected_every=DAY,
            complete_every=DAY,
            most_missing_percent=5,
            registered_at=held_at - 30 * DAY,
        )
        await recording.records.add_source(source, BY)
        row = {**permit, **said, "issuer": {"name": zh, "uscc": organ}}
        actor, key = Actor(name=client, scopes=frozenset({f"{RECORD}:*"})), f"{BY} {source_id}"
        await take_snapshot(recording, actor, source_id, _list(row, heard_at), key, _standing(heard_at))


def _standing(moment: datetime) -> Callable[[], datetime]:
    """A clock that stands."""
    return lambda: moment


async def _list(row: dict[str, Any], observed_at: datetime) -> AsyncIterator[bytes]:
    """A list with one row."""
    lines = {"begin": {"observed_at": observed_at}}, row, {"end": {"rows": 1}}
    yield b"\n".join(map(msgspec.json.encode, lines))
