"""Evidence from the browser to the database: added, looked at, removed, erased; by whom, when, and never past that."""

import re
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_accounts"))
from evidence_files import pdf, photo
from evidence_room import AUDITOR, STRANGER, EvidenceRoom, picture_of
from hypothesis import given
from hypothesis import strategies as st
from village_people import APPROVER, CLERK, NOW, SECOND, act, member, opened, submitted

from certsvc.custody.payloads import open_payload_cipher
from certsvc.domain.evidence import (
    JPEG,
    LONGEST_NAME,
    MOST_EVIDENCE,
    MOST_FILE,
    DrawnEvidence,
    EvidenceKind,
    NewEvidence,
    SealedPart,
    new_evidence_id,
    parse_evidence_name,
)
from certsvc.domain.proof_acts import ProofAct
from certsvc.domain.proof_request import ProofRequest, hash_of_code
from certsvc.errors import ActNotAllowed, EvidenceRefused, Forbidden, InvalidInput, NotFound
from certsvc.ids import new_progress_code
from certsvc.issuance.village.evidence import Brought, attach, attach_by_code, detach_by_code, evidence_of
from certsvc.store.data_keys import SOURCES, Encrypted

pytest_plugins = ["account_fixtures", "evidence_fixtures"]


def listed(room: EvidenceRoom, request: ProofRequest) -> Any:
    """Its evidence, as the register has it now."""
    return room.room.run(evidence_of(room.work, request))


def now_of(room: EvidenceRoom, request: ProofRequest) -> ProofRequest:
    """A request as it stands."""
    return room.room.run(room.requests.request(request.id))


def test_a_clerk_adds_a_photo_and_a_pdf_others_look_at_them_and_it_is_on_record(evidence_room: EvidenceRoom) -> None:
    room, request = evidence_room, evidence_room.opened("added")
    clerk = room.browser(CLERK)
    assert "没有附件" in clerk.get(clerk.address(request)).text
    answer = clerk.add(request, file_name="/home/周某/户口簿.jpg")
    assert (answer.status_code, answer.headers["location"]) == (303, clerk.address(request) + "?done=added#evidence")
    answer = clerk.add(request, pdf(2), "扫描.pdf", accept="application/json", name="水费单 <b>&")
    assert answer.json() == {"version": request.version + 2}
    first, second = listed(room, request)
    assert (first.name, first.kind, first.pages, first.person) == ("户口簿", EvidenceKind.PHOTO, 1, CLERK)
    assert (second.name, second.kind, second.pages) == ("水费单 <b>&", EvidenceKind.PDF, 2)
    assert now_of(room, request).version == second.version == request.version + 2
    page = clerk.get(clerk.address(request)).text
    assert page.count("<img") == 2 and "水费单 &lt;b&gt;&amp;" in page and "<b>&" not in page.replace("<b>水", "")
    for name in (CLERK, APPROVER, AUDITOR):
        reader = room.browser(name)
        for number, evidence in ((0, first), (1, first), (2, second)):
            shown = reader.get(reader.address(request, f"/{evidence.id}/{number}"))
            assert picture_of(shown).size[0] > 100
            assert shown.headers["content-security-policy"].startswith("default-src 'none'; sandbox")
            assert shown.headers["x-content-type-options"] == "nosniff" and shown.headers["cache-control"] == "no-store"
            assert shown.headers["content-disposition"].startswith("inline")
        assert reader.get(reader.address(request, f"/{second.id}/3")).status_code == 404
        assert ("data-evidence" in reader.get(reader.address(request)).text) == (name == CLERK)
    views = room.room.rows(
        "select actor from audit where action = 'view_proof_request' and detail->>'request' = $1", request.id
    )
    assert sorted(row["actor"] for row in views) == sorted([APPROVER] * 2 + [AUDITOR] * 2), "thumbnails are no reading"


def test_the_same_form_twice_adds_once_and_a_stale_one_nothing(evidence_room: EvidenceRoom) -> None:
    room, request = evidence_room, evidence_room.opened("twice")
    clerk = room.browser(CLERK)
    for _ in range(2):
        assert clerk.add(request, key="the same key for both", seen=str(request.version)).status_code == 303
    assert len(listed(room, request)) == 1
    other = clerk.add(request, photo(colour="#00f"), key="the same key for both", seen=str(request.version))
    assert other.status_code == 422 and 'role="alert"' in other.text
    stale = clerk.add(request, seen=str(request.version), name="第二次")
    assert stale.status_code == 412 and 'value="第二次"' in stale.text and 'href="#file"' in stale.text
    assert len(listed(room, request)) == 1


