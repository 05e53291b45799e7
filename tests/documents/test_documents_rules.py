"""A seal's rules hold under documents and digests as they do under certificates, in the database too."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from document_desk import CERTIFICATES, DEPARTMENT, DOCUMENTS, HEALTH, Runner
from made_up_documents import letter

from certsvc.authority.seal_keys import SealKeys
from certsvc.authority.seal_plan import MADE_UP
from certsvc.domain.actor import Actor
from certsvc.domain.document_seal import Output, Rule, State
from certsvc.domain.seal import Hours, Placement
from certsvc.domain.seal_acts import SealAct, SealActRequest, SealRules, SealRulesRequest, rules_of
from certsvc.errors import ActNotAllowed, AuthorizationRefused, Forbidden, NotFound, SealRefused, StoreError
from certsvc.issuance.documents.requests import authorize, give_up, hash_of
from certsvc.issuance.documents.sealing import carry_out_request
from certsvc.store.register import PostgresRegister

pytest_plugins = ["document_fixtures"]

ONE, TWO = (hashlib.sha256(text).digest() for text in (b"one", b"two"))
MANAGER, KEEPER, APPROVER = "演示管理人", "演示保管人", "演示批准人"
REQUEST = """insert into sealing_request (id, client, key, content, reason, digests, output, requested_at, good_until)
    values ($1, 'market-system', $2, $3, 'r', $4, 'raw', $5, $6)"""
PLACE = "insert into sealing_place (request_id, place, seal_id) values ($1, 0, $2)"
USE = """insert into seal_use (request_id, seal_id, layout, actor, intended_at, digest)
    values ($1, $2, 'digest', 'market-system', $3, $4)"""


def change(desk: Runner, seal_id: str, rules: SealRules) -> None:
    """Change a seal's rules, by two persons."""
    request = SealRulesRequest(
        client="test",
        key=desk.desk.key(),
        seal_id=seal_id,
        act=SealAct.CHANGE_RULES,
        actor=MANAGER,
        reason="试",
        confirmed_by=APPROVER,
        rules=rules,
    )
    desk.run(desk.desk.seals.act(request, datetime.now(UTC)))


def act(desk: Runner, act: SealAct) -> None:
    """An act of its manager's on the seal for documents."""
    request = SealActRequest(client="test", key=desk.desk.key(), seal_id=DOCUMENTS, act=act, actor=MANAGER, reason="试")
    desk.run(desk.desk.seals.act(request, datetime.now(UTC)))


@contextmanager
def changed(desk: Runner, **rules: Any) -> Iterator[None]:
    """The seal for documents with other rules for a while."""
    known = rules_of(desk.run(desk.desk.seals.seal(DOCUMENTS, datetime.now(UTC))).seal)
    change(desk, DOCUMENTS, replace(known, **rules))
    yield
    change(desk, DOCUMENTS, known)


def test_a_quota_counts_documents_and_every_digest(desk_of_documents: Runner) -> None:
    desk = desk_of_documents
    used = desk.run(desk.desk.seals.seal(DOCUMENTS, datetime.now(UTC))).uses_today
    with changed(desk, daily_quota=used + 2):
        with pytest.raises(SealRefused, match="used up"):
            desk.run(desk.desk.ask_signatures(ONE, TWO, hashlib.sha256(b"three").digest()))
        desk.run(desk.desk.ask_signatures(ONE, TWO))
        assert desk.run(desk.desk.work()) == 1
        with pytest.raises(SealRefused, match="used up"):
            desk.run(desk.desk.ask(letter(1)))


def test_a_seal_that_has_one_place_stands_nowhere_else_and_signs_no_digest(desk_of_documents: Runner) -> None:
    desk = desk_of_documents
    with changed(desk, place=Placement(page=1, x_mm=100, y_mm=100)):
        with pytest.raises(SealRefused, match="would stand elsewhere"):
            desk.run(desk.desk.ask(letter(1), (DOCUMENTS, Placement(page=1, x_mm=101, y_mm=100))))
        with pytest.raises(SealRefused, match="would stand elsewhere"):
            desk.run(desk.desk.ask_signatures(ONE))
        desk.run(desk.desk.ask(letter(1), (DOCUMENTS, Placement(page=1, x_mm=100, y_mm=100))))
        assert desk.run(desk.desk.work()) == 1


