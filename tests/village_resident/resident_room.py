"""A resident's browser of no script over a village that is served, and what the village does with the request."""

import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_accounts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_requests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_desk"))
from account_room import PASSWORD
from desk_room import DeskRoom, Hand, served, somebody
from desk_stories import decided
from village_people import CLERK, NOTES, PROOF, VILLAGE

from certsvc.domain.handing import HandedTo, SeenHow
from certsvc.domain.life import Ground
from certsvc.domain.proof_acts import ProofAct
from certsvc.domain.proof_ground import CorrectionGround
from certsvc.domain.proof_item import Said
from certsvc.domain.proof_request import IdentityCheck, ProofRequest, hash_of_code
from certsvc.domain.receiver import Receiver, Receivers
from certsvc.ids import ProgressCode, parse_typed_code
from certsvc.issuance.village.deciding import cancel, certificate_of, submit
from certsvc.issuance.village.drafts import Opening, open_at_counter, record_identity, save_draft
from certsvc.issuance.village.entering import form_of
from certsvc.issuance.village.handing import Collector, HandingOut, hand_out
from certsvc.issuance.village.work import Said as Written
from certsvc.issuance.village.work import VillageWork, open_content
from certsvc.store.handing import PostgresHandings
from certsvc.store.pool import open_pool

__all__ = ["CLERK", "PASSWORD", "VILLAGE", "DeskRoom", "Hand", "served"]

AREA = "441900"
FORM = f"/apply/{AREA}/{PROOF}/form"
WATER = Receiver(
    id="made-up-water", name=Said("云山市云岗水务有限公司", "Yungang Water"), types=frozenset({PROOF}), client="water"
)
HALL = Receiver(id="made-up-hall", name=Said("云岗镇服务大厅", "Yungang hall"), types=frozenset({PROOF}))
RECEIVERS = Receivers({AREA: (WATER, HALL)})
TYPED: Mapping[str, Any] = {
    "f.applicant": "周桂芳",
    "f.applicant_id": "440524188001010014",
    "f.water_address": "云山市云岗镇石塘村南洲路12号",
    "f.account": "4419-0032871",
    "f.residents": "2",
    "f.names": ["周桂芳", "周志明"],
    "f.receiver": "云山市云岗水务有限公司",
    "f.purpose": "办理居民阶梯水费户籍人口核增",
    "contact": "0000-00000315",
    "agree": "yes",
    "agree_sensitive": "yes",
    "tell": "",
}
FOUR = "0014"
GROUND = Ground(
    reason="名单把外村人员列入",
    reason_code="not_qualified",
    legal_basis="厅字〔2022〕28号",
    decision_number="石塘村撤〔2026〕1号",
)
HIDDEN = re.compile(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)"')
CODE = re.compile(r"P-(?:[0-9A-Z]{5}-){2}[0-9A-Z]{5}")


class Phone:
    """A resident's browser."""

    def __init__(self, room: DeskRoom, **headers: str) -> None:
        sent = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin", "Accept-Language": "zh", **headers}
        self.client = httpx.Client(base_url=room.base, headers=sent)

    def get(self, path: str) -> httpx.Response:
        """Open a page."""
        return self.client.get(path)

    def post(self, path: str, fields: Mapping[str, str | Sequence[str]]) -> httpx.Response:
        """Send a form."""
        return self.client.post(path, data=dict(fields))

    def form(self, path: str = f"{FORM}?organ={VILLAGE}") -> dict[str, Any]:
        """A form as it is shown, with what is typed into it."""
        return {**hidden(self.get(path).text), **TYPED}

    def asks(self, **typed: Any) -> ProgressCode:
        """Ask for a proof; the code."""
        answer = self.post(FORM, {**self.form(), **typed})
        assert answer.status_code == 200, answer.text[-3000:]
        return code_on(answer.text)


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of a page; of a name that comes several times the last."""
    return dict(HIDDEN.findall(page))


def code_on(page: str) -> ProgressCode:
    """The code that a page shows."""
    found = CODE.search(page)
    assert found is not None, page[-3000:]
    return ProgressCode(found[0])


def sealed(room: DeskRoom, code: ProgressCode) -> ProofRequest:
    """The village sees who asked, fills in the term, and two people seal it."""
    request = submitted(room, code)
    decided(room, page_of(request), ProofAct.APPROVE)
    return request


def submitted(room: DeskRoom, code: ProgressCode) -> ProofRequest:
    """The village sees who asked, fills in the term, and puts it before an approver."""

    async def story(work: VillageWork) -> ProofRequest:
        now = datetime.now(UTC)
        clerk = await somebody(work, CLERK, VILLAGE)
        request = await work.requests.of_code(hash_of_code(code))
        payload = {**form_of(work, PROOF).at_first(now.date()), **open_content(work, request).payload}
        payload |= {"valid_from": now.date().isoformat(), "valid_to": now.date().replace(month=12, day=31).isoformat()}
        payload |= {"phone": "0000-00000315"}
        request = await save_draft(
            work, clerk, request.id, Written(payload=payload, notes=NOTES), request.version, "fill", now
        )
        request = await record_identity(work, clerk, request.id, IdentityCheck.IN_PERSON, request.version, "seen", now)
        return await submit(work, clerk, request.id, request.version, "submit", now)

    return room.tell(story)


def cancelled(room: DeskRoom, request: ProofRequest) -> None:
    """The clerk asks to cancel it, and the approver agrees."""

    async def story(work: VillageWork) -> None:
        now = datetime.now(UTC)
        known, clerk = await work.requests.request(request.id), await somebody(work, CLERK, VILLAGE)
        await cancel(work, clerk, request.id, GROUND, known.version, "cancel", now)

    room.tell(story)
    decided(room, page_of(request), ProofAct.CONFIRM_CANCEL)


def corrected(room: DeskRoom, request: ProofRequest, reason: str = "户号写错") -> ProofRequest:
    """The clerk corrects a proof that was sealed, and two people seal the next version."""

    async def story(work: VillageWork) -> ProofRequest:
        now = datetime.now(UTC)
        clerk, known = await somebody(work, CLERK, VILLAGE), await work.requests.request(request.id)
        payload = open_content(work, known).payload | {"account": "4419-0000002"}
        said = Written(payload=payload, notes=NOTES, consent=known.consent)
        ref = parse_typed_code(await certificate_of(work, known))
        asked = Opening(
            key=f"corrects {request.id}",
            type_id=PROOF,
            said=said,
            corrects=ref,
            correction=reason,
            ground=CorrectionGround.CLERICAL,
        )
        made = (await open_at_counter(work, clerk, asked, now)).request
        made = await record_identity(work, clerk, made.id, IdentityCheck.IN_PERSON, made.version, "seen", now)
        return await submit(work, clerk, made.id, made.version, "submit", now)

    made = room.tell(story)
    decided(room, page_of(made), ProofAct.APPROVE)
    return made


def page_of(request: ProofRequest) -> str:
    """The address of a request in the console."""
    return f"/village/at/{VILLAGE}/requests/{request.id}"


def secret_for(room: DeskRoom, request: ProofRequest, key: str = "secret") -> str:
    """A number that the clerk hands over."""
    collector = Collector(given_to=HandedTo.APPLICANT, seen=SeenHow.IN_PERSON)

    async def story(work: VillageWork) -> str:
        async with open_pool(room.uri) as pool:
            out = HandingOut(work=work, handings=PostgresHandings(pool), receivers=RECEIVERS)
            clerk = await somebody(work, CLERK, VILLAGE)
            return await hand_out(out, clerk, request.id, collector, key, datetime.now(UTC))

    return room.tell(story)
