"""An approver at the pages of a served village: what waits for them, their one-time codes, and the forms they send."""

import base64
import json
import re
import sys
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "issuance"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_desk"))
from desk_room import DeskRoom, Hand, somebody
from village_people import APPROVER, CLERK, CONSENT, NOTES, PROOF, VILLAGE, in_term

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "village_accounts"))
from account_room import PASSWORD, code

from certsvc.domain.life import Ground
from certsvc.domain.proof_request import IdentityCheck, ProofRequest
from certsvc.issuance.village.deciding import cancel, submit
from certsvc.issuance.village.drafts import Opening, open_at_counter, record_identity
from certsvc.issuance.village.work import Said, VillageWork

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
AT = f"/village/at/{VILLAGE}"
GROUND = Ground(
    reason="名单把外村人员列入",
    reason_code="not_qualified",
    legal_basis="厅字〔2022〕28号",
    decision_number="石塘村撤〔2026〕1号",
)
HIDDEN = re.compile(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">')


def now() -> datetime:
    return datetime.now(UTC)


def payload(**changes: Any) -> dict[str, Any]:
    """A good payload."""
    path = min((SCHEMAS / PROOF / "v2" / "examples").glob("good-*.json"), key=lambda one: one.stat().st_size)
    return in_term(json.loads(path.read_text("utf-8"))) | changes


def waiting(room: DeskRoom, *keys: str, name: str = CLERK) -> list[str]:
    """Requests that somebody put before the approvers; their ids."""

    async def story(work: VillageWork) -> list[str]:
        clerk, made = await somebody(work, name, VILLAGE), []
        for key in keys:
            account = f"4419-{zlib.crc32(key.encode()) % 10**7:07}"
            said = Said(payload=payload(account=account), notes=NOTES, consent=CONSENT)
            request = (await open_at_counter(work, clerk, Opening(key=key, type_id=PROOF, said=said), now())).request
            how = IdentityCheck.IN_PERSON
            request = await record_identity(work, clerk, request.id, how, request.version, f"{key} seen", now())
            made.append((await submit(work, clerk, request.id, request.version, f"{key} submit", now())).id)
        return made

    return room.tell(story)


def request_of(room: DeskRoom, request_id: str) -> ProofRequest:
    """A request as it stands."""

    async def story(work: VillageWork) -> ProofRequest:
        return await work.requests.request(request_id)

    return room.tell(story)


def to_cancel(room: DeskRoom, request_id: str) -> None:
    """Its clerk asks that what was sealed is cancelled."""

    async def story(work: VillageWork) -> None:
        request = await work.requests.request(request_id)
        await cancel(work, await somebody(work, CLERK, VILLAGE), request_id, GROUND, request.version, "cancel", now())

    room.tell(story)


@dataclass
class Approver:
    """Somebody with one-time codes, at a browser of no script."""

    hand: Hand
    secret: bytes
    step: int = 0

    def confirmation(self) -> dict[str, str]:
        """Password and a code that was not used yet."""
        shown = code(self.secret, now(), self.step)
        self.step += 1
        return {"password": PASSWORD, "code": shown}

    def form(self, page: str, marked: str) -> dict[str, str]:
        """The hidden fields of the form of a page that has this in it."""
        text = self.hand.get(page).text
        (form,) = [each for each in re.findall(r"<form.*?</form>", text, re.S) if marked in each]
        return dict(HIDDEN.findall(form))


def approver(room: DeskRoom, name: str = APPROVER) -> Approver:
    """Somebody who has set up codes; the code of the step before this one is used up by it."""
    hand = Hand(room, name)
    token = hand.hidden("/village/account")
    assert hand.post("/village/account/totp", password=PASSWORD, **token).status_code == 303
    groups = re.findall(r"<i>([A-Z2-7]{4})</i>", hand.get("/village/account").text)
    assert groups, "the secret as text"
    plain = "".join(groups)
    secret = base64.b32decode(plain + "=" * (-len(plain) % 8))
    done = hand.post("/village/account/totp/confirm", code=code(secret, now(), -1), **token)
    assert done.status_code == 303, done.text
    return Approver(hand, secret)
