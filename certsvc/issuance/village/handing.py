"""Handing out a sealed proof, and what a resident does with the code alone: the try goes on record first."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from certsvc.domain.handing import (
    LONGEST_AGENT,
    Handed,
    HandedTo,
    Handing,
    NewHanding,
    SeenHow,
    TryPlace,
    last_four,
    read_secret,
    secret_from,
)
from certsvc.domain.masking import mask_name
from certsvc.domain.organ import Member, OrganDuty
from certsvc.domain.proof_acts import ProofState
from certsvc.domain.proof_life import LifeState, require_usable
from certsvc.domain.proof_request import Origin, ProofRequest, hash_of_code
from certsvc.domain.receiver import Receiver, Receivers
from certsvc.errors import ActNotAllowed, Forbidden, HandingRefused, InvalidInput, NotFound
from certsvc.ids import ProgressCode, Uscc
from certsvc.issuance.village.drafts import Opened, Opening, choice_of, open_online, save_by_code
from certsvc.issuance.village.lives import life_of, require_in_use
from certsvc.issuance.village.work import Content, Said, VillageWork, kind_of, open_content, visible
from certsvc.services.handings import Handings


@dataclass(frozen=True, slots=True, kw_only=True)
class HandingOut:
    """The frozen bundle of these use cases."""

    work: VillageWork
    handings: Handings
    receivers: Receivers


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    """Who gets the secret, and how it was seen who they are; `agent` is the name of who comes in the applicant's
    place."""

    given_to: HandedTo
    seen: SeenHow
    agent: str = ""


async def hand_out(out: HandingOut, who: Member, request_id: str, collector: Collector, key: str, now: datetime) -> str:
    """A clerk hands a secret to the identified person; the secret, which is kept nowhere. The same form sent again
    gives the same one; a new form ends the one before.

    Raises:
        NotFound: there is no such request in this organ.
        Forbidden: who hands it out is no clerk.
        ActNotAllowed: it is not sealed, or not in force any more.
        InvalidInput: an agent is not named.
        KeyReused: the form said something else before.
    """
    request = await visible(out.work, who, request_id)
    _require_clerk(who)
    await require_in_use(out.work, request, now)
    agent = collector.agent.strip()
    if collector.given_to is HandedTo.AGENT and not (0 < len(agent) <= LONGEST_AGENT and agent.isprintable()):
        raise InvalidInput("请填写代领人的姓名。", "Fill in the name of who collects it for the applicant.")
    secret = secret_from(out.work.issuing.cipher.look_up(f"handing secret {request.id} {key}"))
    new = NewHanding(
        request_id=request.id,
        key=key,
        digest=_digest(out, request.id, secret),
        account=who.account,
        person=who.name,
        given_to=collector.given_to,
        agent=mask_name(agent) if collector.given_to is HandedTo.AGENT else None,
        seen=collector.seen,
        at=now,
    )
    await out.handings.hand_out(new)
    return secret


async def handed_out(out: HandingOut, who: Member, request_id: str) -> Sequence[Handing]:
    """Every secret that was handed out for a request of one's organ, the newest first.

    Raises:
        NotFound: there is no such request in this organ.
    """
    return await out.handings.of_request((await visible(out.work, who, request_id)).id)


async def fetch(out: HandingOut, code: ProgressCode, typed: str, place: TryPlace, now: datetime) -> Handed:
    """The sealed file, for who has the code of its request and the secret. Every try counts, whatever comes of it.

    Raises:
        HandingRefused: a wrong code or secret, or one that has ended: said alike.
        ActNotAllowed: the proof was corrected since, and the new one is to be fetched; or it is not in force.
        NotFound, StoreError: the file is gone, or damaged.
    """
    secret = read_secret(typed)
    try:
        request = await out.work.requests.of_code(hash_of_code(code))
    except NotFound:
        raise HandingRefused.at_all() from None
    tried = await out.handings.begin(request.id, place, now) if secret else None
    if secret is None or tried is None or not hmac.compare_digest(tried.digest, _digest(out, request.id, secret)):
        raise HandingRefused.at_all()
    handed = await _file(out.work, request, now)
    await out.handings.note_opened(tried, now)
    return handed


async def open_by_code(out: HandingOut, code: ProgressCode, typed: str, now: datetime) -> tuple[ProofRequest, Content]:
    """What a resident sent in online, for who has its code and knows the last four characters of the holder's number,
    or of the contact where the holder has none. Every try counts, whatever comes of it.

    Raises:
        NotFound: the code is no request's, or what it said is erased.
        Forbidden: other characters; or it was made at the counter.
        NoTryLeft: too many were wrong within a day.
    """
    request = await out.work.requests.of_code(hash_of_code(code))
    if request.origin is not Origin.ONLINE:
        raise Forbidden(
            "这份申请是在柜台办的，请到柜台修改或者撤回。",
            "It was asked for at the counter: change it there, or take it back there.",
        )
    tried = await out.handings.begin(request.id, TryPlace.CONTENT, now)
    content = open_content(out.work, request)
    expected = _known_four(out.work, request, content)
    if tried is None or not expected or not hmac.compare_digest(expected.encode(), last_four(typed).encode()):
        raise Forbidden(
            "后四位不对，请对照证件再输一次。", "Those are not the last four characters: compare and try again."
        )
    await out.handings.note_opened(tried, now)
    return request, content


async def ask_online(out: HandingOut, organ: Uscc, asked: Opening, receiver_id: str, now: datetime) -> Opened:
    """A resident opens a request with an organ, and says whom they want told; nobody with an empty id.

    Raises:
        InvalidInput: no such organ receives this proof where it is given.
        NotFound, ProofRefused, KeyReused, and so on: see `open_online`.
    """
    around = out.receivers.of((await out.work.organs.organ(organ)).area, asked.type_id)
    return await open_online(out.work, organ, replace(asked, tells=_offered(around, receiver_id)), now)


async def save_online(
    out: HandingOut, code: ProgressCode, said: Said, receiver_id: str, seen: int, key: str, now: datetime
) -> ProofRequest:
    """A resident corrects what they sent in online, and whom they want told.

    Raises:
        InvalidInput: see `ask_online`.
        NotFound, Forbidden, ChangedMeanwhile, and so on: see `save_by_code`.
    """
    request = await out.work.requests.of_code(hash_of_code(code))
    chosen = _offered(await receivers_of(out, request), receiver_id)
    tells = choice_of(request.id, key, chosen, None, now)
    return await save_by_code(out.work, code, said, seen, key, now, tells)


async def choose_receiver(
    out: HandingOut, request: ProofRequest, receiver_id: str, key: str, now: datetime, who: Member
) -> None:
    """A clerk puts on record whom the resident agrees is told of the proof; nobody with an empty id.

    Raises:
        InvalidInput: no such organ receives this proof where it is given.
        ActNotAllowed, Forbidden: see `services.Handings.choose`.
    """
    chosen = _offered(await receivers_of(out, request), receiver_id)
    await out.handings.choose(choice_of(request.id, key, chosen, who, now))


async def receivers_of(out: HandingOut, request: ProofRequest) -> Sequence[Receiver]:
    """The organs that may be told of a request's proof."""
    organ = await out.work.organs.organ(request.organ)
    return out.receivers.of(organ.area, request.type_id)


