"""What is looked at before a key is used, and what becomes of a seal that turns out not to verify."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from document_desk import CERTIFICATES, DEPARTMENT, DOCUMENTS, HEALTH, DocumentDesk, Runner, make_keys, root_of
from made_up_documents import letter

from certsvc.domain.actor import Actor
from certsvc.domain.document_seal import State
from certsvc.domain.seal import ValidationData
from certsvc.domain.seal_acts import SealAct, SealRules, SealRulesRequest, rules_of
from certsvc.errors import Forbidden, NotFound, RevocationDataStale, SealRefused, TimestampUnavailable
from certsvc.issuance.documents.requests import authorize, read_sealed
from certsvc.issuance.documents.sealing import carry_out_request

pytest_plugins = ["document_fixtures"]

ONE, TWO = (hashlib.sha256(text).digest() for text in (b"one", b"two"))


async def change(desk: DocumentDesk, rules: SealRules) -> None:
    """Change the rules of the seal for documents, by two persons."""
    request = SealRulesRequest(
        client="test",
        key=desk.key(),
        seal_id=DOCUMENTS,
        act=SealAct.CHANGE_RULES,
        actor="演示管理人",
        reason="试",
        confirmed_by="演示批准人",
        rules=rules,
    )
    await desk.seals.act(request, datetime.now(UTC))


def test_where_not_all_digests_may_be_signed_any_more_none_is_and_no_use_is_on_record(
    desk_of_documents: Runner,
) -> None:
    async def story(desk: DocumentDesk) -> None:
        request = (await desk.ask_signatures(ONE, TWO)).request
        known = await desk.seals.seal(DOCUMENTS, datetime.now(UTC))
        rules = rules_of(known.seal)
        await change(desk, replace(rules, daily_quota=known.uses_today + 1))
        with pytest.raises(SealRefused, match="used up"):
            await desk.work()
        assert await desk.uses(request.id) == []
        await change(desk, rules)
        await desk.work()
        assert [use["digest"] for use in await desk.uses(request.id)] == [ONE, TWO]

    desk_of_documents.run(story(desk_of_documents.desk))


@pytest.mark.long
def test_what_a_stranger_would_not_find_valid_is_not_handed_out_and_its_use_is_on_record(
    desk_of_documents: Runner,
) -> None:
    other = (root_of(make_keys(datetime.now(UTC))).public_bytes(Encoding.DER),)

    async def story(desk: DocumentDesk) -> None:
        request = (await desk.ask(letter(1))).request
        await carry_out_request(replace(desk.sealer, roots=lambda: other), request.id, datetime.now(UTC))
        found = await desk.office.requests.request(request.id)
        assert (found.state, found.failure and found.failure.code) == (State.FAILED, "self_check_failed")
        assert len(await desk.uses(request.id)) == 1
        with pytest.raises(NotFound):
            await read_sealed(desk.office, DEPARTMENT, request.id)
        await desk.work()
        assert (await desk.office.requests.request(request.id)).state is State.FAILED

    desk_of_documents.run(story(desk_of_documents.desk))


class WithoutLists:
    """Keys whose revocation data is gone."""

    def __init__(self, keys: Any) -> None:
        self._keys = keys

    def __getattr__(self, name: str) -> Any:
        return getattr(self._keys, name)

    def validation_data(self, seal_ids: Any, now: datetime) -> ValidationData:
        """Without any list."""
        data: ValidationData = self._keys.validation_data(seal_ids, now)
        return replace(data, crls=())


@contextmanager
def waiting(desk: Runner, *, digests: bool) -> Iterator[str]:
    """A request that no key is used for in between; it is done afterwards."""
    asked = desk.desk.ask_signatures(ONE) if digests else desk.desk.ask(letter(1))
    request: str = desk.run(asked).request.id
    yield request
    assert desk.run(desk.desk.uses(request)) == []
    assert desk.run(desk.desk.office.requests.request(request)).state is State.WAITING
    desk.run(desk.desk.work())


@pytest.mark.long
@pytest.mark.parametrize("digests", [True, False], ids=["digests", "a document"])
def test_without_current_revocation_data_no_key_is_used(desk_of_documents: Runner, digests: bool) -> None:
    desk = desk_of_documents
    sealer = replace(desk.desk.sealer, keys=WithoutLists(desk.desk.keys))
    with waiting(desk, digests=digests) as request, pytest.raises(RevocationDataStale):
        desk.run(carry_out_request(sealer, request, datetime.now(UTC)))


@pytest.mark.parametrize("digests", [True, False], ids=["digests", "a document"])
def test_by_a_time_that_is_not_the_real_one_no_key_is_used(desk_of_documents: Runner, digests: bool) -> None:
    desk = desk_of_documents
    sealer = replace(desk.desk.sealer, clock=lambda: datetime.now(UTC) + timedelta(minutes=5))
    with waiting(desk, digests=digests) as request, pytest.raises(TimestampUnavailable):
        desk.run(carry_out_request(sealer, request, datetime.now(UTC)))


@pytest.mark.parametrize(
    ("seal", "scope", "error"),
    [
        (DOCUMENTS, f"document:*:{DOCUMENTS}:4419", None),
        (DOCUMENTS, "document:*:*:4403", NotFound),
        (DOCUMENTS, f"document:*:{HEALTH}", Forbidden),
        (DOCUMENTS, "issue:*", Forbidden),
        (CERTIFICATES, "document:*", Forbidden),
        ("none-such", "document:*", NotFound),
    ],
)
def test_leave_to_sign_is_given_under_a_seal_for_documents_that_one_may_use_and_no_other(
    desk_of_documents: Runner, seal: str, scope: str, error: type[Exception] | None
) -> None:
    desk, actor = desk_of_documents, Actor(name="somebody", scopes=frozenset({scope}))
    asked = authorize(desk.desk.office, actor, seal, [ONE], datetime.now(UTC))
    if error is None:
        assert desk.run(asked)
        return
    with pytest.raises(error):
        desk.run(asked)