def test_a_scope_for_one_area_or_one_seal_covers_no_other(desk_of_documents: Runner) -> None:
    desk = desk_of_documents
    for scope, refused in (
        ("document:*:*:4419", None),
        (f"document:*:{DOCUMENTS}:441900", None),
        ("document:*:*:4401", NotFound),  # another area's seal is answered like none
        (f"document:*:{HEALTH}", Forbidden),
        ("issue:*", Forbidden),
    ):
        actor = Actor(name=DEPARTMENT.name, scopes=frozenset({scope, "document:*:none"}))
        if refused is None:
            desk.run(desk.desk.ask_signatures(ONE, actor=actor))
        else:
            with pytest.raises(refused):
                desk.run(desk.desk.ask_signatures(ONE, actor=actor))
    desk.run(desk.desk.work())


def test_a_seal_is_used_in_its_hours_only(desk_of_documents: Runner) -> None:
    desk = desk_of_documents
    minute = (datetime.now(UTC) + timedelta(hours=8)).hour * 60
    closed = Hours(opens=0, closes=60) if minute >= 180 else Hours(opens=1200, closes=1260)
    with changed(desk, hours=closed), pytest.raises(SealRefused, match="only in its hours"):
        desk.run(desk.desk.ask(letter(1)))


@pytest.mark.parametrize(("name", "said"), [(MANAGER, "manages it"), ("演示监督人", "audits it")])
def test_who_manages_or_audits_a_seal_does_not_use_it(desk_of_documents: Runner, name: str, said: str) -> None:
    person = Actor(name=name, scopes=DEPARTMENT.scopes)
    with pytest.raises(SealRefused, match=said):
        desk_of_documents.run(desk_of_documents.desk.ask(letter(1), actor=person))


@pytest.mark.long
def test_a_suspended_seal_makes_a_request_wait_and_no_key_is_used(desk_of_documents: Runner) -> None:
    desk = desk_of_documents
    asked = desk.run(desk.desk.ask(letter(1)))
    act(desk, SealAct.SUSPEND)
    try:
        with pytest.raises(SealRefused, match="suspended"):
            desk.run(desk.desk.work())
        assert desk.run(desk.desk.uses(asked.request.id)) == []
        with pytest.raises(SealRefused, match="suspended"):
            desk.run(desk.desk.ask(letter(1)))
    finally:
        act(desk, SealAct.RESUME)
    assert desk.run(desk.desk.work()) == 1
    assert desk.run(desk.desk.office.requests.request(asked.request.id)).state is State.DONE


def test_what_was_sealed_with_a_seal_that_was_suspended_meanwhile_is_not_put_on_record(
    desk_of_documents: Runner,
) -> None:
    desk = desk_of_documents
    request = desk.run(desk.desk.ask(letter(1))).request

    async def story() -> None:
        (seal,) = request.seals
        await desk.desk.office.requests.book_use(request, seal, ONE, datetime.now(UTC))
        await desk.desk.seals.act(
            SealActRequest(
                client="t", key=desk.desk.key(), seal_id=DOCUMENTS, act=SealAct.SUSPEND, actor=KEEPER, reason="试"
            ),
            datetime.now(UTC),
        )
        with pytest.raises(SealRefused, match="since its use was booked"):
            await desk.desk.office.requests.finish(request, ONE, (), datetime.now(UTC))

    desk.run(story())
    act(desk, SealAct.RESUME)
    desk.run(desk.desk.work())


def test_a_request_that_nobody_waits_for_is_never_signed(desk_of_documents: Runner) -> None:
    desk = desk_of_documents
    soon = datetime.now(UTC) + timedelta(milliseconds=1)
    over = desk.run(desk.desk.ask_signatures(ONE, good_until=soon + timedelta(seconds=1))).request
    given_up = desk.run(desk.desk.ask_signatures(TWO)).request
    desk.run(give_up(desk.desk.office, given_up.id, datetime.now(UTC)))
    desk.run(carry_out_request(desk.desk.sealer, over.id, soon + timedelta(minutes=1)))
    desk.run(desk.desk.work())
    for request in (over, given_up):
        found = desk.run(desk.desk.office.requests.request(request.id))
        assert (found.state, found.failure.code, found.signatures) == (State.FAILED, "not_in_time", ())
        assert desk.run(desk.desk.uses(request.id)) == []


def test_a_seal_made_while_the_office_runs_needs_no_restart(desk_of_documents: Runner) -> None:
    """The flaw: the rehearsal knew only the seals of when the office was started."""
    desk, now = desk_of_documents, datetime.now(UTC)
    known = desk.run(desk.desk.seals.seal(DOCUMENTS, now)).seal
    new = replace(known, id="market-newer", people=MADE_UP)
    desk.run(PostgresRegister(desk.desk.pool).enrol_seals([new], now))
    SealKeys(desk.desk.keys).make(new, now)
    request = desk.run(desk.desk.ask(letter(1), (new.id, Rule.LAST_PAGE_BOTTOM_RIGHT))).request
    desk.run(desk.desk.work())
    assert desk.run(desk.desk.office.requests.request(request.id)).state is State.DONE


