"""The village 石塘村 with its people, another village, and made-up requests."""

import hashlib
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "store"))
from made_up import PEOPLE
from sealed import applied, put_in_use

from certsvc.domain.acts import Act
from certsvc.domain.approval import ToApprove, new_approval_id
from certsvc.domain.calendar import beijing_date
from certsvc.domain.looked_into import Way, looked_into
from certsvc.domain.organ import Arrival, Handover, Member, Organ, OrganDuty, OrganKind
from certsvc.domain.proof_acts import ProofAct
from certsvc.domain.proof_request import (
    VILLAGE_KEY,
    Consent,
    ConsentGiven,
    IdentityCheck,
    NewProofRequest,
    Origin,
    ProofActRequest,
    ProofContent,
    ProofRequest,
    hash_of_code,
    new_request_id,
)
from certsvc.domain.sitting import Agreed, digest_of_said
from certsvc.ids import new_opaque_id, new_progress_code, parse_uscc
from certsvc.store.organs import PostgresOrgans
from certsvc.store.pool import Connection, Pool
from certsvc.store.proof_requests import PostgresProofRequests
from certsvc.store.seals import PostgresSeals

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
TODAY = date(2026, 11, 24)
VILLAGE, OTHER = parse_uscc("54441900ME0012B37D"), parse_uscc("54441900ME0034D529")
CLERK, APPROVER, SECOND, AUDITOR, STRANGER = "林晓芸", "黄志强", "赵国强", "何有为", "邻村人"
PROOF = "tiered-water-proof"
NOTES = looked_into((Way.VISIT,), "入户走访，两人，有记录。")
CONSENT = Consent(what="核对户籍人口，并把证明交给供水单位", how=ConsentGiven.IN_PERSON)
CONFIRM = "insert into account_confirmation (id, account, digest, method, at) values ($1, $2, $3, 'passkey', $4)"
ADD_ACCOUNT = "insert into account (id, name, is_demonstration, added_at) values ($1, $2, true, $3)"


def in_term(payload: dict[str, Any]) -> dict[str, Any]:
    """A payload with its term from today on, as long as it was: what is over is not given out."""
    moved = beijing_date(datetime.now(UTC)) - date.fromisoformat(payload["valid_from"])
    return payload | {key: (date.fromisoformat(payload[key]) + moved).isoformat() for key in ("valid_from", "valid_to")}


def account_of(name: str) -> str:
    """The same id for a name at all times."""
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    return "a-" + "".join(alphabet[byte % 32] for byte in hashlib.sha256(name.encode()).digest()[:20])


def organ(uscc: Any = VILLAGE, word: str = "石塘村", seal: str | None = None) -> Organ:
    """A village's committee."""
    name = f"云山市云岗镇{word}村民委员会"
    return Organ(uscc=uscc, kind=OrganKind.VILLAGE, name=name, area="441900", number_word=word, seal_id=seal)


def arrival(name: str, duty: OrganDuty) -> Arrival:
    """Somebody who comes."""
    return Arrival(account=account_of(name), person=name, duty=duty)


def handover(*comes: Arrival, goes: tuple[str, ...] = (), key: str = "first", **more: Any) -> Handover:
    """A handover of the village."""
    said: dict[str, Any] = {"organ": VILLAGE, "day": TODAY, "by": "镇村务办", "reason": "换届"} | more
    return Handover(key=key, goes=goes, comes=comes, **said)


FIRST = (
    arrival(CLERK, OrganDuty.CLERK),
    arrival(APPROVER, OrganDuty.APPROVER),
    arrival(SECOND, OrganDuty.APPROVER),
    arrival(SECOND, OrganDuty.CLERK),
    arrival(AUDITOR, OrganDuty.AUDITOR),
)


async def add_accounts(pool: Pool, *names: str) -> None:
    """Persons who may sign in."""
    async with pool.transaction() as connection:
        for name in names:
            await connection.execute(ADD_ACCOUNT, account_of(name), name, NOW)


async def settle(pool: Pool, seal: str | None = None, day: date = TODAY) -> None:
    """The village and its neighbour go on record, with their people."""
    await add_accounts(pool, CLERK, APPROVER, SECOND, AUDITOR, STRANGER, "新人")
    organs = PostgresOrgans(pool)
    if seal is None:
        seal = "village"
        people = replace(PEOPLE, keeper=CLERK, approver=None)
        village = replace(applied(seal), people=people, owner_uscc=VILLAGE, certificate_types=frozenset({PROOF}))
        await put_in_use(PostgresSeals(pool), village, NOW)
    await organs.put(organ(seal=seal), "镇村务办", NOW)
    await organs.put(organ(OTHER, "荔湾村"), "镇村务办", NOW)
    await organs.hand_over(handover(*FIRST, day=day), NOW)
    neighbours = arrival(STRANGER, OrganDuty.CLERK), arrival("新人", OrganDuty.APPROVER)
    await organs.hand_over(handover(*neighbours, organ=OTHER, day=day), NOW)