def _offered(offered: Sequence[Receiver], receiver_id: str) -> Receiver | None:
    found = next((one for one in offered if one.id == receiver_id), None)
    if receiver_id and found is None:
        raise InvalidInput("请重新选择接收单位。", "Choose the receiving organ again.")
    return found


def _require_clerk(who: Member) -> None:
    if not who.has(OrganDuty.CLERK):
        raise Forbidden(
            f"{who.name} 在{who.organ.name}不是经办人，不能发放证明。",
            f"{who.name} is no clerk in {who.organ.name}, and hands out no proof.",
        )


def _digest(out: HandingOut, request_id: str, secret: str) -> bytes:
    return out.work.issuing.cipher.look_up(f"handing {request_id} {secret}")


def _known_four(work: VillageWork, request: ProofRequest, content: Content) -> str:
    """What tells who sent it in from who found the slip."""
    table = kind_of(work, request.type_id).definition.holder
    number = content.payload.get(table.code or "")
    return last_four(number if isinstance(number, str) and number.strip() else content.contact or "")


async def _file(work: VillageWork, request: ProofRequest, now: datetime) -> Handed:
    life = await life_of(work, request, now)
    if life is None or request.state is not ProofState.SEALED:
        raise HandingRefused.at_all()
    if life.state is LifeState.CORRECTED:
        raise ActNotAllowed(
            "这份证明已经更正，请用新证明的查询码和取件码领取。",
            "This proof was corrected: fetch the new one, with its own code and number.",
        )
    if life.state is LifeState.REPLACED:
        raise ActNotAllowed(
            "这份证明已另发了新的一份：请带身份证件到柜台领。",
            "This proof was replaced by a new one: come to the counter for it with your identity document.",
        )
    require_usable(life)
    documents = await work.issuing.register.documents(life.ref)
    if not documents:
        raise NotFound("这份证明的文件已不在。", "The file of this proof is not there any more.")
    return Handed(ref=life.ref, pdf=work.issuing.blobs.get(documents[0].sha256))