def test_a_document_that_waited_in_vain_is_not_told_to_authorise(desk_of_documents: Runner) -> None:
    """The flaw: it was answered in the words for signatures."""
    desk = desk_of_documents
    request = desk.run(desk.desk.ask(letter(1))).request
    desk.run(carry_out_request(desk.desk.sealer, request.id, request.good_until))
    failure = desk.run(desk.desk.office.requests.request(request.id)).failure
    assert failure.code == "not_in_time" and "7 days" in failure.en and "authorise" not in failure.en
    assert desk.run(desk.desk.uses(request.id)) == []
    desk.run(desk.desk.work())


def test_a_person_has_to_approve_where_the_seal_says_so(desk_of_documents: Runner) -> None:
    desk = desk_of_documents
    office = replace(desk.desk.office, needs_approval=lambda seal, actor: seal.id == HEALTH)
    strict = replace(desk.desk, office=office)
    with pytest.raises(Forbidden, match="has to approve"):
        desk.run(strict.ask(letter(1), (HEALTH, Rule.LAST_PAGE_BOTTOM_RIGHT)))


def test_a_seal_never_changes_between_certificates_and_documents(desk_of_documents: Runner) -> None:
    known = {
        seal_id: rules_of(desk_of_documents.run(desk_of_documents.desk.seals.seal(seal_id, datetime.now(UTC))).seal)
        for seal_id in (DOCUMENTS, CERTIFICATES)
    }
    with pytest.raises(ActNotAllowed, match="have another seal made"):
        change(desk_of_documents, DOCUMENTS, replace(known[DOCUMENTS], certificate_types=frozenset({"food-business"})))
    with pytest.raises(ActNotAllowed, match="have another seal made"):
        change(desk_of_documents, CERTIFICATES, replace(known[CERTIFICATES], certificate_types=frozenset()))


# Past our own code, to the database itself.


async def _direct(desk: Runner, *statements: tuple[str, tuple[object, ...]]) -> None:
    async with desk.desk.pool.transaction() as connection:
        for statement, values in statements:
            await connection.execute(statement, *values)


def _request(name: str, seal_id: str) -> list[tuple[str, tuple[object, ...]]]:
    now = datetime.now(UTC)
    return [(REQUEST, (name, name, ONE, ONE, now, now + timedelta(hours=1))), (PLACE, (name, seal_id))]


def test_the_database_books_no_use_for_a_document_under_a_seal_that_is_bound_to_types(
    desk_of_documents: Runner,
) -> None:
    name = "a" * 26
    with pytest.raises(StoreError, match="not_for_documents"):
        desk_of_documents.run(
            _direct(
                desk_of_documents,
                *_request(name, CERTIFICATES),
                (USE, (name, CERTIFICATES, datetime.now(UTC), ONE)),
            )
        )


def test_the_database_books_nothing_but_what_the_request_says(desk_of_documents: Runner) -> None:
    name, now = "b" * 26, datetime.now(UTC)
    desk_of_documents.run(_direct(desk_of_documents, *_request(name, DOCUMENTS)))
    for seal, digest, said in ((HEALTH, ONE, "as the request says"), (DOCUMENTS, TWO, "nothing is signed but")):
        with pytest.raises(StoreError, match=said):
            desk_of_documents.run(_direct(desk_of_documents, (USE, (name, seal, now, digest))))
    both = """insert into seal_use (slot, ref, request_id, seal_id, layout, actor, intended_at, digest)
        values (0, '\\x00000000000000000000', $1, $2, 'x', 'y', $3, $4)"""
    with pytest.raises(StoreError, match="for_a_certificate_or_a_request"):
        desk_of_documents.run(_direct(desk_of_documents, (both, (name, DOCUMENTS, now, ONE))))
    neither = """insert into seal_use (seal_id, layout, actor, intended_at, digest, page, x_mm, y_mm)
        values ($1, 'x', 'y', $2, $3, 1, 1, 1)"""
    with pytest.raises(StoreError):
        desk_of_documents.run(_direct(desk_of_documents, (neither, (DOCUMENTS, now, ONE))))