REFUSED: dict[str, tuple[dict[str, Any], int]] = {
    "nothing_chosen": ({"file_name": ""}, 400),
    "empty": ({"content": b""}, 400),
    "html": ({"content": b"<script>alert(1)</script>"}, 422),
    "too_large": ({"content": JPEG + bytes(MOST_FILE)}, 413),
    "name_too_long": ({"fields": {"name": "长" * 61}}, 400),
    "no_key": ({"fields": {"key": ""}}, 400),
    "no_version": ({"fields": {"seen": "-1"}}, 400),
    "wrong_token": ({"fields": {"form_token": "another"}}, 403),
    "another_site": ({"site": "cross-site"}, 403),
}


@pytest.mark.parametrize("flaw", REFUSED)
def test_what_is_wrong_with_a_form_is_said_and_nothing_is_kept(evidence_room: EvidenceRoom, flaw: str) -> None:
    room, request = evidence_room, evidence_room.opened(f"refused {flaw}")
    changed, status = REFUSED[flaw]
    fields = changed.get("fields", {})
    more = {name: value for name, value in changed.items() if name != "fields"}
    answer = room.browser(CLERK).add(request, **more, **fields)
    assert answer.status_code == status, answer.text[:2000]
    assert (listed(room, request), now_of(room, request).version) == ((), request.version)


def test_only_its_clerk_adds_and_nobody_else_learns_that_it_is_there(evidence_room: EvidenceRoom) -> None:
    room, request = evidence_room, evidence_room.opened("whose")
    assert room.browser(CLERK).add(request).status_code == 303
    (evidence,) = listed(room, request)
    current = now_of(room, request)
    for name in (APPROVER, AUDITOR):
        someone = room.browser(name)
        assert someone.add(current).status_code == 403
        assert someone.remove(current, evidence.id, seen=str(current.version)).status_code == 403
    stranger = room.browser(STRANGER)
    own = replace(current, organ=room.room.run(member(room.room.pool, STRANGER, _organ_of(room, STRANGER))).organ.uscc)
    for asked in (current, own):
        for address in ("", f"/{evidence.id}", f"/{evidence.id}/1"):
            assert stranger.get(stranger.address(asked, address)).status_code == 404
        assert stranger.add(asked).status_code == 404
        assert stranger.remove(asked, evidence.id, seen=str(asked.version)).status_code == 404
    another = room.opened("another")
    clerk = room.browser(CLERK)
    assert clerk.get(clerk.address(another, f"/{evidence.id}/1")).status_code == 404
    assert clerk.remove(another, evidence.id, seen=str(another.version)).status_code == 404
    assert now_of(room, another).version == another.version and len(listed(room, request)) == 1


def _organ_of(room: EvidenceRoom, name: str) -> Any:
    (row,) = room.room.rows(
        "select organ from appointment p join account a on a.id = p.account where a.name = $1", name
    )
    return row["organ"]


def test_what_is_removed_is_gone_and_that_it_was_there_stays(evidence_room: EvidenceRoom) -> None:
    room, request = evidence_room, evidence_room.opened("removed")
    clerk = room.browser(CLERK)
    clerk.add(request)
    (evidence,) = listed(room, request)
    for _ in range(2):
        assert clerk.remove(request, evidence.id, seen=str(evidence.version)).status_code == 303
    assert listed(room, request) == () and clerk.get(clerk.address(request, f"/{evidence.id}/1")).status_code == 404
    assert room.room.rows("select from proof_evidence_page where evidence = $1", evidence.id) == []
    events = room.room.run(room.requests.events(request.id))
    assert [(one.act, one.person) for one in events[-2:]] == [(ProofAct.ATTACH, CLERK), (ProofAct.DETACH, CLERK)]


def test_ten_are_enough(evidence_room: EvidenceRoom) -> None:
    room, request = evidence_room, evidence_room.opened("ten")
    clerk = room.browser(CLERK)
    for number in range(MOST_EVIDENCE):
        assert clerk.add(request, photo(size=(40, 30)), name=f"{number}").status_code == 303
    current = now_of(room, request)
    page = clerk.get(clerk.address(request)).text
    assert "data-evidence" not in page and "不能再加" in page
    assert clerk.add(current).status_code == 409
    asked = act(current, ProofAct.ATTACH, CLERK)
    new = _new(room)
    with pytest.raises(ActNotAllowed, match="at most 10"):
        room.room.run(room.evidence.attach(asked, new, NOW))
    assert [one.name for one in listed(room, request)] == [str(number) for number in range(MOST_EVIDENCE)]


