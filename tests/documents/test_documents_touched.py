"""The emergency list of what a compromised key touched names documents and digests, not certificates alone."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from document_desk import DEPARTMENT, DOCUMENTS, HEALTH, Runner
from made_up_documents import letter

from certsvc.domain.compromise import Reach, TouchedRequest
from certsvc.domain.document_seal import Rule
from certsvc.issuance.documents.requests import read_sealed
from certsvc.store import touched as module
from certsvc.store.touched import touched_requests

pytest_plugins = ["document_fixtures"]
ONE, TWO = (hashlib.sha256(text).digest() for text in (b"one", b"two"))
BOTH = ((DOCUMENTS, Rule.LAST_PAGE_BOTTOM_RIGHT), (HEALTH, Rule.LAST_PAGE_BOTTOM_RIGHT))


def listed(desk: Runner, **reach: object) -> dict[str, TouchedRequest]:
    """What the list says, by request; nothing twice."""

    async def story() -> list[TouchedRequest]:
        now = datetime.now(UTC)
        usual = {"since": now - timedelta(hours=1), "until": now + timedelta(seconds=1), "seal_id": DOCUMENTS}
        return [each async for each in touched_requests(desk.desk.pool, Reach(**{**usual, **reach}))]  # type: ignore[arg-type]

    found = desk.run(story())
    assert len({each.id for each in found}) == len(found)
    return {each.id: each for each in found}


def test_documents_digests_and_what_never_came_out_are_listed(
    desk_of_documents: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 1)
    desk = desk_of_documents.desk

    async def story() -> tuple[str, str, str, bytes]:
        joint = await desk.ask(letter(1), *BOTH)
        digests = await desk.ask_signatures(ONE, TWO)
        await desk.work()
        waiting = await desk.ask(letter(1))
        request = waiting.request
        await desk.office.requests.book_use(request, request.seals[0], ONE, datetime.now(UTC))
        sealed = await read_sealed(desk.office, DEPARTMENT, joint.request.id)
        return joint.request.id, digests.request.id, request.id, hashlib.sha256(sealed).digest()

    joint, digests, waiting, sealed = desk_of_documents.run(story())
    found = listed(desk_of_documents)
    assert found.keys() == {joint, digests, waiting}
    assert (found[joint].sealed, found[joint].done, found[joint].is_document) == (sealed, True, True)
    assert (set(found[digests].digests), found[digests].is_document) == ({ONE, TWO}, False)
    assert (found[waiting].done, found[waiting].sealed, found[waiting].digests) == (False, None, ())
    assert listed(desk_of_documents, seal_id=HEALTH).keys() == {joint}
    assert listed(desk_of_documents, seal_id=None).keys() == found.keys()
    assert listed(desk_of_documents, tokens=True, seal_id=None) == {}
    long_ago = datetime.now(UTC) - timedelta(days=9)
    assert listed(desk_of_documents, since=long_ago, until=long_ago + timedelta(days=1)) == {}