def test_the_database_ends_a_request_once_and_never_without_the_use_of_its_seals(desk_of_documents: Runner) -> None:
    name, now = "c" * 26, datetime.now(UTC)
    done = "update sealing_request set state = 'done', finished_at = $2, signatures = $3 where id = $1"
    desk_of_documents.run(_direct(desk_of_documents, *_request(name, DOCUMENTS)))
    with pytest.raises(StoreError, match="without a use"):
        desk_of_documents.run(_direct(desk_of_documents, (done, (name, now, b"x"))))
    desk_of_documents.run(_direct(desk_of_documents, (USE, (name, DOCUMENTS, now, ONE)), (done, (name, now, b"x"))))
    for statement in (
        "update sealing_request set state = 'failed', failure = '{}' where id = $1",
        "update sealing_request set digests = sha256('x') where id = $1",
        "delete from sealing_request where id = $1",
        "delete from sealing_place where request_id = $1",
        "delete from seal_use where request_id = $1",
    ):
        with pytest.raises(StoreError):
            desk_of_documents.run(_direct(desk_of_documents, (statement, (name,))))


# Signature activation data: single use, for one client, one seal and exactly its digests, for five minutes.


def sign_with(desk: Runner, sad: str, *digests: bytes, **more: Any) -> Any:
    """Ask for signatures under this authorisation."""
    return desk.run(desk.desk.ask_signatures(*digests, authorization=hash_of(sad), **more))


def leave(desk: Runner, *digests: bytes, now: datetime | None = None) -> str:
    """Leave to sign these."""
    when = now or datetime.now(UTC)
    return str(desk.run(authorize(desk.desk.office, DEPARTMENT, DOCUMENTS, digests, when))[0])


def test_sad_is_good_once(desk_of_documents: Runner) -> None:
    sad = leave(desk_of_documents, ONE)
    sign_with(desk_of_documents, sad, ONE)
    with pytest.raises(AuthorizationRefused):
        sign_with(desk_of_documents, sad, ONE)
    desk_of_documents.run(desk_of_documents.desk.work())


def test_sad_is_not_good_for_other_digests(desk_of_documents: Runner) -> None:
    for asked in ((TWO,), (ONE, TWO), (TWO, ONE), ()):
        sad = leave(desk_of_documents, *((ONE,) if asked != (TWO, ONE) else (ONE, TWO)))
        if asked:
            with pytest.raises(AuthorizationRefused):
                sign_with(desk_of_documents, sad, *asked)


def test_sad_is_not_good_for_another_client_or_seal(desk_of_documents: Runner) -> None:
    sad = leave(desk_of_documents, ONE)
    with pytest.raises(AuthorizationRefused):
        sign_with(desk_of_documents, sad, ONE, actor=Actor(name="other-system", scopes=DEPARTMENT.scopes))
    with pytest.raises(AuthorizationRefused):
        sign_with(desk_of_documents, sad, ONE, seal=HEALTH)
    sign_with(desk_of_documents, sad, ONE)
    desk_of_documents.run(desk_of_documents.desk.work())


def test_sad_is_not_good_after_five_minutes_nor_made_up(desk_of_documents: Runner) -> None:
    sad = leave(desk_of_documents, ONE, now=datetime.now(UTC) - timedelta(minutes=5, seconds=1))
    for wrong in (sad, "made up", ""):
        with pytest.raises(AuthorizationRefused):
            sign_with(desk_of_documents, wrong, ONE)


def test_sad_is_kept_as_a_hash_alone(desk_of_documents: Runner) -> None:
    sad = leave(desk_of_documents, ONE)
    rows = desk_of_documents.run(desk_of_documents.desk.fetch("select * from signing_authorization"))
    assert hash_of(sad) in [row["sad_hash"] for row in rows]
    assert sad not in repr(rows)


def test_a_refused_signature_uses_up_no_authorisation(desk_of_documents: Runner) -> None:
    """What is refused by the seal's rules may be asked again with the same leave."""
    sad = leave(desk_of_documents, ONE)
    with changed(desk_of_documents, daily_quota=0), pytest.raises(SealRefused):
        sign_with(desk_of_documents, sad, ONE, output=Output.RAW)
    sign_with(desk_of_documents, sad, ONE)
    desk_of_documents.run(desk_of_documents.desk.work())


def test_the_database_uses_an_authorisation_for_nothing_else(desk_of_documents: Runner) -> None:
    sad, name = leave(desk_of_documents, TWO), "d" * 26
    desk_of_documents.run(_direct(desk_of_documents, *_request(name, DOCUMENTS)))
    use = "update signing_authorization set request_id = $2 where sad_hash = $1"
    with pytest.raises(StoreError, match="one client, one seal"):
        desk_of_documents.run(_direct(desk_of_documents, (use, (hash_of(sad), name))))