def test_who_adds_evidence_never_approves_and_what_is_submitted_stays_as_it_is(evidence_room: EvidenceRoom) -> None:
    room = evidence_room
    request = room.room.run(submitted(room.requests, "submitted"))
    clerk = room.browser(CLERK)
    assert clerk.add(request, seen=str(request.version)).status_code == 409
    assert "data-evidence" not in clerk.get(clerk.address(request)).text
    draft = room.opened("by the second")
    room.browser(SECOND).add(draft)
    assert len(room.room.run(room.requests.makers(draft.id))) == 2
    assert room.room.rows("select is_maker($1, id) as is from account where name = $2", draft.id, SECOND)[0]["is"]


def test_a_resident_adds_and_removes_by_the_code_but_not_at_the_counter(evidence_room: EvidenceRoom) -> None:
    room, code, here = evidence_room, new_progress_code(), datetime.now(UTC)
    online = room.room.run(opened(room.requests, "online", None, code_hash=hash_of_code(code)))
    brought = Brought("", "", photo())
    added = room.room.run(attach_by_code(room.work, room.drawer, code, brought, online.version, "k" * 16, here))
    (evidence,) = listed(room, added)
    assert (evidence.name, evidence.person, added.handler) == ("", "申请人", None)
    gone = room.room.run(detach_by_code(room.work, code, evidence.id, added.version, "l" * 16, here))
    assert listed(room, gone) == ()
    counter = new_progress_code()
    room.room.run(opened(room.requests, "counter", CLERK, code_hash=hash_of_code(counter)))
    with pytest.raises(Forbidden):
        room.room.run(attach_by_code(room.work, room.drawer, counter, brought, 1, "m" * 16, here))
    with pytest.raises(NotFound):
        room.room.run(attach_by_code(room.work, room.drawer, new_progress_code(), brought, 1, "m" * 16, here))


def test_what_a_taken_over_process_gives_in_stead_of_a_picture_is_not_kept(evidence_room: EvidenceRoom) -> None:
    class TakenOver:
        async def draw(self, content: bytes) -> DrawnEvidence:
            page = b"<script>alert(1)</script>"
            return DrawnEvidence(kind=EvidenceKind.PHOTO, thumbnail=JPEG + b"x", pages=(page,))

    room, request = evidence_room, evidence_room.opened("taken over")
    who = room.room.run(member(room.room.pool, CLERK, request.organ, datetime.now(UTC).date()))
    values = who, request.id, Brought("", "a.jpg", b"x"), request.version, "key of nobody here", datetime.now(UTC)
    with pytest.raises(EvidenceRefused):
        room.room.run(attach(room.work, TakenOver(), *values))
    assert listed(room, request) == ()


def test_it_lies_encrypted_moves_to_the_next_key_and_is_erased_with_its_request(
    evidence_room: EvidenceRoom, tmp_path: Path
) -> None:
    room, request = evidence_room, evidence_room.opened("erased")
    room.browser(CLERK).add(request, name="一个能认出来的名字")
    (evidence,) = listed(room, request)
    rows = room.room.rows(
        "select sealed from proof_evidence where id = $1"
        " union all select sealed from proof_evidence_page where evidence = $1",
        evidence.id,
    )
    assert len(rows) == 3
    assert all(JPEG not in row["sealed"] and "认出来".encode() not in row["sealed"] for row in rows)
    other = open_payload_cipher(tmp_path, {})

    def again(old: Encrypted) -> bytes:
        return other.encrypt(room.room.cipher.decrypt(old.sealed, old.context, old.key_id), old.context)

    async def move() -> None:
        async with room.room.pool.transaction() as connection:
            for read, write in (SOURCES["proof_evidence"], SOURCES["proof_evidence_page"]):
                place = None
                while rows := await connection.fetch(read, place, "data-9", 3):
                    for row in rows:
                        made = again(Encrypted(row["context"], row["sealed"], row["key_id"]))
                        await connection.execute(write, row["place"], row["key_id"], made, "data-9")
                    place = rows[-1]["place"]
                assert await connection.fetch(read, None, "data-9", 3) == [], "none was passed over"

    room.room.run(move())
    (row,) = room.room.rows(
        "select sealed, key_id from proof_evidence_page where evidence = $1 and page = 1", evidence.id
    )
    context = f"proof evidence {request.id} {evidence.id} 1".encode()
    assert row["key_id"] == "data-9" and other.decrypt(row["sealed"], context, "data-1").startswith(JPEG)
    current = now_of(room, request)
    withdrawn = room.room.run(room.requests.act(act(current, ProofAct.WITHDRAW, CLERK), None, datetime.now(UTC)))
    assert room.room.run(room.requests.erase(withdrawn.changed_at + timedelta(days=1), datetime.now(UTC))) >= 1
    assert listed(room, request) == ()
    assert room.room.rows("select from proof_evidence_page where evidence = $1", evidence.id) == []
    assert room.room.rows("select from proof_evidence where id = $1 and sealed is null", evidence.id) != []


