"""Records from elsewhere: permits that a department issues in its own system."""

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

import msgspec

from certsvc.client.sending import Sender, as_shape
from certsvc.client.shapes import Issuer, Term

PATH = "/v1/records"
NDJSON = "application/x-ndjson"


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A permit of another system, as it is known here."""

    source: str
    id: str
    kind: str
    kind_name: str
    number: str
    holder_name: str
    subject: str
    issuer: Issuer
    term: Term
    state: str
    reported_state: str
    said: str | None
    facts: Mapping[str, Any]
    observed_at: datetime
    received_at: datetime
    missing_since: datetime | None
    contradicted: bool
    digest: str


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A complete list of a source, and what it changed."""

    id: int
    state: str
    observed_at: datetime
    begun_at: datetime
    ended_at: datetime | None
    refused: str | None
    added: int | None
    changed: int | None
    same: int | None
    returned: int | None
    missing: int | None


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A source of records, and how fresh it is; periods are in hours."""

    id: str
    name_zh: str
    name_en: str
    freshness: str
    expected_every: float
    complete_every: float | None
    last_heard_at: datetime | None
    complete_as_of: datetime | None


class SourceHealth(msgspec.Struct, frozen=True, kw_only=True):
    """How a source does: its records, those that are missing or contradicted, and its newest lists."""

    source: Source
    records: int
    missing: int
    contradicted: int
    snapshots: tuple[Snapshot, ...]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A record on which the register and a list differ: `only_here`, `only_there`, or `differs`, in which fields."""

    id: str
    kind: str
    fields: tuple[str, ...]


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """Where the register and a list differ: how often, and the first `items`; all are had by `snapshot`."""

    snapshot: int
    only_here: int
    only_there: int
    differs: int
    same: int
    items: tuple[Difference, ...]
    next: str | None


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
