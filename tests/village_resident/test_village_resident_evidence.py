"""A resident adds photos to what they sent in, with nothing but a browser, and no script; and what is on record from
the moment it is sent."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "issuance"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_desk"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_evidence"))
from desk_room import somebody
from evidence_files import multipart, photo
from resident_room import FOUR, RECEIVERS, VILLAGE, WATER, DeskRoom, Phone, hidden
from village_people import CLERK, PROOF

from certsvc.domain.calendar import beijing_date, weekdays_after
from certsvc.domain.evidence import JPEG, MOST_FILE
from certsvc.domain.proof_acts import ProofAct
from certsvc.domain.proof_request import ProofRequest, hash_of_code
from certsvc.errors import Forbidden, RegisterUnavailable
from certsvc.ids import ProgressCode
from certsvc.issuance.village.drafts import Opened, Opening
from certsvc.issuance.village.evidence import Brought, attach, evidence_of
from certsvc.issuance.village.handing import HandingOut, ask_online
from certsvc.issuance.village.work import Said, VillageWork, digest_of, request_to_act
from certsvc.render.evidence_pool import EvidencePictures
from certsvc.store.handing import PostgresHandings
from certsvc.store.pool import open_pool

pytest_plugins = ["walk_fixtures", "resident_fixtures"]

PROGRESS, EVIDENCE, ADD = "/apply/progress", "/apply/evidence", "/apply/evidence/add"
PICTURE = "data:image/jpeg;base64,"


def opens(phone: Phone, code: ProgressCode) -> dict[str, str]:
    """The form to add to a request, as it is shown."""
    page = phone.post(EVIDENCE, {"code": code, "four": FOUR})
    assert page.status_code == 200, page.text[-3000:]
    return hidden(page.text)


def adds(
    phone: Phone, form: dict[str, str], content: bytes, name: str = "", file_name: str | None = "IMG_1.jpg"
) -> httpx.Response:
    """Send that form with a file."""
    fields = {key: form[key] for key in ("code", "four", "seen", "form")} | {"name": name}
    body, kind = multipart(list(fields.items()), file_name, content)
    return phone.client.post(ADD, content=body, headers={"Content-Type": kind}, timeout=120)


def of_code(room: DeskRoom, code: ProgressCode) -> ProofRequest:
    """The request of a code."""

    async def story(work: VillageWork) -> ProofRequest:
        return await work.requests.of_code(hash_of_code(code))

    return room.tell(story)


def kept(room: DeskRoom, code: ProgressCode) -> list[tuple[str, str]]:
    """The evidence that a request has, and who added it."""

    async def story(work: VillageWork) -> list[tuple[str, str]]:
        found = await evidence_of(work, await work.requests.of_code(hash_of_code(code)))
        return [(one.name, one.person) for one in found]

    return room.tell(story)


@pytest.mark.long
def test_who_knows_the_last_four_adds_and_removes_and_the_code_alone_shows_no_picture(resident_room: DeskRoom) -> None:
    phone = Phone(resident_room)
    code = phone.asks()
    wrong = phone.post(EVIDENCE, {"code": code, "four": "0015"})
    assert wrong.status_code == 403 and "后四位不对" in wrong.text
    assert phone.post(EVIDENCE, {"code": "P-00000-00000-00000", "four": FOUR}).status_code == 404
    assert all(phone.get(path).headers["location"].startswith(PROGRESS) for path in (EVIDENCE, ADD))
    form = opens(phone, code)
    guessed = adds(phone, {**form, "four": "0016"}, photo())
    assert guessed.status_code == 403 and kept(resident_room, code) == [], "nothing is drawn for who only has the code"
    sent = [adds(phone, form, photo(), "水费单 <b>") for _ in range(2)]
    assert [one.status_code for one in sent] == [200, 200] and kept(resident_room, code) == [("水费单 <b>", "申请人")]
    assert PICTURE in sent[0].text and "水费单 &lt;b&gt;" in sent[0].text and "附件已添加" in sent[0].text
    assert sent[0].headers["cache-control"] == "no-store" and code not in str(sent[0].url)
    status = phone.post(PROGRESS, {"code": code})
    assert status.status_code == 200 and not any(each in status.text for each in (PICTURE, "水费单"))
    assert PICTURE not in phone.post(EVIDENCE, {"code": code, "four": "9999"}).text
    gone = {**hidden(sent[0].text), "remove": hidden(sent[0].text)["remove"]}
    for _ in range(2):
        removed = phone.post(EVIDENCE, gone)
        assert removed.status_code == 200 and "附件已删去" in removed.text and PICTURE not in removed.text
    assert kept(resident_room, code) == []


@pytest.mark.long
def test_what_is_wrong_with_a_file_is_said_and_code_and_name_stand_still(resident_room: DeskRoom) -> None:
    phone = Phone(resident_room)
    code = phone.asks()
    form = opens(phone, code)
    for content, file_name, status, said in (
        (b"", None, 400, "还没有选择"),
        (b"<script>alert(1)</script>", "a.jpg", 422, "照片"),
        (JPEG + bytes(MOST_FILE), "a.jpg", 413, "超过 8 MB"),
        (JPEG + bytes(2 * MOST_FILE), "a.jpg", 413, "超过 8 MB"),
    ):
        refused = adds(phone, form, content, "户口簿首页", file_name)
        assert refused.status_code == status and 'role="alert"' in refused.text and said in refused.text
        assert 'value="户口簿首页"' in refused.text and opens(phone, code)["seen"] == form["seen"]
        assert hidden(refused.text)["code"] == code and hidden(refused.text)["four"] == FOUR
    stale = adds(phone, {**form, "seen": "99"}, photo())
    assert stale.status_code == 412 and kept(resident_room, code) == []
    assert adds(phone, {**form, "form": "x"}, photo()).status_code == 400
    other = Phone(resident_room, **{"Sec-Fetch-Site": "cross-site"})
    assert adds(other, form, photo()).status_code == 403 == other.post(EVIDENCE, {"code": code}).status_code
    shown = phone.post(PROGRESS, {"code": code}).text
    phone.post(PROGRESS, {**hidden(shown), "code": code, "do": "withdraw", "four": FOUR, "sure": "yes"})
    assert adds(phone, form, photo()).status_code == 409 and kept(resident_room, code) == []


@pytest.mark.long
def test_what_the_clerk_has_added_a_resident_neither_sees_nor_removes(resident_room: DeskRoom) -> None:
    phone = Phone(resident_room)
    code = phone.asks()

    async def story(work: VillageWork) -> str:
        clerk, request = await somebody(work, CLERK, VILLAGE), await work.requests.of_code(hash_of_code(code))
        async with EvidencePictures() as drawer:
            brought = Brought("邻居的书面说明", "a.jpg", photo())
            await attach(work, drawer, clerk, request.id, brought, request.version, "by the clerk", datetime.now(UTC))
        return (await evidence_of(work, request))[0].id

    theirs = resident_room.tell(story)
    page = phone.post(EVIDENCE, {"code": code, "four": FOUR})
    assert PICTURE not in page.text and "邻居" not in page.text and "另外添加了 1 件" in page.text
    refused = phone.post(EVIDENCE, {**hidden(page.text), "remove": theirs})
    assert refused.status_code == 403 and kept(resident_room, code) == [("邻居的书面说明", CLERK)]

    async def past_the_use_case(work: VillageWork) -> None:
        request = await work.requests.of_code(hash_of_code(code))
        act = request_to_act(ProofAct.DETACH, request.id, None, request.version, "past", digest_of("past"))
        await work.evidence.detach(act, theirs, datetime.now(UTC))

    with pytest.raises(Forbidden):
        resident_room.tell(past_the_use_case)
    assert len(kept(resident_room, code)) == 1


@pytest.mark.long
def test_an_online_request_is_due_like_one_at_the_counter_and_whom_it_tells_is_on_record_with_it_or_not_at_all(
    resident_room: DeskRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(2026, 11, 27, 15, 59, tzinfo=UTC)
    asked = Opening(key="drawn at random, twice", type_id=PROOF, said=Said(payload={"applicant": "周桂芳"}))

    async def ask(work: VillageWork, when: datetime) -> Opened:
        async with open_pool(resident_room.uri) as pool:
            out = HandingOut(work=work, handings=PostgresHandings(pool), receivers=RECEIVERS)
            return await ask_online(out, VILLAGE, asked, WATER.id, when)

    def count() -> int:
        return len(resident_room.rows("select from proof_request"))

    async def killed(*_: object) -> None:
        raise ConnectionError

    before = count()
    with monkeypatch.context() as patch:
        patch.setattr("certsvc.store.proof_requests.choose_in", killed)
        with pytest.raises(RegisterUnavailable):
            resident_room.tell(lambda work: ask(work, now))
    assert count() == before
    first = resident_room.tell(lambda work: ask(work, now))
    again = resident_room.tell(lambda work: ask(work, now + timedelta(minutes=2)))
    assert again.code == first.code and count() == before + 1, "the day is another one in Beijing, the form the same"
    assert first.request.due == again.request.due == weekdays_after(beijing_date(now), 3)
    (told,) = resident_room.rows("select receiver from proof_receiver where request_id = $1", first.request.id)
    assert told["receiver"] == WATER.id