async def member(pool: Pool, name: str, uscc: Any = VILLAGE, day: date = TODAY) -> Member:
    """Somebody in their organ."""
    found = await PostgresOrgans(pool).memberships(account_of(name), day)
    return next(one for one in found if one.organ.uscc == uscc)


def act(
    request: ProofRequest | str, done: ProofAct, name: str | None, seen: int | None = None, key: str = "", **more: Any
) -> ProofActRequest:
    """Somebody acts; None is the resident."""
    request_id, version = (request, 0) if isinstance(request, str) else (request.id, request.version)
    version = version if seen is None else seen
    return ProofActRequest(
        request_id=request_id,
        act=done,
        account=account_of(name) if name else None,
        person=name or "申请人",
        seen=version,
        key=key or f"{done} {name} {version}",
        digest=hashlib.sha256(f"{done} {name} {version} {more}".encode()).digest(),
        **more,
    )


def content(text: str = "x", holder: str = "holder") -> ProofContent:
    """Something encrypted, of a holder."""
    hashed = hashlib.sha256(holder.encode()).digest()
    return ProofContent(sealed=text.encode(), key_id="data-1", shown="周**", holder_hash=hashed)


async def opened(
    requests: PostgresProofRequests, key: str = "one", name: str | None = CLERK, **more: Any
) -> ProofRequest:
    """A request with its first draft."""
    request_id = new_request_id()
    new = NewProofRequest(
        id=request_id,
        organ=more.pop("organ", VILLAGE),
        type_id=PROOF,
        origin=Origin.COUNTER if name else Origin.ONLINE,
        code_hash=more.pop("code_hash", hash_of_code(new_progress_code())),
        due=more.pop("due", TODAY),
        corrects=None,
        content=content(),
    )
    asked = act(request_id, ProofAct.OPEN, name, key=key, consent=CONSENT)
    return await requests.open(new, asked, NOW)


async def identified(requests: PostgresProofRequests, key: str = "one", name: str = CLERK) -> ProofRequest:
    """A draft that is ready to be submitted."""
    request = await opened(requests, key, name)
    asked = act(request, ProofAct.IDENTIFY, name, identity=IdentityCheck.IN_PERSON)
    return await requests.act(asked, None, NOW)


def to_approve(request: ProofRequest, name: str = CLERK) -> ToApprove:
    """What is asked of those who approve."""
    return ToApprove(
        id=new_approval_id(),
        client=name,
        key=f"{VILLAGE_KEY}{request.id} {request.version}",
        digest=hashlib.sha256(request.id.encode()).digest(),
        act=Act.ISSUE,
        type_id=PROOF,
        seals=("village",),
        area="441900",
        ref=None,
        sealed_request=b"{}",
        payload_key_id="data-1",
        needed=1,
        asked_at=NOW,
    )


async def submitted(requests: PostgresProofRequests, key: str = "one", name: str = CLERK) -> ProofRequest:
    """A request that waits for approval."""
    request = await identified(requests, key, name)
    await requests.asking(act(request, ProofAct.SUBMIT, name), NOW).ask(to_approve(request, name))
    return await requests.request(request.id)


async def confirmed(requests: PostgresProofRequests, asked: ProofActRequest, at: datetime = NOW) -> str:
    """Who is to agree has seen what is asked, and confirmed it; the confirmation."""
    agreed = [Agreed(asked.request_id, asked.seen, asked.act)]
    await requests.see(asked.account or "", asked.request_id, asked.seen, at)
    async with requests._pool.transaction() as connection:
        return await confirmation_of(connection, asked.account or "", digest_of_said(agreed), at)


async def confirmation_of(connection: Connection, account: str, digest: bytes, at: datetime = NOW) -> str:
    """A confirmation by passkey, past the sign-in."""
    made = new_opaque_id("k")
    await connection.execute(CONFIRM, made, account, digest, at)
    return made


async def agrees(requests: PostgresProofRequests, asked: ProofActRequest, at: datetime = NOW) -> ProofRequest:
    """An approver agrees, seen and confirmed."""
    return await requests.decide(asked, True, at, await confirmed(requests, asked, at))


async def approved(requests: PostgresProofRequests, key: str = "one", name: str = APPROVER) -> ProofRequest:
    """A request that somebody approved."""
    request = await submitted(requests, key)
    return await agrees(requests, act(request, ProofAct.APPROVE, name))
