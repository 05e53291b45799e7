"""A proof opens to who has its paper: by what is printed there, five times an hour, each time on record."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest
from full_view_desk import WATER, Room, as_role, catalog, form, order, other_than, printed
from walked import Walks

from certsvc.domain.acts import Act
from certsvc.domain.full_view import LENGTH, TRIES, Viewer, context_of, digest_of, draw_characters, read_characters
from certsvc.domain.life import Ground
from certsvc.errors import CustodyError, NoTryLeft, RegisterUnavailable
from certsvc.http.desk.bundle import Desk
from certsvc.ids import CODE_ALPHABET, Ref, new_ref
from certsvc.issuance.act_command import ActCommand, do_act
from certsvc.issuance.full_view import Asked, FullViewing, open_full_view
from certsvc.issuance.prepare import open_payload
from certsvc.issuance.service import Arrow
from certsvc.store.full_view import OldFullViews, PostgresFullViews
from certsvc.store.pool import open_pool
from certsvc.store.register import PostgresRegister

pytest_plugins = ["walk_fixtures"]

VIEWER = Viewer(office="云岗镇供水公司", purpose="办理阶梯水费", network=bytes(32))


@pytest.fixture(scope="module")
def room(walks: Walks) -> Room:
    return Room(walks)


# ---- what opens it ----


def test_what_is_printed_opens_the_proof_once_and_nothing_of_it_may_be_kept(room: Room) -> None:
    proof = room.issue("opens")
    masked = room.post(proof.ref.typed_code, characters=other_than(room.characters(proof)))
    answer = room.post(proof.ref.typed_code, characters=room.characters(proof).lower())
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    assert answer.text.index("<h1") < answer.text.index('id="whole"')
    row = re.search(r"公民身份号码</dt><dd>(.*?)</dd>", answer.text)
    assert row is not None and re.sub("<[^>]*>", "", row[1]) in room.walks.desk.run(_payload(room, proof.ref))
    assert "公民身份号码</dt>" not in masked.text
    assert room.characters(proof) not in answer.text


async def _payload(room: Room, ref: Ref) -> list[str]:
    async with room.walks.desk.issuing(room.walks.settings, room.walks.uri) as issuing:
        found = open_payload(issuing, await issuing.register.reservation(ref))
        return [str(value) for value in found.values()]


def test_the_characters_are_of_the_alphabet_of_typed_codes_and_read_as_people_type_them() -> None:
    drawn = {draw_characters() for _ in range(200)}
    assert len(drawn) > 195 and all(len(each) == LENGTH and set(each) <= set(CODE_ALPHABET) for each in drawn)
    assert read_characters(" 7k3-m9q ") == "7K3M9Q" and read_characters("oIl000") == "011000"
    for typed in ("", "7K3M9", "7K3M9QQ", "7K3M9U", "７Ｋ３Ｍ９Ｑ", "7K3M9ſ", "x" * 10_000):
        assert read_characters(typed) is None


@pytest.mark.long
def test_every_issue_prints_characters_of_its_own_and_the_attached_data_has_none(room: Room) -> None:
    papers = [room.paper(room.issue(f"own {number}")) for number in range(2)]
    first, second = (printed(paper) for paper in papers)
    assert first != second
    assert all(code.encode() not in paper for code, paper in zip((first, second), papers, strict=True))


def test_only_the_new_versions_of_proofs_print_them(room: Room) -> None:
    assert not catalog().version(WATER, 1).prints_full_view(None)
    for kind in catalog():
        assert kind.prints_full_view(None) is (kind.category == "proof" and kind.version > 1), kind.id
        assert not kind.prints_full_view("external")


@pytest.mark.long
def test_a_walk_that_was_killed_prints_others_and_those_on_the_paper_open(room: Room, walks: Walks) -> None:
    asked = order("killed")
    steps = walks.arrows(order("counted")).index(Arrow.SEALED) + 1
    walks.issue_and_die(asked, steps)
    assert walks.resume() == 1
    proof = walks.issue(asked)
    assert room.post(proof.ref.typed_code, characters=room.characters(proof)).status_code == 200


# ---- what does not ----


@pytest.mark.long
def test_wrong_characters_unknown_proofs_and_certificates_without_any_are_answered_alike(room: Room) -> None:
    proof = room.issue("alike")
    (permit,) = room.walks.rows("select ref from certificate where category = 'permit' limit 1")
    codes = [proof.ref, new_ref(), Ref(int.from_bytes(permit["ref"], "big"))]
    answers = [
        (ref.typed_code, room.post(ref.typed_code, characters=typed))
        for ref, typed in zip(codes, (other_than(room.characters(proof)), "7K3M9Q", "7K3M9Q"), strict=True)
    ]
    answers.append((proof.ref.typed_code, room.post(proof.ref.typed_code, characters="!")))
    assert {answer.status_code for _, answer in answers} == {403}
    assert len({answer.text.replace(code, "") for code, answer in answers}) == 1
    assert len({answer.headers["content-length"] for _, answer in answers}) == 1


@pytest.mark.long
def test_the_characters_of_one_proof_do_not_open_another(room: Room) -> None:
    one, other = room.issue("one"), room.issue("other")
    assert room.post(one.ref.typed_code, characters=room.characters(other)).status_code == 403
    assert digest_of(one.ref, "7K3M9Q") != digest_of(other.ref, "7K3M9Q")


@pytest.mark.long
def test_what_is_missing_is_said_at_its_field_and_is_no_try(room: Room) -> None:
    proof = room.issue("missing")
    answer = room.post(proof.ref.typed_code, office="", purpose="a\x07b")
    assert answer.status_code == 400 and not room.events(proof.ref)
    assert 'id="full-office-error"' in answer.text and 'id="full-purpose-error"' in answer.text
    assert answer.text.count('aria-invalid="true"') == 2 and 'value="000000"' not in answer.text
    long = room.post(proof.ref.typed_code, office="长" * 101)
    assert long.status_code == 400 and 'id="full-office-error"' in long.text


@pytest.mark.long
def test_a_page_opened_by_its_address_shows_the_masked_result(room: Room) -> None:
    code = room.issue("address").ref.typed_code

    async def work(desk: Desk, client: httpx.AsyncClient) -> httpx.Response:
        return await client.get(f"/C/{code}/full?lang=en")

    answer = room.run(work)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/C/{code}?lang=en#full")


@pytest.mark.long
def test_a_program_gets_json(room: Room) -> None:
    proof = room.issue("json")
    opened = room.post(proof.ref.typed_code, "application/json", characters=room.characters(proof)).json()
    assert opened["verdict"] == "valid" and any(field["key"] == "applicant_id" for field in opened["full_view"])
    refused = room.post(proof.ref.typed_code, "application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "full_view_refused")


# ---- five tries an hour ----


@pytest.mark.long
def test_the_sixth_try_is_refused_even_with_the_right_characters_and_says_when_there_is_one(room: Room) -> None:
    proof = room.issue("five")
    for _ in range(TRIES):
        assert room.post(proof.ref.typed_code, characters=other_than(room.characters(proof))).status_code == 403
    for _ in range(3):
        late = room.post(proof.ref.typed_code, characters=room.characters(proof))
        assert late.status_code == 429 and 3500 < int(late.headers["retry-after"]) <= 3600
        assert 'name="characters"' not in late.text
    assert [event["kind"] for event in room.events(proof.ref)] == ["tried"] * TRIES + ["refused"]


@pytest.mark.long
def test_an_hour_later_there_is_one_try_again(room: Room) -> None:
    proof, now = room.issue("hour"), datetime.now(UTC)

    async def story() -> None:
        async with open_pool(room.desk_uri) as pool:
            views = PostgresFullViews(pool)
            for minute in (0, 10, 20, 30, 40):
                assert await views.begin(proof.ref, VIEWER, now + timedelta(minutes=minute)) is not None
            with pytest.raises(NoTryLeft) as caught:
                await views.begin(proof.ref, VIEWER, now + timedelta(minutes=50))
            assert caught.value.retry_after == 600
            assert await views.begin(proof.ref, VIEWER, now + timedelta(minutes=60)) is not None
            with pytest.raises(NoTryLeft):
                await views.begin(proof.ref, VIEWER, now)  # a clock that goes back opens nothing

    asyncio.run(story())


@pytest.mark.long
def test_twenty_tries_at_once_are_five(room: Room) -> None:
    proof = room.issue("at once")

    async def story() -> list[object]:
        async with open_pool(room.desk_uri, most=20) as pool:
            views, now = PostgresFullViews(pool), datetime.now(UTC)
            tries = (views.begin(proof.ref, VIEWER, now) for _ in range(20))
            return list(await asyncio.gather(*tries, return_exceptions=True))

    came = asyncio.run(story())
    assert sum(isinstance(each, NoTryLeft) for each in came) == 15
    assert [event["kind"] for event in room.events(proof.ref)].count("tried") == TRIES


@pytest.mark.long
def test_who_writes_past_the_program_has_five_tries_as_well_and_takes_none_back(room: Room) -> None:
    proof = room.issue("directly")
    insert = """insert into full_view_event (slot, ref, kind, at, office, purpose, network)
        values ($1, $2, 'tried', now(), 'x', 'x', sha256('x')) returning id"""
    where = proof.ref.slot, proof.ref.to_bytes()
    with as_role(room.desk_uri) as run:
        for _ in range(TRIES):
            run(insert, *where)
        with pytest.raises(asyncpg.CheckViolationError, match="five tries"):
            run(insert, *where)
        for statement in ("delete from full_view_event", "update full_view_event set at = at - interval '1 day'"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                run(statement)
        for statement in ("select sealed_payload from certificate", "select * from full_view", "select * from holder"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                run(statement)
    with as_role(room.walks.uri) as run:
        for statement in (
            "delete from full_view_event",
            "update full_view_event set at = at - interval '1 day'",
            "delete from full_view",
            "truncate full_view_event",
        ):
            with pytest.raises(asyncpg.RestrictViolationError):
                run(statement)


@pytest.mark.long
def test_tries_are_not_counted_in_transactions_that_do_not_see_the_last_one(room: Room) -> None:
    proof = room.issue("snapshot")

    async def story() -> None:
        connection = await asyncpg.connect(room.desk_uri)
        try:
            async with connection.transaction(isolation="repeatable_read"):
                await connection.execute(
                    """insert into full_view_event (slot, ref, kind, at, office, purpose, network)
                    values ($1, $2, 'tried', now(), 'x', 'x', sha256('x'))""",
                    proof.ref.slot,
                    proof.ref.to_bytes(),
                )
        finally:
            await connection.close()

    with pytest.raises(asyncpg.RestrictViolationError):
        asyncio.run(story())


@pytest.mark.long
def test_one_address_may_try_ten_times_a_minute_whichever_proofs(room: Room) -> None:
    async def work(desk: Desk, client: httpx.AsyncClient) -> list[httpx.Response]:
        return [await client.post(f"/C/{new_ref().typed_code}/full", data=form()) for _ in range(12)]

    answers = room.run(work)
    assert [answer.status_code for answer in answers] == [403] * 10 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) >= 1


# ---- what is on record ----


@pytest.mark.long
def test_a_view_is_on_record_with_who_and_why_and_the_next_reader_sees_it(room: Room) -> None:
    proof = room.issue("on record")
    room.post(proof.ref.typed_code, characters=other_than(room.characters(proof)))
    first = room.post(proof.ref.typed_code, characters=room.characters(proof), office="云岗镇政府", purpose="低保复核")
    tried, again, viewed = room.events(proof.ref)
    assert [each["kind"] for each in (tried, again, viewed)] == ["tried", "tried", "viewed"]
    assert viewed["tried"] == again["id"] and viewed["office"] == "云岗镇政府" and viewed["purpose"] == "低保复核"
    assert len(viewed["network"]) == 32 and b"127.0.0.1" not in viewed["network"]
    assert "低保复核" not in first.text and "有 1 次没有打开" in first.text
    second = room.post(proof.ref.typed_code, characters=room.characters(proof))
    assert "云岗镇政府" in second.text and "低保复核" in second.text


@pytest.mark.long
def test_what_viewers_write_is_text(room: Room) -> None:
    proof = room.issue("markup")
    for _ in range(2):
        answer = room.post(proof.ref.typed_code, characters=room.characters(proof), office="<script>alert(1)</script>")
    assert "&lt;script&gt;alert(1)" in answer.text and "<script>alert" not in answer.text


class Stopping(PostgresFullViews):
    """Dies between what is tried and what is shown."""

    async def note_view(self, *_: object) -> None:
        raise RegisterUnavailable("断了。", "Broken off.")


@pytest.mark.long
def test_a_process_that_dies_on_the_way_leaves_the_try_on_record_and_shows_nothing(room: Room) -> None:
    proof = room.issue("dies")
    typed = room.characters(proof)

    async def work(desk: Desk, client: httpx.AsyncClient) -> None:
        asked = Asked(characters=typed, office="x", purpose="y", address="z")
        async with open_pool(room.desk_uri) as pool:
            stopping = FullViewing(catalog=catalog(), views=Stopping(pool), cipher=desk.full_views.cipher)
            with pytest.raises(RegisterUnavailable):
                await open_full_view(stopping, proof.ref, asked, datetime.now(UTC))

    room.run(work)
    assert [event["kind"] for event in room.events(proof.ref)] == ["tried"]


@pytest.mark.long
def test_what_is_kept_is_a_hash_under_the_data_key_bound_to_the_proof(room: Room) -> None:
    proof, other = room.issue("kept"), room.issue("kept elsewhere")
    (row,) = room.walks.rows("select * from full_view where ref = $1", proof.ref.to_bytes())
    typed = room.characters(proof)

    async def work(desk: Desk, client: httpx.AsyncClient) -> None:
        cipher = await desk.full_views.cipher()
        assert cipher is not None
        kept = cipher.decrypt(row["sealed_digest"], context_of(proof.ref), row["key_id"])
        assert kept == digest_of(proof.ref, typed)
        for context in (context_of(other.ref), proof.ref.to_bytes()):
            with pytest.raises(CustodyError):
                cipher.decrypt(row["sealed_digest"], context, row["key_id"])

    room.run(work)


@pytest.mark.long
def test_tries_and_views_go_after_three_years_and_not_before(room: Room) -> None:
    proof, long_ago = room.issue("purged"), datetime.now(UTC) - timedelta(days=4 * 366)

    async def story() -> None:
        async with open_pool(room.walks.uri) as pool:
            views, old = PostgresFullViews(pool), OldFullViews(pool)
            first = await views.begin(proof.ref, VIEWER, long_ago)
            assert first is not None
            await views.note_view(proof.ref, first.number, VIEWER, long_ago + timedelta(seconds=1))
            await views.begin(proof.ref, VIEWER, datetime.now(UTC))
            await old.purge(datetime.now(UTC))

    asyncio.run(story())
    assert [event["kind"] for event in room.events(proof.ref)] == ["tried"]


# ---- a proof that is at its end ----


@pytest.mark.long
def test_the_state_of_a_proof_at_its_end_is_said_before_its_content(room: Room) -> None:
    proof = room.issue("withdrawn")
    ground = Ground(reason="情况变化", legal_basis="某规定", decision_number="石证〔2026〕1号")
    typed = ActCommand(act=Act.REVOKE, target=proof.ref.typed_code, by="one", confirmed_by="other", ground=ground)

    async def act() -> None:
        async with open_pool(room.walks.uri) as pool:
            await do_act(PostgresRegister(pool), catalog(), typed, datetime.now(UTC))

    asyncio.run(act())
    page = room.post(proof.ref.typed_code, characters=room.characters(proof)).text
    assert page.index('class="verdict bad"') < page.index('id="whole"') and "无效" in page