DIRECT = {
    "without_its_act": (
        "insert into proof_evidence (id, request_id, version, kind, pages, sealed, key_id)"
        " values ('e-aaaaaaaaaaaaaaaaaaaa', $2, 1, 'photo', 1, $3, 'data-1')"
    ),
    "renamed": "update proof_evidence set sealed = $3 where id = $1 and $2 <> ''",
    "another_page_put_in_its_place": (
        "update proof_evidence_page set sealed = $3 where evidence = $1 and page = 1 and $2 <> ''"
    ),
    "a_page_more": (
        "insert into proof_evidence_page (evidence, page, sealed, key_id)"
        " select $1, 2, $3::bytea, 'data-1' where $2 <> ''"
    ),
    "a_page_less": "delete from proof_evidence_page where evidence = $1 and $2 <> '' and $3 <> ''::bytea",
    "deleted": "delete from proof_evidence where id = $1 and $2 <> '' and $3 <> ''::bytea",
    "emptied": (
        "update proof_evidence set sealed = null, key_id = null where id = $1 and $2 <> '' and $3 <> ''::bytea"
    ),
    "removed_without_its_act": (
        "update proof_evidence set removed_version = version + 1, sealed = null, key_id = null"
        " where id = $1 and $2 <> '' and $3 <> ''::bytea"
    ),
    "moved_to_another_request": (
        "update proof_evidence set request_id = (select min(id) from proof_request where id <> $2)"
        " where id = $1 and $3 <> ''::bytea"
    ),
    "an_act_without_evidence": (
        "insert into proof_request_event (request_id, version, act, state, account, person, at)"
        " select id, version + 1, 'attach', '', handler, $4, now() from proof_request"
        " where id = $2 and $1 <> '' and $3 <> ''::bytea"
    ),
}


@pytest.mark.parametrize("flaw", DIRECT)
def test_the_database_refuses_evidence_past_its_acts(evidence_room: EvidenceRoom, flaw: str) -> None:
    room, request = evidence_room, evidence_room.opened(f"direct {flaw}")
    room.browser(CLERK).add(request)
    (evidence,) = listed(room, request)
    values: list[object] = [evidence.id, request.id, bytes(64)]
    if "$4" in DIRECT[flaw]:
        values.append(CLERK)
    with pytest.raises(asyncpg.PostgresError):
        room.room.rows(DIRECT[flaw], *values)
    assert listed(room, request) == (evidence,)


def _new(room: EvidenceRoom) -> NewEvidence:
    part = SealedPart(bytes(64), room.room.cipher.key_id)
    return NewEvidence(id=new_evidence_id(), kind=EvidenceKind.PHOTO, name=part, pictures=(part, part))


@given(st.text(), st.text())
def test_a_name_is_one_line_that_can_be_shown_or_refused(typed: str, file_name: str) -> None:
    try:
        name = parse_evidence_name(typed, file_name)
    except InvalidInput:
        assert typed.strip()
        return
    assert len(name) <= LONGEST_NAME and name == " ".join(name.split()) and (name == "" or name.isprintable())
    assert not typed.split() or name == " ".join(typed.split())


def test_the_version_that_was_seen_tells_one_piece_from_none(evidence_room: EvidenceRoom) -> None:
    room, request = evidence_room, evidence_room.opened("digest")
    clerk = room.browser(CLERK)
    versions = {now_of(room, request).version}
    for _ in range(2):
        clerk.add(request)
        versions.add(now_of(room, request).version)
        assert listed(room, request)[-1].version == now_of(room, request).version
    assert len(versions) == 3


def test_no_name_and_no_person_stands_in_an_address(evidence_room: EvidenceRoom) -> None:
    room, request = evidence_room, evidence_room.opened("address")
    clerk = room.browser(CLERK)
    clerk.add(request, name="周某的户口簿")
    page = clerk.get(clerk.address(request)).text
    addresses = re.findall(r'(?:href|src|action)="([^"]+)"', page)
    assert not any("%E5" in each or "户口" in each for each in addresses)
    assert "周某" not in page[page.index("<title>") : page.index("</title>")]
