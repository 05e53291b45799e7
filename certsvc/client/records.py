"""Records from elsewhere: permits that a department issues in its own system."""

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

import msgspec

from certsvc.client.more_shapes import Compared, Difference, Record, Snapshot, Source, SourceHealth
from certsvc.client.sending import Sender, as_shape

PATH = "/v1/records"
NDJSON = "application/x-ndjson"


class Records:
    """`api.records`."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def put(self, source: str, record: str, content: Mapping[str, Any], *, key: str | None = None) -> Record:
        """Register a record, or a change of one. Raises `ApiError`."""
        return as_shape(await self._sender.write("PUT", _one(source, record), content, key=key), Record)

    async def read(
        self, source: str, record: str, *, on: date | None = None, known_at: datetime | None = None
    ) -> Record:
        """A record as it holds, or held on a day. Raises `ApiError`."""
        query = {"on": on and on.isoformat(), "known_at": known_at and known_at.isoformat()}
        return as_shape(await self._sender.read(_one(source, record), query), Record)

    def find(self, *, source: str | None = None, subject: str | None = None) -> AsyncIterator[Record]:
        """Records of the sources that this client feeds. Raises `ApiError`."""
        return self._sender.pages(PATH, {"source": source, "subject": subject}, Record)

    async def snapshot(
        self,
        source: str,
        records: Iterable[Mapping[str, Any]],
        observed_at: datetime,
        *,
        key: str | None = None,
        **begin: Any,
    ) -> Snapshot:
        """Send all that a source has; it is applied wholly or not at all. Raises `ApiError`."""
        content = _list(records, observed_at, begin)
        answer = await self._sender.write(
            "POST", _source(source) + "/snapshots", key=key, content=content, media_type=NDJSON
        )
        return as_shape(answer, Snapshot)

    async def reconcile(
        self, source: str, records: Iterable[Mapping[str, Any]], observed_at: datetime, **begin: Any
    ) -> Compared:
        """Compare a list of all that a source has with the register; nothing of it is applied. Raises `ApiError`."""
        content = _list(records, observed_at, begin)
        answer = await self._sender.write("POST", _source(source) + "/reconcile", content=content, media_type=NDJSON)
        return as_shape(answer, Compared)

    def differences(self, source: str, snapshot: int) -> AsyncIterator[Difference]:
        """Every record on which the register and a list differ. Raises `ApiError`."""
        return self._sender.pages(f"{_source(source)}/snapshots/{snapshot}/differences", {}, Difference)

    def sources(self) -> AsyncIterator[Source]:
        """The sources that this client feeds. Raises `ApiError`."""
        return self._sender.pages(PATH + "/sources", {}, Source)

    async def source(self, source: str) -> SourceHealth:
        """How a source does. Raises `ApiError`."""
        return as_shape(await self._sender.read(f"{PATH}/sources/{quote(source, safe='')}"), SourceHealth)


def _list(records: Iterable[Mapping[str, Any]], observed_at: datetime, begin: Mapping[str, Any]) -> bytes:
    rows = list(records)
    lines = [{"begin": {"observed_at": observed_at, **begin}}, *rows, {"end": {"rows": len(rows)}}]
    return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)


def _source(source: str) -> str:
    return f"{PATH}/{quote(source, safe='')}"


def _one(source: str, record: str) -> str:
    return f"{_source(source)}/{quote(record, safe='')}"
